"""A long operation on a host, begun once and asked after until it has ended; the session may come and go meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.execute.bounds import Bounds
from engine.model.command import Detached
from engine.model.data import JsonMap
from engine.model.errors import CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.result import CommandResult, ScriptError, value_map
from engine.ports.connection import Connection

RECONNECT_S = 15.0
FIRST_S = 0.25
"""The first pause; each is twice the one before, up to the command's own, so that what is short is soon over."""

_WHOLE = 100.0
_STARTS = 4

Report = Callable[[str, float | None], None]


@dataclass(slots=True, kw_only=True)
class DetachedPerformer:
    """Follows one operation. ``report`` takes a text and how much is done, from 0 to 1 or None."""

    connection: Connection
    bounds: Bounds
    report: Report

    def run(self, command: Detached) -> CommandResult:
        """How it ended. An end that nobody can tell is a lost connection: a doubt, settled by a fresh look."""
        begun = self._begin(command)
        if not begun.ok:
            return begun
        started = self.bounds.monotonic()
        pause_s = min(FIRST_S, command.every_s)
        while True:
            self.bounds.pause(pause_s)
            pause_s = min(2 * pause_s, command.every_s)
            told = self._ask(command)
            if told is None:
                continue
            match told.get("state"):
                case "done":
                    return CommandResult(ok=True, value=told, duration_s=self.bounds.monotonic() - started)
                case "failed":
                    error = ScriptError(message=str(told.get("message") or "it failed and gave no reason"))
                    return CommandResult(ok=False, value=told, errors=(error,))
                case "running":
                    self.report(*_progress(told, self.bounds.monotonic() - started))
                case _:
                    cause = "the host cannot tell how the operation ended"
                    raise ConnectionLost(self.bounds.host, command.start.name, cause)

    def _begin(self, command: Detached) -> CommandResult:
        """A start whose answer is lost is sent again, as one that arrived twice is the same as once. While the host is
        away it may be at work, so that is no try.
        """
        sent = 0
        while True:
            try:
                return self.connection.run(command.start, self.bounds.remaining_s())
            except ConnectionLost as lost:
                sent += 1
                if sent == _STARTS:
                    raise
                cause = lost.cause
            except ConnectFailed as away:
                if not sent:
                    raise
                cause = away.cause
            self.report(f"{cause}; asking the host again to begin", None)
            self.bounds.pause(command.every_s)
            self._reconnect()

    def _ask(self, command: Detached) -> JsonMap | None:
        """What the host says of it; None if it could not be asked this time."""
        try:
            answer = self.connection.run(command.poll, min(4 * RECONNECT_S, self.bounds.remaining_s()))
        except CommandTimedOut:
            self.bounds.remaining_s()  # raises if it is the step's own time that is used up
            self.report("the host is slow to answer; the operation goes on", None)
            return None
        except (ConnectFailed, ConnectionLost) as lost:
            self.report(f"{lost.cause}; the operation goes on, asking again", None)
            self._reconnect()
            return None
        if not answer.ok:
            self.report("the host did not tell how far it is; asking again", None)
            return None
        return value_map(answer)

    def _reconnect(self) -> None:
        try:
            self.connection.close()
            self.connection.open(min(RECONNECT_S, self.bounds.remaining_s()))
        except (ConnectFailed, ConnectionLost, CommandTimedOut):
            self.bounds.remaining_s()


def _progress(told: JsonMap, elapsed_s: float) -> tuple[str, float | None]:
    """How far it is in words, and what is left at the speed so far."""
    percent, message = told.get("percent"), str(told.get("message") or "").strip()
    known = isinstance(percent, (int, float)) and not isinstance(percent, bool) and 0 <= percent <= _WHOLE
    if not known:
        return message or "at work", None
    assert isinstance(percent, (int, float))
    words = [message] if message else []
    words.append(f"{percent:.0f} %")
    if 0 < percent < _WHOLE:
        words.append(f"about {_span(elapsed_s * (_WHOLE - percent) / percent)} left")
    return ", ".join(words), percent / _WHOLE


def _span(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - up to here seconds read better
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - from here hours do
