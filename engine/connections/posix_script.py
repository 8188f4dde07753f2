"""A POSIX script and its arguments as one text for the standard input of ``sh -s``. No IO.

Nothing of it is ever on a command line, which every user of the host can read. The script itself is evaluated as a
quoted text with its own empty input: a program in it cannot swallow the rest, and the text cannot end early.
"""

import json
import re
from collections.abc import Mapping

from engine.connections import quoting
from engine.model.command import Argument, Script
from engine.model.data import JsonValue
from engine.model.result import CommandResult, ScriptError
from engine.model.secret import Secret

MAX_OUTPUT_BYTES = 16 * 1024 * 1024
_TAIL = 2000


def shell_text(script: Script) -> bytes:
    """The input of ``sh -s``."""
    lines = [f"{variable(name)}={quoting.posix(_text(value))}" for name, value in script.arguments.items()]
    lines.append(f"eval {quoting.posix(script.text)} </dev/null")
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def variable(name: str) -> str:
    """The shell variable of an argument: ``RB_`` and its name in capitals."""
    return "RB_" + re.sub(r"[^A-Z0-9_]", "_", name.upper())


def result_of(stdout: bytes, stderr: bytes, exit_code: int, *, truncated: bool, duration_s: float) -> CommandResult:
    """What a finished script gives."""
    out, err = stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")
    errors: tuple[ScriptError, ...] = ()
    if exit_code != 0:
        said = err.strip()[-_TAIL:] or f"the script ended with exit code {exit_code}"
        errors = (ScriptError(message=said, category="Exit"),)
    return CommandResult(
        ok=exit_code == 0,
        value={"stdout": out, "stderr": err, "exit_code": exit_code},
        errors=errors,
        exit_code=exit_code,
        duration_s=duration_s,
        truncated=truncated,
    )


class Collected:
    """Output up to a limit; what comes after is counted as cut off."""

    def __init__(self, limit: int = MAX_OUTPUT_BYTES) -> None:
        self._limit = limit
        self.content = bytearray()
        self.truncated = False

    def add(self, data: bytes) -> None:
        """Keep what fits."""
        room = self._limit - len(self.content)
        self.content += data[:room]
        self.truncated = self.truncated or len(data) > room


def _text(value: Argument) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
        case Secret():
            return value.reveal()
        case _:
            return json.dumps(_opened(value), ensure_ascii=False)


def _opened(value: object) -> JsonValue:
    """Lists and maps as JSON; a secret inside is opened, as it is on its way to the host."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {str(key): _opened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_opened(item) for item in value]
    return value if isinstance(value, (bool, int, float, str)) else None
