"""What the payloads of ``windows.file`` see and do in a machine's file tree."""

import base64
import hashlib

from engine.lab.behaviours.plain import texts
from engine.lab.clock import iso
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_files import LabFile
from engine.model.data import JsonMap, JsonValue


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Kind, size, time, version and, where asked for, digest and texts."""
    names = ("found", "kind", "size", "modified", "version", "sha256", "contains")
    answer: dict[str, JsonValue] = {**dict.fromkeys(names), "found": False}
    path = str(arguments["path"])
    file = machine.files.get(path)
    if file is None:
        # A folder's own time of change is not part of the model, so nothing may depend on it.
        return {**answer, "found": True, "kind": "folder"} if machine.files.is_folder(path) else answer
    answer |= {"found": True, "kind": "file", "size": len(file.content), "version": file.version}
    answer["modified"] = iso(file.modified)
    if arguments.get("sha256") is True:
        answer["sha256"] = hashlib.sha256(file.content).hexdigest()
    wanted = texts(arguments.get("contains"))
    if wanted:
        answer["contains"] = all(_occurs(text, file) for text in wanted)
    return answer


def _occurs(text: str, file: LabFile) -> bool:
    """True if one line of the file holds the text; the mark at the start tells the encoding, else UTF-8."""
    content = file.content
    codec = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    whole = content.decode(codec, "replace").replace("\r\n", "\n").replace("\r", "\n")
    return any(text in line for line in whole.split("\n"))


def place(machine: Machine, arguments: JsonMap) -> str:
    """The full path, in a folder that must exist."""
    folder = str(arguments["folder"])
    if not machine.files.is_folder(folder):
        raise PayloadError(f"Cannot find path '{folder}' because it does not exist.", "ObjectNotFound")
    return join(folder, str(arguments["name"]))


def join(folder: str, name: str) -> str:
    """A path out of folder and name."""
    return f"{folder.rstrip(chr(92))}\\{name}"


def replace(machine: Machine, path: str, content: bytes, backup: str) -> None:
    """Write a file; what was there before takes the name of the backup."""
    old = machine.files.get(path)
    if old is not None:
        machine.files.write(backup, old.content, modified=old.modified)
    machine.files.write(path, content, modified=machine.clock.now())


def write(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Create or replace."""
    content = base64.b64decode(str(arguments["content"]))
    path = place(machine, arguments)
    replace(machine, path, content, join(str(arguments["folder"]), str(arguments["backup"])))
    return {"size": len(content)}


def remove(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Give the file the name of its backup."""
    path = place(machine, arguments)
    old = machine.files.get(path)
    if old is not None:
        backup = join(str(arguments["folder"]), str(arguments["backup"]))
        machine.files.delete(backup)
        machine.files.write(backup, old.content, modified=old.modified)
        machine.files.delete(path)
    return {"removed": True}


def restore(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Put the backup back, or take away what had not been there."""
    path, name = place(machine, arguments), str(arguments.get("backup") or "")
    if not name:
        machine.files.delete(path)
        return {"restored": True}
    backup = machine.files.get(join(str(arguments["folder"]), name))
    if backup is None:
        raise PayloadError(f"The backup {name} is gone from {arguments['folder']}.")
    machine.files.write(path, backup.content, modified=backup.modified)
    return {"restored": True}
