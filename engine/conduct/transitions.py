"""THE table: which status follows which signal. Nothing else in the engine changes a status.

A pair that is not in the table is a bug and raises ``IllegalTransition``.
"""

from collections.abc import Mapping
from enum import StrEnum

from engine.model.status import TERMINAL, Status


class Signal(StrEnum):
    """What happened to a step run, besides its end."""

    STARTED = "started"
    ASKED = "asked"
    POSTPONED = "postponed"
    TAKEN_UP = "taken up"


class IllegalTransition(RuntimeError):
    """A bug: the driver reported something that cannot follow from the state."""


_SIGNALS: Mapping[tuple[Status, Signal], Status] = {
    (Status.PENDING, Signal.STARTED): Status.RUNNING,
    (Status.READY, Signal.STARTED): Status.RUNNING,
    (Status.WAITING, Signal.STARTED): Status.RUNNING,
    # a question, or a change that needs a person's yes
    (Status.PENDING, Signal.ASKED): Status.WAITING,
    (Status.RUNNING, Signal.ASKED): Status.WAITING,
    (Status.WAITING, Signal.ASKED): Status.WAITING,
    # another attempt or another look is due later
    (Status.FAILED, Signal.POSTPONED): Status.WAITING,
    (Status.UNREACHABLE, Signal.POSTPONED): Status.WAITING,
    (Status.OK, Signal.POSTPONED): Status.WAITING,
    (Status.CHANGED, Signal.POSTPONED): Status.WAITING,
    # another process took the run up: what had started and changed nothing is ready again
    (Status.RUNNING, Signal.TAKEN_UP): Status.READY,
}

_ENDS: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.SKIPPED, Status.FAILED, Status.BLOCKED, Status.CANCELLED, Status.UNREACHABLE, Status.OK}
    ),
    Status.READY: frozenset({Status.BLOCKED, Status.CANCELLED, Status.FAILED, Status.SKIPPED, Status.IN_DOUBT}),
    Status.RUNNING: TERMINAL,
    Status.WAITING: frozenset(
        {Status.OK, Status.FAILED, Status.BLOCKED, Status.CANCELLED, Status.SKIPPED, Status.UNREACHABLE}
    ),
    # a wait that gave up or that check mode does not wait for, and a doubt that a person settled
    Status.OK: frozenset({Status.FAILED, Status.SKIPPED}),
    Status.FAILED: frozenset({Status.SKIPPED}),
    Status.CHANGED: frozenset({Status.FAILED}),
    Status.IN_DOUBT: frozenset({Status.OK, Status.CHANGED, Status.FAILED}),
}


def after_signal(status: Status, signal: Signal) -> Status:
    """The status after a signal."""
    try:
        return _SIGNALS[status, signal]
    except KeyError:
        raise IllegalTransition(f"{signal} cannot follow {status}") from None


def after_end(status: Status, end: Status) -> Status:
    """The status after an outcome."""
    if end not in _ENDS.get(status, frozenset()):
        raise IllegalTransition(f"{end} cannot follow {status}")
    return end
