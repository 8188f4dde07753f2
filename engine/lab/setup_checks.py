"""What setup looks at before it changes anything: the prerequisites, then the checks that end with Retry.

Each finding follows from the state of the machines now, so that a remedy is a remedy and nothing else is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.lab import machine_services as scm
from engine.lab.machine import Machine
from engine.lab.machine_product import AT_WORK, WarehouseJob
from engine.lab.machine_sql_media import volume_of
from engine.lab.setup_product import Product

AGENT_KEY = r"HKLM\SOFTWARE\Microsoft\Microsoft Operations Manager\3.0\Agent Management Groups"
OLDEST_SQL = (10, 50, 2500, 0)
DATABASE_BYTES = 1024**3
PROGRAM_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One item that failed: its ``kind`` for whoever has to remedy it, what the log says, and where."""

    kind: str
    text: str
    machine: Machine


def prerequisites(product: Product) -> Iterator[Finding]:
    """The items with a red cross."""
    server, sql = product.machine, product.sql
    if server.registry.children(AGENT_KEY):
        yield Finding(kind="agent", text="An Operations Manager agent is installed.", machine=server)
    at_work = [one.name for one in _jobs(server) if one.status(server.clock.now()) == AT_WORK]
    if at_work:
        text = f"Jobs of the data warehouse are at work: {', '.join(at_work)}."
        yield Finding(kind="warehouse-job", text=text, machine=server)
    if sql.sql is None:
        return
    if not sql.sql.full_text:
        yield Finding(kind="sql", text="SQL Server full-text search is not installed.", machine=sql)
    if "_CS_" in sql.sql.collation:
        yield Finding(kind="collation", text="The SQL Server instance is case-sensitive.", machine=sql)


def _jobs(server: Machine) -> Iterable[WarehouseJob]:
    return server.product.jobs.values() if server.product is not None else ()


def predicted(product: Product) -> Iterator[Finding]:
    """The checks that failed, in the order in which setup makes them."""
    yield from _databases(product)
    yield from _version(product)
    yield from _space_for_databases(product)
    yield from _logons(product)
    volume = volume_of(product.machine, product.folder)
    if volume is not None and volume.free < PROGRAM_BYTES:
        text = "There is not enough free space for the files of the new version."
        yield Finding(kind="program-space", text=text, machine=product.machine)


def _databases(product: Product) -> Iterator[Finding]:
    at_work = product.sql.sql_at_work is not None
    online = {one.name for one in product.databases if at_work and one.state == "ONLINE"}
    for name in product.database_names:
        if name not in online:
            text = f"The database {name} does not exist or is not online."
            yield Finding(kind="database", text=text, machine=product.sql)


def _version(product: Product) -> Iterator[Finding]:
    version = product.sql.sql.version if product.sql.sql is not None else ""
    if tuple(int(part) for part in version.split(".")) < OLDEST_SQL:
        text = f"The version {version} of SQL Server is not supported."
        yield Finding(kind="sql-version", text=text, machine=product.sql)


def _space_for_databases(product: Product) -> Iterator[Finding]:
    full: set[str] = set()
    for path in [file.path for database in product.databases for file in database.files]:
        volume = volume_of(product.sql, path)
        if volume is not None and volume.free < DATABASE_BYTES and volume.name not in full:
            full.add(volume.name)
            text = (
                "An error occurred while executing a custom action: _CreateDatabase. MODIFY FILE encountered operating "
                "system error 112(There is not enough space on the disk.) while attempting to expand the physical file "
                f"'{path}'."
            )
            yield Finding(kind="database-space", text=text, machine=product.sql)


def _logons(product: Product) -> Iterator[Finding]:
    """A service that runs has logged on."""
    for name in ("OMSDK", "OMCFG"):
        service = product.machine.services.get(name)
        if service is not None and service.state != scm.RUNNING:
            code, _ = scm.outcome_of_start(product.machine, service)
            if code == scm.LOGON_FAILED:
                text = f"The account of {name} cannot log on."
                yield Finding(kind="logon", text=text, machine=product.machine)
