"""What framing needs of a transport: the standard streams of one process on a host."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from engine.connections.deadline import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A piece of output. ``ended`` is true once the process is gone; ``exit_code`` is None where it is not known."""

    stdout: bytes = b""
    stderr: bytes = b""
    ended: bool = False
    exit_code: int | None = None


class PipeGone(Exception):
    """The process, or the way to it, is gone. ``delivered`` is false only where the last write surely never arrived."""

    def __init__(self, cause: str, *, delivered: bool = True) -> None:
        super().__init__(cause)
        self.cause = cause
        self.delivered = delivered


class Pipe(Protocol):
    """One process' standard streams; used by one thread at a time."""

    def write(self, data: bytes, deadline: Deadline, *, end: bool = False) -> None:
        """Write to the standard input, and close it after that if ``end``; ``PipeGone`` if that failed."""

    def read(self, deadline: Deadline) -> Output:
        """Wait for output, the end or the deadline; at the deadline the output is empty. ``PipeGone`` if it broke."""

    def close(self) -> None:
        """End the process; never raises, may be called twice."""


StartPipe: TypeAlias = Callable[[Deadline], Pipe]
"""Starts the process. Raises ``ConnectFailed`` or ``AuthenticationFailed``."""
