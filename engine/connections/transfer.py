"""Files through frames, for hosts that offer no other way: in pieces, verified, complete or not at all."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from engine.connections.deadline import Deadline
from engine.model.command import Argument, Script
from engine.model.data import JsonMap
from engine.model.errors import CommandTimedOut, ConnectionProblem
from engine.model.result import CommandResult, value_map

PIECE_BYTES = 256 * 1024

RunScript: TypeAlias = Callable[[Script, Deadline], CommandResult]


class TransferFailed(ConnectionProblem):
    """The host answered, and refused the file."""

    verb = "failed"


@cache
def transfer_text(name: str) -> str:
    """The text of a transfer script, by file name."""
    return (files("engine") / "connections" / name).read_text(encoding="ascii")


def put_by_frames(host: str, run: RunScript, path: str, content: bytes, deadline: Deadline) -> None:
    """Write pieces to a temporary file beside ``path``, compare size and SHA-256, then rename."""
    part = f"{path}.{secrets.token_hex(6)}.part"
    ask = _Asker(host, run, "file_put.ps1", f"writing {path}", deadline)
    try:
        for at in range(0, max(len(content), 1), PIECE_BYTES):
            piece = base64.b64encode(content[at : at + PIECE_BYTES]).decode("ascii")
            ask({"operation": "append", "path": path, "part": part, "offset": at, "piece": piece})
        sha256 = hashlib.sha256(content).hexdigest()
        ask({"operation": "finish", "path": path, "part": part, "size": len(content), "sha256": sha256})
    except TransferFailed:
        run(ask.script({"operation": "abandon", "path": path, "part": part}), deadline)
        raise


def get_by_frames(host: str, run: RunScript, path: str, max_bytes: int, deadline: Deadline) -> bytes:
    """Read a file in pieces; refused above ``max_bytes``."""
    ask = _Asker(host, run, "file_get.ps1", f"reading {path}", deadline)
    content = bytearray()
    while True:
        answer = ask({"path": path, "offset": len(content), "count": PIECE_BYTES})
        refuse_size(host, path, answer.get("size"), max_bytes)
        piece = base64.b64decode(str(answer.get("piece") or ""))
        content += piece
        refuse_size(host, path, len(content), max_bytes)
        if len(piece) < PIECE_BYTES:
            return bytes(content)


def refuse_size(host: str, path: str, size: object, max_bytes: int) -> None:
    """``TransferFailed`` for a file above the limit."""
    if isinstance(size, int) and size > max_bytes:
        raise TransferFailed(host, f"reading {path}", f"the file has {size} bytes, more than the {max_bytes} allowed")


class _Asker:
    """Runs one transfer script again and again."""

    def __init__(self, host: str, run: RunScript, name: str, operation: str, deadline: Deadline) -> None:
        self._host = host
        self._run = run
        self._name = name
        self._operation = operation
        self._deadline = deadline

    def script(self, arguments: Mapping[str, Argument]) -> Script:
        return Script(name=self._name, text=transfer_text(self._name), arguments=arguments, changing=True)

    def __call__(self, arguments: Mapping[str, Argument]) -> JsonMap:
        if self._deadline.passed:
            raise CommandTimedOut(self._host, self._operation, "the file was not through in the time allowed")
        result = self._run(self.script(arguments), self._deadline)
        if not result.ok:
            raise TransferFailed(self._host, self._operation, "; ".join(one.message for one in result.errors) or "?")
        return value_map(result)
