"""The contract of a connection: it opens, runs scripts, moves files, and translates every failure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.model.command import Script
from engine.model.inventory import Host
from engine.model.result import CommandResult
from engine.model.secret import Secret, SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionInfo:
    """What is known of an open connection, for ``doctor`` and the journal. ``persistent`` is true while one interpreter
    serves all scripts; ``note`` says why it is not.
    """

    kind: str
    endpoint: str
    persistent: bool
    interpreter: str = ""
    note: str = ""


class Connection(Protocol):
    """The way to one host; used by one thread at a time.

    Every method raises only ``ConnectFailed``, ``AuthenticationFailed`` (nothing was sent), ``ConnectionLost`` and
    ``CommandTimedOut`` (what was sent may have run). A script that fails is a result, not an exception.
    ``timeout_s`` bounds the whole call in seconds. A method called before ``open`` opens first.
    """

    @property
    def info(self) -> ConnectionInfo:
        """Kind, endpoint and mode."""

    def open(self, timeout_s: float) -> None:
        """Connect, authenticate and verify the host's identity."""

    def run(self, script: Script, timeout_s: float) -> CommandResult:
        """Run one script to its end."""

    def put(self, path: str, content: bytes, timeout_s: float) -> None:
        """Write a file, complete or not at all."""

    def get(self, path: str, max_bytes: int, timeout_s: float) -> bytes:
        """Read a file; a file above ``max_bytes`` is a ``CommandResult``-less failure: ``ConnectionProblem``."""

    def close(self) -> None:
        """End the interpreter, the shell and the transport; never raises, may be called twice."""


OpenSecret = Callable[[SecretRef], Secret]
ConnectionFactory = Callable[[Host, OpenSecret], Connection]
"""Builds an unopened connection for a host; no IO before ``open``."""
