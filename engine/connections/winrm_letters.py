"""The two messages that a session sends over and over, Send and Receive: written once, then only filled in.

pywinrm writes each anew from a dictionary, which costs more than anything of a request but the network. Here it writes
each once for a process, and the id and the data are put in their places. The answer to a Receive is read in one go.
"""

import base64
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from winrm.protocol import Protocol

_MARK = b"the data go here"
_DATA = base64.b64encode(_MARK).decode("ascii")
_ID = re.compile(r"uuid:[0-9a-fA-F-]{36}")


class _Scribe(Protocol):
    """A protocol that keeps what it would send."""

    def __init__(self, timeout_s: int) -> None:
        self.operation_timeout_sec = timeout_s
        self.text = ""

    def send_message(self, message: str) -> bytes:
        """Keep it."""
        self.text = message
        return b"<nothing/>"


@dataclass(frozen=True, slots=True)
class _Letter:
    """The parts between which the message's id and, in a Send, the data go."""

    head: str
    middle: str
    tail: str

    def filled(self, data: str = "") -> str:
        return f"{self.head}uuid:{uuid.uuid4()}{self.middle}{data}{self.tail}"


@dataclass(slots=True)
class Letters:
    """Those of one connection to a host."""

    _written: dict[tuple[object, ...], _Letter] = field(default_factory=dict)

    def send(self, protocol: Protocol, shell: str, command: str, data: bytes, *, end: bool) -> None:
        """Write to the process's standard input."""
        key = (shell, command, end, protocol.operation_timeout_sec)
        letter = self._letter(protocol, key, lambda scribe: scribe.send_command_input(shell, command, _MARK, end=end))
        protocol.send_message(letter.filled(base64.b64encode(data).decode("ascii")))

    def receive(self, protocol: Protocol, shell: str, command: str) -> tuple[bytes, bytes, int, bool]:
        """What the process wrote since: standard output and error, its exit code (-1: none yet), whether it ended."""
        key = (shell, command, protocol.operation_timeout_sec)
        letter = self._letter(protocol, key, lambda scribe: scribe.get_command_output_raw(shell, command))
        return _received(protocol.send_message(letter.filled()))

    def _letter(self, protocol: Protocol, key: tuple[object, ...], write: Callable[[_Scribe], object]) -> _Letter:
        if key not in self._written:
            scribe = _Scribe(protocol.operation_timeout_sec)
            write(scribe)
            head, rest = _ID.split(scribe.text, maxsplit=1)
            middle, _, tail = rest.partition(_DATA)
            self._written[key] = _Letter(head, middle, tail)
        return self._written[key]


def _received(answer: bytes) -> tuple[bytes, bytes, int, bool]:
    out: dict[str | None, list[bytes]] = {"stdout": [], "stderr": []}
    code, done = -1, False
    for node in ET.fromstring(answer).iter():
        if node.tag.endswith("}Stream") and node.text:
            out.setdefault(node.get("Name"), []).append(base64.b64decode(node.text))
        elif node.get("State", "").endswith("CommandState/Done"):
            done = True
        elif node.tag.endswith("}ExitCode"):
            code = int(node.text or -1)
    return b"".join(out["stdout"]), b"".join(out["stderr"]), code if done else -1, done
