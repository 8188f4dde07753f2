"""Statuses of step runs and of runs, and the sets they fall into."""

from enum import StrEnum


class Status(StrEnum):
    """Where one step run stands."""

    PENDING = "pending"
    READY = "ready"
    WAITING = "waiting"
    RUNNING = "running"
    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    BLOCKED = "blocked"
    IN_DOUBT = "in doubt"
    CANCELLED = "cancelled"


TERMINAL = frozenset(
    {
        Status.OK,
        Status.CHANGED,
        Status.SKIPPED,
        Status.FAILED,
        Status.UNREACHABLE,
        Status.BLOCKED,
        Status.IN_DOUBT,
        Status.CANCELLED,
    }
)
GOOD = frozenset({Status.OK, Status.CHANGED, Status.SKIPPED})


class RunStatus(StrEnum):
    """Where a whole run stands."""

    RUNNING = "running"
    PARKED = "parked"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    INTERRUPTED = "interrupted"


class Effect(StrEnum):
    """What a step may do to the world, weakest first."""

    OBSERVE = "observe"
    REVERSIBLE = "reversible"
    PERMANENT = "permanent"

    @property
    def weight(self) -> int:
        """0, 1, 2: a runbook may raise an action's effect, never lower it."""
        return list(Effect).index(self)


class Rerun(StrEnum):
    """What may be done with a step run whose outcome is unknown."""

    SAFE = "safe"
    PROBE = "probe"
    NEVER = "never"
