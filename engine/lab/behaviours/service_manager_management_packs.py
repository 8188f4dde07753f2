"""What the payloads about management packs see and do: packs in the server's database, files in a folder."""

from engine.lab.behaviours.plain import texts
from engine.lab.behaviours.service_manager_module import module, packs
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_files import LabFile, normal, parent
from engine.lab.machine_product import Pack, read_pack
from engine.model.data import JsonMap, JsonValue


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """All packs."""
    module(machine, arguments)
    _, found = packs(machine)
    return {"packs": [{"name": one.name, "version": one.version, "sealed": one.sealed} for one in found]}


def folder(machine: Machine, arguments: JsonMap) -> JsonValue:
    """The XML files of a folder, each with the pack it holds."""
    path = str(arguments["folder"])
    if not machine.files.is_folder(path):
        return {"found": False, "files": [], "others": []}
    files = [(one.path.rpartition("\\")[2], one) for one in _inside(machine, path)]
    wanted = normal(path).lower()
    folders = [one for one in machine.files.folders.values() if parent(one).lower() == wanted and one.lower() != wanted]
    others: list[str] = [name for name, _ in files if not name.lower().endswith(".xml")]
    others += [one.rpartition("\\")[2] for one in folders]
    others.sort(key=str.lower)
    return {
        "found": True,
        "files": [_file(name, read_pack(one.content)) for name, one in files if name.lower().endswith(".xml")],
        "others": list(others),
    }


def _inside(machine: Machine, path: str) -> list[LabFile]:
    """The files right in a folder, by name."""
    wanted = normal(path).lower()
    return [one for one in machine.files if parent(one.path).lower() == wanted]


def _file(name: str, pack: Pack | None) -> JsonMap:
    if pack is None:
        return {"name": name, "id": None, "version": None, "references": []}
    return {"name": name, "id": pack.name, "version": pack.version, "references": list(pack.references)}


def export(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Write the named unsealed packs, one file each."""
    path = str(arguments["folder"])
    if not machine.files.is_folder(path):
        raise PayloadError(f"There is no folder {path}.")
    module(machine, arguments)
    _, found = packs(machine)
    names = {one.lower() for one in texts(arguments["names"])}
    chosen = [one for one in found if not one.sealed and one.name.lower() in names]
    for one in chosen:
        machine.files.write(f"{normal(path)}\\{one.name}.xml", one.xml().encode(), modified=machine.clock.now())
    return {"written": len(chosen)}


def remove(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Delete the files of the named packs."""
    names = {one.lower() for one in texts(arguments["names"])}
    held = [(one, read_pack(one.content)) for one in _inside(machine, str(arguments["folder"]))]
    chosen = [
        one
        for one, pack in held
        if pack is not None and one.path.lower().endswith(".xml") and pack.name.lower() in names
    ]
    for one in chosen:
        machine.files.delete(one.path)
    return {"removed": len(chosen)}


def take_in(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Import one file."""
    module(machine, arguments)
    path = str(arguments["file"])
    file = machine.files.get(path)
    if file is None:
        raise PayloadError(f"There is no file {path}.")
    store, found = packs(machine)
    pack = read_pack(file.content)
    if pack is None:
        raise PayloadError("The file is no management pack.")
    known = {one.name.lower() for one in found}
    missing = next((one for one in pack.references if one.lower() not in known), None)
    if missing is not None:
        raise PayloadError(f"The management pack {pack.name} builds on {missing}, which is not there.")
    store.add([pack])
    return {"imported": path}
