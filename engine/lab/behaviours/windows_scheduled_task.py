"""Scheduled tasks of a machine: registered in Windows' own folder, at work for a time, and then leaving their files.

Nothing runs in the background: what a command line wrote is there as soon as somebody looks after its time. A few
command lines are known; any other ends as one whose program nobody finds.
"""

import re

from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_files import LabFile
from engine.model.data import JsonMap, JsonValue

ROOT, TASKS = "C:\\Program Files\\RecoveryRunbooks", "C:\\Windows\\System32\\Tasks"
_NOT_FOUND, _LONGEST = 9009, 4000
_QUICK_S = 1.0


def start(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Register and begin, or find begun."""
    key, digest = str(arguments["key"]), str(arguments["digest"])
    known = machine.files.get(f"{_folder(key)}\\registered.txt")
    if known is not None and known.content.decode() != digest:
        raise PayloadError(f"Another command line was begun under the key {key}.")
    if known is None:
        _delete_folder(machine, _folder(key))
        _write(machine, key, "run.cmd", str(arguments["run"]))
        _write(machine, key, "work.cmd", str(arguments["work"]))
        account = arguments["account"]
        words = " ".join(str(one) for one in account) if isinstance(account, (list, tuple)) else str(account)
        machine.files.write(_task(key), words.encode(), modified=machine.clock.now())
        _write(machine, key, "registered.txt", digest)
    begun = machine.files.get(f"{_folder(key)}\\begun.txt") is None
    if begun:
        _run(machine, key)
    return {"begun": begun}


def _run(machine: Machine, key: str) -> None:
    """The scheduler begins the task; one for whoever is logged on waits for somebody."""
    task = machine.files.get(_task(key))
    if task is None:
        raise PayloadError("schtasks.exe ended with exit code 1: ERROR: The system cannot find the file specified.")
    if b"/IT" not in task.content or machine.logged_on:
        _write(machine, key, "begun.txt", "begun\r\n")


def poll(machine: Machine, arguments: JsonMap) -> JsonValue:
    """By the files alone, as the script reads them."""
    key = str(arguments["key"])
    _end(machine, key)
    registered, begun, ended, written = (
        machine.files.get(f"{_folder(key)}\\{name}.txt") for name in ("registered", "begun", "exit", "output")
    )
    told: dict[str, JsonValue] = {"percent": None, "there": registered is not None, "exit_code": None, "output": ""}
    if registered is None:
        return {**told, "state": "unknown", "message": "the task is not on this host"}
    if ended is not None:
        output = written.content.decode("ascii", "replace") if written else ""
        code = int(ended.content.decode().strip())
        return {**told, "state": "done", "message": "", "exit_code": code, "output": output[-_LONGEST:]}
    if begun is not None and begun.modified < int(machine.booted_at):
        return {**told, "state": "unknown", "message": "the computer was restarted while it was at work"}
    if begun is None and machine.clock.now() - registered.modified > float(str(arguments["patience_s"])):
        late = f"the task did not begin within {arguments['patience_s']} s, and may still do so"
        return {**told, "state": "failed", "message": late}
    return {**told, "state": "running", "message": ""}


def remove(machine: Machine, arguments: JsonMap) -> JsonValue:
    """The task and its folder."""
    key = str(arguments["key"])
    machine.files.delete(_task(key))
    _delete_folder(machine, _folder(key))
    return {"removed": True}


def _end(machine: Machine, key: str) -> None:
    """A command line whose time is over has ended, unless a restart ended it before."""
    begun, work = (machine.files.get(f"{_folder(key)}\\{name}") for name in ("begun.txt", "work.cmd"))
    if begun is None or work is None or machine.files.get(f"{_folder(key)}\\exit.txt") is not None:
        return
    seconds, code, output = _outcome(machine, key, work)
    over = begun.modified + seconds
    if over <= machine.clock.now() and begun.modified >= int(machine.booted_at):
        _write(machine, key, "output.txt", output, at=over)
        _write(machine, key, "exit.txt", f"{code}\r\n", at=over)


def _outcome(machine: Machine, key: str, work: LabFile) -> tuple[float, int, str]:
    """How long a command line takes, its exit code and what it writes."""
    line = work.content.decode("ascii").removeprefix("@echo off\r\n").strip()
    if line.lower() == "hostname":
        return _QUICK_S, 0, f"{machine.name}\r\n"
    if line.lower() == "whoami":
        return _QUICK_S, 0, f"{_account(machine, key)}\r\n"
    wait = re.fullmatch(r"timeout /t (\d{1,5})(?: /nobreak)?", line, re.IGNORECASE)
    if wait:
        return float(wait[1]), 0, ""
    listed = re.fullmatch(r'dir (?:/b )?"?(?P<path>[A-Za-z]:\\[^"]*)"?', line, re.IGNORECASE)
    if listed:
        found = machine.files.get(listed["path"])
        return (_QUICK_S, 0, f"{found.path}\r\n") if found else (_QUICK_S, 1, "File Not Found\r\n")
    ended = re.fullmatch(r"exit (?:/b )?(\d{1,5})", line, re.IGNORECASE)
    if ended:
        return _QUICK_S, int(ended[1]), ""
    program = line.split()[0]
    told = f"'{program}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
    return _QUICK_S, _NOT_FOUND, told


def _account(machine: Machine, key: str) -> str:
    task = machine.files.get(_task(key))
    words = task.content.decode() if task else ""
    if "/IT" in words:
        return machine.logged_on.lower()
    return "nt authority\\" + (
        "system" if "SYSTEM" in words else "local service" if "LOCAL" in words else "network service"
    )


def _folder(key: str) -> str:
    return f"{ROOT}\\task-{key}"


def _task(key: str) -> str:
    return f"{TASKS}\\RecoveryRunbooks-{key}"


def _write(machine: Machine, key: str, name: str, text: str, *, at: float | None = None) -> None:
    moment = machine.clock.now() if at is None else at
    machine.files.write(f"{_folder(key)}\\{name}", text.encode("ascii"), modified=moment)


def _delete_folder(machine: Machine, path: str) -> None:
    for file in list(machine.files):
        if file.path.lower().startswith(path.lower() + "\\"):
            machine.files.delete(file.path)
    machine.files.folders.pop(path.lower(), None)
