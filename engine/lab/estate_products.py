r"""What belongs to each server of the product in the lab's estate: its role, and what lies ready for its recovery.

On each server: the media of both versions in ``C:\Media``, the update that the upgrade requires, the backup of its own
encryption key in ``C:\KeyBackup`` (copies lie on SQL01 in ``D:\KeyBackup``), unsealed packs in ``C:\MPBackup``.
"""

from collections.abc import Mapping

from engine.lab.estate_hosts import DATABASES, DW_DATABASES, PACKS, PROGRAM_FOLDER, SINCE_S, UNINSTALL_KEY, UNSEALED
from engine.lab.machine import Machine
from engine.lab.machine_product import Pack, PackStore, ServerProduct, usual_jobs
from engine.lab.setup_product import SERVER_ROLE, WAREHOUSE_ROLE, Product, layout_of
from engine.lab.setup_recovery import key_file

ORIGINAL_MEDIA, UPGRADE_MEDIA = r"C:\Media\SM2012\Setup.exe", r"C:\Media\SM2012SP1\Setup.exe"
UPDATE, UPDATE_MEDIA = "CU2", r"C:\Media\SM2012CU2\SM2012_CU2.exe"
WAREHOUSE_GROUPS = ("DWGROUP", "SMGROUP")
KEY_FOLDER, KEY_COPIES, PACK_FOLDER = r"C:\KeyBackup", r"D:\KeyBackup", r"C:\MPBackup"
_BINARIES = ("Microsoft.Mom.ConfigServiceHost.exe", "Microsoft.Mom.Sdk.ServiceHost.exe")
_SERVERS: Mapping[str, tuple[str, str, tuple[str, ...], str]] = {
    "SM01": (SERVER_ROLE, "SQL01", DATABASES, "ServiceManager.Core.Library.mpb"),
    "SM02": (SERVER_ROLE, "SQL01", DATABASES, "ServiceManager.Core.Library.mpb"),
    "DW01": (WAREHOUSE_ROLE, "SQL02", DW_DATABASES, "Sccmdw.mpb"),
}


def products_of(machines: Mapping[str, Machine], build: str) -> dict[str, Product]:
    """The role of each server, as its setup left it."""
    products = {}
    for name, (role, sql, databases, bundle) in _SERVERS.items():
        machines[name].product = _server_product(machines, name)
        machine, path = machines[name], f"{PROGRAM_FOLDER}\\{bundle}"
        machine.files.write(path, b"MPB", modified=machine.clock.now(), version=build)
        products[name] = Product(
            machine=machine,
            sql=machines[sql],
            role=role,
            folder=PROGRAM_FOLDER,
            uninstall_key=UNINSTALL_KEY,
            build=build,
            binaries=_BINARIES,
            database_names=databases,
            bundle=path,
            layout=layout_of(machine, PROGRAM_FOLDER, UNINSTALL_KEY),
            updates=[UPDATE],
        )
    return products


def _server_product(machines: Mapping[str, Machine], name: str) -> ServerProduct:
    """What the server's data access service knows; the servers of one database share its management packs."""
    role, sql, databases, _ = _SERVERS[name]
    known = [one.product.store for one in machines.values() if one.product is not None]
    instance = machines[sql].sql
    assert instance is not None
    store = next((one for one in known if one is not None and one.sql is instance), None)
    if store is None:
        unsealed: dict[str, tuple[str, ...]] = {pack: PACKS[:1] for pack in UNSEALED if role == SERVER_ROLE}
        store = PackStore(sql=instance, database=databases[0], unsealed=unsealed)
    return ServerProduct(
        folder=PROGRAM_FOLDER,
        installed_at=machines[name].clock.now() - SINCE_S,
        store=store,
        jobs=usual_jobs(WAREHOUSE_GROUPS) if role == WAREHOUSE_ROLE else {},
    )


def prepare_recovery(machines: Mapping[str, Machine], build: str, target: str) -> None:
    """Media, key files and exported packs, as a careful operator left them before the upgrade."""
    for name in _SERVERS:
        machine = machines[name]
        now = machine.clock.now()
        for path, version in ((ORIGINAL_MEDIA, build), (UPGRADE_MEDIA, target), (UPDATE_MEDIA, build)):
            machine.files.write(path, b"MZ", modified=now, version=version)
        machine.files.write(f"{KEY_FOLDER}\\{name}.bin", key_file(name), modified=now)
        machines["SQL01"].files.write(f"{KEY_COPIES}\\{name}.bin", key_file(name), modified=now)
        for pack, number in UNSEALED.items():
            text = Pack(name=pack, version=number, sealed=False, references=PACKS[:1]).xml()
            machine.files.write(f"{PACK_FOLDER}\\{pack}.xml", text.encode(), modified=now)
