"""What a person does to a server that failed for good: remove the role, restore its key, install it anew, update it.

Each deed ends in ``done`` or in one word for what kept it from being done, and leaves the machine accordingly.
"""

from collections.abc import Mapping

from engine.lab import machine_services as scm
from engine.lab.machine import Machine
from engine.lab.machine_files import LabFile, normal, parent
from engine.lab.machine_product import read_pack
from engine.lab.setup_log import SetupLog
from engine.lab.setup_product import Product, install, remove

DONE = "done"
SETUP_AT_WORK, NOT_INSTALLED, ALREADY_INSTALLED = "setup_at_work", "not_installed", "already_installed"
KEY_MISSING, KEY_UNREADABLE, KEY_OF_ANOTHER = "key_missing", "key_unreadable", "key_of_another"
MEDIA_MISSING, DATABASE_MISSING, VERSION_MISMATCH, WRONG_NAME = (
    "media_missing",
    "database_missing",
    "version_mismatch",
    "wrong_name",
)
FOLDER_MISSING, NAME_TAKEN = "folder_missing", "name_taken"
KEY_MARK = b"SMKEY "


def key_file(name: str) -> bytes:
    """What the wizard writes for the server of that name."""
    return KEY_MARK + name.upper().encode("ascii")


def remove_role(product: Product) -> str:
    """Uninstall it in Programs and Features."""
    if any(one.name in ("Setup.exe", "msiexec.exe") for one in product.machine.processes):
        return SETUP_AT_WORK
    if not product.installed:
        return NOT_INSTALLED
    with product.machine.lock:
        remove(product)
    return DONE


def restore_key(product: Product, path: str, machines: Mapping[str, Machine]) -> str:
    """Run the wizard of SecureStorageBackup.exe with a key file of this server or of a share."""
    file = _read(product.machine, path, machines)
    if file is None:
        return KEY_MISSING
    if not file.content.startswith(KEY_MARK):
        return KEY_UNREADABLE
    if file.content != key_file(product.machine.name):
        return KEY_OF_ANOTHER
    product.holds_key = True
    return DONE


def install_role(product: Product, media: str, log: SetupLog, machines: Mapping[str, Machine]) -> str:
    """Run Setup.exe of ``media`` and choose the existing database. Setup compares versions, the key and the name."""
    file = _read(product.machine, media, machines)
    if file is None or file.version is None:
        return MEDIA_MISSING
    if product.installed:
        log("Setup ended with error 242.")
        return ALREADY_INSTALLED
    if product.machine.computer_name != product.machine.name:  # the databases know it by that one
        return WRONG_NAME
    found = {one.name: one for one in product.databases if one.state == "ONLINE"}
    if set(found) != set(product.database_names):
        log("Setup ended with error 209.")
        return DATABASE_MISSING
    if {one.product_version for one in found.values()} != {file.version}:
        log("Setup ended with error 286.")
        return VERSION_MISMATCH
    if not product.holds_key:
        log("Setup ended with error -1.")
        return KEY_MISSING
    with product.machine.lock:
        install(product, file.version)
    log(f"Setup completed. Version {file.version}.")
    return DONE


def update_role(product: Product, update: str, media: str | None, machines: Mapping[str, Machine]) -> str:
    """Apply an update to a role that is there."""
    if not product.installed:
        return NOT_INSTALLED
    if media is not None and _read(product.machine, media, machines) is None:
        return MEDIA_MISSING
    if update not in product.updates:
        product.updates.append(update)
    return DONE


def import_packs(product: Product, folder: str) -> str:
    """Import every pack of a folder into the role's database, as the console does."""
    machine, server = product.machine, product.machine.product
    service = machine.services.get("OMSDK")
    if server is None or server.store is None or service is None or service.state != scm.RUNNING:
        return NOT_INSTALLED
    packs = [
        read_pack(one.content) for one in machine.files if folder and parent(one.path).lower() == normal(folder).lower()
    ]
    found = [one for one in packs if one is not None]
    if not found:
        return MEDIA_MISSING
    with product.sql.lock:
        server.store.add(found)
    return DONE


def set_aside(machine: Machine, folder: str, name: str) -> str:
    """Rename a folder; one that is not there, or a name that is taken, is told."""
    old, new = normal(folder), f"{parent(folder)}\\{name}"
    if not machine.files.is_folder(old):
        return FOLDER_MISSING
    if machine.files.is_folder(new):
        return NAME_TAKEN
    with machine.lock:
        for path in [path for key, path in machine.files.folders.items() if f"{key}\\".startswith(f"{old.lower()}\\")]:
            del machine.files.folders[path.lower()]
            machine.files.make_folder(new + path[len(old) :])
        for file in [one for one in machine.files if one.path.lower().startswith(f"{old.lower()}\\")]:
            machine.files.delete(file.path)
            moved = new + file.path[len(old) :]
            machine.files.write(moved, file.content, modified=file.modified, version=file.version)
    return DONE


def _read(machine: Machine, path: str, machines: Mapping[str, Machine]) -> LabFile | None:
    r"""A file of the machine, or one of ``\\SERVER\D$\...``."""
    if path.startswith("\\\\"):
        server, _, rest = path[2:].partition("\\")
        other = machines.get(server.partition(".")[0].upper())
        return other.files.get(rest.replace("$\\", ":\\", 1)) if other is not None and other.up else None
    return machine.files.get(path)
