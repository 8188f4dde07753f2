"""A connection that reaches a machine of the lab without a socket, and shows a host's troubles as the real ones do.

Every script passes through the frame's own encoding, so what a machine is asked is what a host would be asked.
"""

import json
from fnmatch import fnmatchcase

from engine.lab.faults import Faults
from engine.lab.machine import Machine
from engine.model.command import Dialect, Script
from engine.model.data import text_digest
from engine.model.errors import AuthenticationFailed, CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.frame import Frame, answer_to_result, decode_arguments, encode_arguments
from engine.model.result import CommandResult, ScriptError
from engine.ports.connection import ConnectionInfo

FRAME_TAKES_S = 0.05
"""Lab seconds that a frame's way there and back takes."""


class LabConnection:
    """The way to one machine; gone with every boot, as a real one would be."""

    def __init__(self, machine: Machine, faults: Faults) -> None:
        self.machine, self.faults = machine, faults
        self._boot: int | None = None
        self._number = 0

    @property
    def info(self) -> ConnectionInfo:
        """What it is."""
        return ConnectionInfo(kind="lab", endpoint=self.machine.name, persistent=True, interpreter="lab")

    def open(self, timeout_s: float) -> None:
        """``ConnectFailed`` while the machine is down or refuses, ``AuthenticationFailed`` for a wrong password."""
        del timeout_s
        if self.faults.refuse or not self.machine.reachable():
            raise ConnectFailed(self.machine.name, "connecting", "nothing answers", remedy="check that the host is up")
        if self.faults.wrong_password:
            raise AuthenticationFailed(self.machine.name, "logging on", "the password is not the account's")
        self._boot = self.machine.boot_number()

    def run(self, script: Script, timeout_s: float) -> CommandResult:
        """The machine's answer, or the loss of the connection on the way."""
        if self._boot is None:
            self.open(timeout_s)
        self._still_there(script.name)
        if script.dialect is not Dialect.POWERSHELL:
            problem = ScriptError(message="The lab's machines run Windows: this is a script for a POSIX shell.")
            return CommandResult(ok=False, errors=(problem,))
        started = self.machine.clock.now()
        answer = self.machine.answer(self._frame(script), script.text)
        if self.machine.clock.speed is None:
            self.machine.clock.advance(FRAME_TAKES_S)
        self._cut_if_told(script.name)
        took = self.machine.clock.now() - started
        if took > timeout_s:
            raise CommandTimedOut(self.machine.name, script.name, f"no answer within {timeout_s:.0f} s")
        return answer_to_result(json.loads(json.dumps(answer)), duration_s=took)

    def _frame(self, script: Script) -> Frame:
        self._number += 1
        return Frame(
            nonce="lab",
            number=self._number,
            name=script.name,
            digest=text_digest(script.text),
            text=script.text,
            arguments=decode_arguments(encode_arguments(script.arguments)),
        )

    def _still_there(self, operation: str) -> None:
        """What was opened before a boot, or to a host that is now away, is lost."""
        if self.faults.refuse or not self.machine.reachable() or self.machine.boot_number() != self._boot:
            self._boot = None
            raise ConnectionLost(self.machine.name, operation, "the host no longer answers")

    def _cut_if_told(self, operation: str) -> None:
        """The work ran; its answer is lost."""
        pattern = self.faults.drop_on_frame
        named = bool(pattern) and fnmatchcase(operation, pattern)
        if named:
            self.faults.drop_on_frame = ""
        if named or self.faults.fires("drop_after_sends"):
            self._boot = None
            raise ConnectionLost(self.machine.name, operation, "the connection broke before the answer came")

    def put(self, path: str, content: bytes, timeout_s: float) -> None:
        """Write a file."""
        if self._boot is None:
            self.open(timeout_s)
        self._still_there(f"writing {path}")
        with self.machine.lock:
            self.machine.files.write(path, content, modified=self.machine.clock.now())

    def get(self, path: str, max_bytes: int, timeout_s: float) -> bytes:
        """Read a file."""
        if self._boot is None:
            self.open(timeout_s)
        self._still_there(f"reading {path}")
        with self.machine.lock:
            file = self.machine.files.get(path)
        if file is None or len(file.content) > max_bytes:
            cause = "there is no such file" if file is None else f"it is larger than {max_bytes} bytes"
            raise ConnectionLost(self.machine.name, f"reading {path}", cause)
        return file.content

    def close(self) -> None:
        """Nothing is kept open."""
        self._boot = None
