"""What the payload of safety copies does on a machine: it makes their folder."""

from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql_media import volume_of
from engine.model.data import JsonMap, JsonValue


def make_folder(machine: Machine, arguments: JsonMap) -> JsonValue:
    """The folder, if it is not there yet; no folder is made on a drive that is not there."""
    path = str(arguments["folder"])
    if machine.files.is_folder(path):
        return {"made": False}
    if volume_of(machine, f"{path}\\") is None:
        raise PayloadError(f"Cannot find drive. A drive with the name '{path[:1]}' does not exist.", "ObjectNotFound")
    machine.files.make_folder(path)
    return {"made": True}
