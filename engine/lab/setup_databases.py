"""How setup changes the databases of a role: one after the other, each for good, so that a failure leaves some done.

The order within a database is the lab's own, as no source tells it: the version row, the management packs, the schema.
"""

from engine.lab.machine_sql import Database
from engine.lab.machine_sql_media import volume_of
from engine.lab.setup_log import SetupLog
from engine.lab.setup_product import Product

LOG_BYTES = 2 * 1024**3


def change_databases(product: Product, build: str, log: SetupLog) -> bool:
    """True if all databases are those of the build now; else the log says what kept setup from going on."""
    if not _bundle_fits(product, build, log):
        return False
    return all(_change(product, one, build, log) for one in product.databases)


def _bundle_fits(product: Product, build: str, log: SetupLog) -> bool:
    """Management packs are read from the bundle that lies there, whichever build it is of."""
    file = product.machine.files.get(product.bundle)
    found = file.version if file is not None else None
    if found == build:
        return True
    log(f"ImportBundle: Error: Unable to load management pack from {product.bundle}.")
    log(f"ImportBundle: Version mismatch, actual version available is {found}. Version {build} was requested.")
    return False


def _change(product: Product, database: Database, build: str, log: SetupLog) -> bool:
    if database.state != "ONLINE":
        log(f"_ExecuteSqlScripts: Cannot open database '{database.name}'. It is {database.state}.")
        return False
    database.product_version = build
    own = product.machine.product.store.unsealed if product.machine.product and product.machine.product.store else {}
    packs = database.management_packs.items()
    database.management_packs = {name: version if name in own else build for name, version in packs}
    database.log.work(200)
    log(f"ImportBundle: Management packs of {database.name} are at {build}.")
    if not _log_can_grow(product, database):
        log(f"_ExecuteSqlScripts: Error 9002: The transaction log for database '{database.name}' is full.")
        return False
    log(f"_ExecuteSqlScripts: The schema of {database.name} is that of {build}.")
    return True


def _log_can_grow(product: Product, database: Database) -> bool:
    """The change of the schema needs room in the log while it lasts."""
    volumes = [volume_of(product.sql, one.path) for one in database.files if one.kind == "LOG"]
    return all(one is None or one.free >= LOG_BYTES for one in volumes)
