"""What ``service_manager_key_backup.observe.ps1`` sees: a file, and what tells of the installation."""

from datetime import UTC, datetime

from engine.lab.clock import iso
from engine.lab.machine import Machine
from engine.lab.machine_files import normal
from engine.model.data import JsonMap, JsonValue

_UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """The file at the path, and what tells of the installation."""
    path = str(arguments["path"])
    file, folder = machine.files.get(path), machine.files.is_folder(path)
    return {
        "found": file is not None or folder,
        "kind": "file" if file else "folder" if folder else None,
        "size": len(file.content) if file else None,
        "modified": iso(file.modified) if file else None,
        "readable": bool(file and file.content),
        "folder_created": _folder_created(machine, arguments.get("folder")),
        "programs": _programs(machine),
    }


def _folder_created(machine: Machine, folder: JsonValue) -> str | None:
    if not isinstance(folder, str) or machine.product is None or not machine.files.is_folder(folder):
        return None
    return iso(machine.product.installed_at) if normal(folder) == normal(machine.product.folder) else None


def _programs(machine: Machine) -> list[JsonValue]:
    rows = [
        (machine.registry.data(rf"{_UNINSTALL}\{one}", "DisplayName"), one)
        for one in machine.registry.children(_UNINSTALL)
    ]
    return [
        {"name": name, "installed": _day(machine.registry.data(rf"{_UNINSTALL}\{one}", "InstallDate"))}
        for name, one in rows
        if isinstance(name, str) and "service manager" in name.lower()
    ]


def _day(date: object) -> str | None:
    """The start of a day that the installer wrote; the lab's machines keep UTC."""
    text = str(date)
    if not (len(text) == len("20130302") and text.isascii() and text.isdigit()):
        return None
    try:
        return iso(datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
