"""A real PowerShell under the lab's machines: it runs the scripts that the lab has no model of, over the state."""

import base64
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.lab.machine import Machine, RunScript, failed
from engine.lab.pwsh_state import read_drive, state_of, take_over, write_drive
from engine.model import frame
from engine.model.data import JsonMap, text_digest

NONCE = "lab"
EXPORT = "param($Arguments)\nExport-Lab\n"
NO_ANSWER = "The PowerShell gave no answer."


def find_powershell() -> str | None:
    """``RUNBOOK_PWSH``, else ``pwsh`` on the PATH, else None."""
    found = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")
    return found if found and os.access(found, os.X_OK) else None


def _text(*place: str) -> str:
    return Path(str(files("engine"))).joinpath(*place).read_text(encoding="ascii")


class Powershell:
    """One process with the engine's own interpreter in it; used by one thread at a time."""

    def __init__(self, program: str, environment: Mapping[str, str] | None = None) -> None:
        command = [program, "-NoProfile", "-NonInteractive", "-EncodedCommand", frame.encoded_command(frame.STAGE_0)]
        self._process = subprocess.Popen(  # noqa: S603 - the PowerShell that the user named
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **frame.NO_TRACES, **(environment or {})},
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._number = 0
        self._known: set[str] = set()
        self._stubs = _text("lab", "stubs.ps1")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._send(base64.b64encode(_text("connections", "interpreter.ps1").encode("ascii")).decode("ascii"))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.decode("utf-8", "replace"))
        self._lines.put(None)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode("ascii") + b"\n")
        self._process.stdin.flush()

    def run(self, text: str, arguments: JsonMap, timeout_s: float = 60.0) -> JsonMap:
        """The answer to one script; an answer that says so if there is none in time."""
        self._number += 1
        known = text_digest(text) in self._known
        self._known.add(text_digest(text))
        self._send(
            frame.encode_frame(
                nonce=NONCE,
                number=self._number,
                name="script",
                text=text,
                known=known,
                arguments=arguments,
            )
        )
        while True:
            try:
                line = self._lines.get(timeout=timeout_s)
            except queue.Empty:
                return failed(NO_ANSWER, "OperationTimeout")
            if line is None:
                return failed(NO_ANSWER)
            answer = frame.decode_answer(line, NONCE)
            if answer is not None and answer[0] == self._number:
                return answer[1]

    def become(self, state: JsonMap) -> None:
        """Stand on a machine's state."""
        answer = self.run(self._stubs, state)
        if answer.get("ok") is not True:
            raise RuntimeError(f"the stubs failed: {answer.get('errors')}")

    def export(self) -> JsonMap:
        """What the state is now."""
        answer = self.run(EXPORT, {})
        value = answer.get("value")
        if not isinstance(value, Mapping):
            raise TypeError(f"the state could not be read: {answer.get('errors')}")
        return value

    def close(self) -> None:
        """End the process by ending its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._reader.join(10)
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def script_runner(program: str | None = None) -> RunScript | None:
    """Runs scripts of users over a machine's state, one process each; None where there is no PowerShell."""
    found = program or find_powershell()
    if found is None:
        return None

    def run(machine: Machine, text: str, arguments: JsonMap) -> JsonMap:
        with tempfile.TemporaryDirectory(prefix="lab-c-") as folder, Powershell(found) as powershell:
            root = Path(folder)
            write_drive(machine, root)
            before = state_of(machine, root)
            powershell.become(before)
            answer = powershell.run(text, arguments)
            take_over(machine, powershell.export(), before)
            read_drive(machine, root)
        return answer

    return run
