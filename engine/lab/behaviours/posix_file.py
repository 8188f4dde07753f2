"""What the four scripts of ``posix.file`` see and do on a POSIX host of the lab."""

import base64
import binascii
import contextlib
import hashlib
import re
from collections.abc import Callable, Mapping

from engine.lab.machine_posix import PosixMachine, PosixRefusal

Variables = Mapping[str, str]
_MODE = re.compile(r"[0-7]{1,4}\Z")


def observe(machine: PosixMachine, given: Variables) -> str:
    """What lies at a path, as lines NAME=VALUE."""
    entry = machine.at(given["RB_PATH"])
    if entry is None:
        return "found=no\n"
    lines = ["found=yes"]
    if entry.content is None:
        lines.append("kind=folder")
    else:
        digest = hashlib.sha256(entry.content).hexdigest()
        lines += ["kind=file", f"size={len(entry.content)}", f"sha256={digest}"]
    return "\n".join([*lines, f"mode={entry.mode:o}"]) + "\n"


def write(machine: PosixMachine, given: Variables) -> str:
    """A file's content and mode; whatever happens, the half-made file beside it goes away."""
    fresh = f"{given['RB_PATH']}.runbook-new"
    try:
        _write(machine, given, fresh)
    finally:
        with contextlib.suppress(PosixRefusal):
            machine.remove(fresh)
    return ""


def _write(machine: PosixMachine, given: Variables, fresh: str) -> None:
    path, backup, mode = given["RB_PATH"], given["RB_BACKUP"], given["RB_MODE"]
    if given["RB_KEEP_CONTENT"] == "yes":
        machine.copy(path, backup)
        machine.set_mode(path, _mode(mode))
        return
    if machine.at(path) is not None:
        machine.copy(path, backup)
        machine.copy(path, fresh)
    machine.write(fresh, _decoded(given["RB_CONTENT"]))
    if mode:
        machine.set_mode(fresh, _mode(mode))
    machine.move(fresh, path)


def remove(machine: PosixMachine, given: Variables) -> str:
    """The file gets its backup's name."""
    if machine.at(given["RB_PATH"]) is not None:
        machine.move(given["RB_PATH"], given["RB_BACKUP"])
    return ""


def restore(machine: PosixMachine, given: Variables) -> str:
    """The backup in the place of the file; without one, no file."""
    path, backup = given["RB_PATH"], given["RB_BACKUP"]
    if not backup:
        machine.remove(path)
        return ""
    machine.copy(backup, f"{path}.runbook-new")
    machine.move(f"{path}.runbook-new", path)
    return ""


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        raise PosixRefusal("base64: invalid input") from None


def _mode(text: str) -> int:
    if _MODE.match(text) is None:
        raise PosixRefusal(f"chmod: invalid mode: '{text}'")
    return int(text, 8)


ANSWERS: Mapping[str, Callable[[PosixMachine, Variables], str]] = {
    "posix_file.observe.sh": observe,
    "posix_file.write.sh": write,
    "posix_file.remove.sh": remove,
    "posix_file.restore.sh": restore,
}
