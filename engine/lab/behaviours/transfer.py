"""What the scripts of file transfer see and do in a machine's file tree."""

import base64
import hashlib

from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue


def get(machine: Machine, arguments: JsonMap) -> JsonValue:
    """One piece of a file."""
    path = str(arguments["path"])
    file = machine.files.get(path)
    if file is None and machine.files.is_folder(path):
        raise PayloadError("this is a folder, not a file")
    if file is None:
        raise PayloadError(f"Cannot find path '{path}' because it does not exist.", "ObjectNotFound")
    offset, count = _whole(arguments["offset"]), _whole(arguments["count"])
    piece = file.content[offset : offset + count]
    return {"size": len(file.content), "piece": base64.b64encode(piece).decode("ascii")}


def put(machine: Machine, arguments: JsonMap) -> JsonValue:
    """A piece of a new file, its end, or its giving up."""
    part, path = str(arguments["part"]), str(arguments.get("path"))
    _folder_of(machine, part)
    written = machine.files.get(part)
    operation = arguments["operation"]
    if operation == "append":
        piece = base64.b64decode(str(arguments["piece"]))
        kept = (written.content if written else b"")[: _whole(arguments["offset"])]
        machine.files.write(part, kept + piece, modified=machine.clock.now())
        return {"written": len(piece)}
    if operation == "finish":
        content = written.content if written else b""
        if len(content) != arguments["size"]:
            raise PayloadError(f"the file arrived with {len(content)} bytes instead of {arguments['size']}")
        if hashlib.sha256(content).hexdigest() != arguments["sha256"]:
            raise PayloadError("the file arrived damaged: its SHA-256 differs")
        machine.files.write(path, content, modified=machine.clock.now())
        machine.files.delete(part)
        return {"size": len(content)}
    if written is not None:
        machine.files.delete(part)
    return {"deleted": True}


def _folder_of(machine: Machine, path: str) -> None:
    folder = path.rpartition("\\")[0]
    if folder and not folder.endswith(":") and not machine.files.is_folder(folder):
        raise PayloadError(f"Cannot find path '{folder}' because it does not exist.", "ObjectNotFound")


def _whole(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0
