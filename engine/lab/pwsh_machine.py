"""A machine behind whose shells a real PowerShell runs: the engine's interpreter and payloads, over the lab's state.

The state is as it was when the process began, plus what its own scripts changed; every answer hands that back.
"""

import base64
import json
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from engine.lab.host import LabHost, PwshPrelude
from engine.lab.machine import Machine
from engine.lab.pwsh_sql import rules
from engine.lab.pwsh_sql_changes import carry_out
from engine.lab.pwsh_state import read_drive, state_of, take_over, write_drive
from engine.model.data import JsonMap, JsonValue
from engine.model.frame import Frame

_LARGEST_DWORD = 2**31 - 1


class PwshMachine(LabHost):
    """Everything the machine is to a server, and preludes for real processes. ``close`` removes their folders."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._folders: list[tempfile.TemporaryDirectory[str]] = []

    @property
    def name(self) -> str:
        """Computer name."""
        return self.machine.name

    def reachable(self) -> bool:
        """As the machine."""
        return self.machine.reachable()

    def boot_number(self) -> int:
        """As the machine."""
        return self.machine.boot_number()

    def password_of(self, user: str) -> str | None:
        """As the machine."""
        return self.machine.password_of(user)

    def answer(self, frame: Frame, text: str) -> JsonMap:
        """As the machine: used by shells that are emulated."""
        return self.machine.answer(frame, text)

    def shell(self, command_line: str, stdin: bytes) -> tuple[int, bytes, bytes]:
        """As the machine."""
        return self.machine.shell(command_line, stdin)

    def close(self) -> None:
        """Remove the folders of all processes."""
        while self._folders:
            self._folders.pop().cleanup()

    def pwsh_prelude(self) -> PwshPrelude:
        """The stubs over the machine's state now, for one new process."""
        folder = tempfile.TemporaryDirectory(prefix="lab-pwsh-")
        self._folders.append(folder)
        with self.machine.lock:
            self.machine.settle()
            session = _Session(self.machine, Path(folder.name))
        quoted = str(session.prelude).replace("'", "''")
        environment = {
            "PWSH_REGISTRY": str(session.registry),
            "PWSH_SQL": str(session.sql),
            "PWSH_SQL_LOG": str(session.sql_log),
        }
        return PwshPrelude(f". '{quoted}'", environment, session.after)


class _Session:
    """One process's files, and what of them the machine knows already."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.root, self.saved = folder / "c", folder / "state.json"
        self.registry, self.prelude = folder / "registry.json", folder / "prelude.ps1"
        self.root.mkdir()
        write_drive(machine, self.root)
        self.before = state_of(machine, self.root)
        self.registry.write_text(json.dumps(_registry_file(self.before)), encoding="utf-8")
        self.known_registry = self.registry.read_bytes()
        self.known_log = 0
        self.sql, self.sql_log = folder / "sql.json", folder / "sql.log"
        self.sql.write_text(json.dumps(rules(machine)), encoding="utf-8")
        self.sql_at_work = machine.sql_at_work is not None
        state = {**self.before, "registry": None, "save_to": str(self.saved)}
        stubs = (Path(str(files("engine"))) / "lab" / "stubs.ps1").read_text(encoding="ascii")
        self.prelude.write_text(f"& {{\n{stubs}}} {literal(state)} | Out-Null\n", encoding="ascii")

    def after(self) -> None:
        """Take over what changed since the last answer."""
        with self.machine.lock:
            if not self.root.is_dir():
                return
            read_drive(self.machine, self.root)
            self._take_over_sql()
            stored = self.registry.read_bytes()
            if stored != self.known_registry:
                self.known_registry = stored
                exported = {**self.before, "registry": _registry_keys(json.loads(stored.decode("utf-8-sig")))}
                take_over(self.machine, exported, self.before)
            if self.saved.is_file():
                exported = json.loads(self.saved.read_text(encoding="utf-8"))
                self.saved.unlink()
                take_over(self.machine, exported, self.before)
                self.before = exported
            at_work = self.machine.sql_at_work is not None
            if at_work is not self.sql_at_work:
                self.sql_at_work = at_work
                self.sql.write_text(json.dumps(rules(self.machine)), encoding="utf-8")

    def _take_over_sql(self) -> None:
        """Carry out what was sent to the SQL Server since the last answer; it then answers as it is now."""
        if self.machine.sql is None or not self.sql_log.is_file():
            return
        log = self.sql_log.read_text(encoding="utf-8-sig")
        new, self.known_log = log[self.known_log :], len(log)
        if carry_out(self.machine, new):
            self.sql.write_text(json.dumps(rules(self.machine)), encoding="utf-8")


def literal(value: JsonValue) -> str:
    """A value as PowerShell source; every text is base64, so nothing needs quoting."""
    match value:
        case None:
            return "$null"
        case bool():
            return "$true" if value else "$false"
        case int() | float():
            return repr(value)
        case str():
            encoded = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")
            return f"([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{encoded}')))"
        case Mapping():
            return "@{" + "; ".join(f"'{key}' = {literal(item)}" for key, item in value.items()) + "}"
        case _:
            # A comma in front keeps a list of one list; the parentheses keep each item one expression.
            return "@(" + ", ".join(literal(item) for item in value) + ")"


def _registry_file(state: JsonMap) -> JsonMap:
    """The registry as the test host's file holds it."""
    keys = state["registry"]
    assert isinstance(keys, list)
    return {
        key["path"]: {one["name"]: {"kind": one["kind"], "value": one["data"]} for one in key["values"]} for key in keys
    }


def _registry_keys(stored: Mapping[str, Mapping[str, JsonValue]]) -> list[JsonValue]:
    """The same back, as the stubs export it."""
    return [
        {"path": path, "values": [_exported(name, one) for name, one in values.items()]}
        for path, values in stored.items()
    ]


def _exported(name: str, value: JsonValue) -> JsonMap:
    kind, data = _kind(value)
    if kind == "Binary" and isinstance(data, list):
        data = bytes(int(str(one)) for one in data).hex()
    if kind in ("DWord", "QWord"):
        data = int(str(data)) % (1 << (32 if kind == "DWord" else 64))
    return {"name": name, "kind": kind, "data": data}


def _kind(value: JsonValue) -> tuple[str, JsonValue]:
    match value:
        case Mapping():
            return str(value["kind"]), value["value"]
        case str():
            return "String", value
        case int():
            return ("DWord" if abs(value) <= _LARGEST_DWORD else "QWord"), value
        case list():
            numbers = bool(value) and all(isinstance(one, int) for one in value)
            return ("Binary" if numbers else "MultiString"), value
        case _:
            return "String", str(value)
