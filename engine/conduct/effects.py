"""What the conductor wants done, as values; how is the driver's business."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from engine.model.command import Argument
from engine.model.data import JsonMap, JsonValue
from engine.model.plan import StepRunId
from engine.model.result import Proof
from engine.model.status import RunStatus, Status

Arguments: TypeAlias = Mapping[str, Argument]

UNKNOWN_IN_CHECK = "not known in check mode"
"""How the reason of a step run begins whose result nobody can know without doing what check mode leaves undone."""


class Mode(StrEnum):
    """How far a step run may go: only look; look and apply; look because nobody knows what became of it."""

    LOOK = "look"
    APPLY = "apply"
    PROBE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Perform:
    """Start this attempt. ``approved``: digest of the change that may be applied (None: nothing gates it)."""

    id: StepRunId
    attempt: int
    mode: Mode
    arguments: Arguments
    approved: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """Observe a gate again because its proof is too old; changes nothing."""

    id: StepRunId
    arguments: Arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The step run ends without being performed: skipped, blocked, cancelled, failed, or answered.
    ``proofs`` are what the answer gives, as ``kind(subject)``; ``found`` as in ``StepRunEnded``.
    """

    id: StepRunId
    status: Status
    why: str
    result: JsonMap | None = None
    remedy: str | None = None
    proofs: tuple[str, ...] = ()
    found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Postpone:
    """Another attempt (``retry``) or another look is due at ``due_at``."""

    id: StepRunId
    due_at: float
    why: str
    retry: bool
    gives_up_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskQuestion:
    """Ask the operator. ``arguments`` are the rendered ones of the step."""

    step: str
    arguments: Arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class AskApproval:
    """Ask a person's yes for one decided change."""

    id: StepRunId
    why: str
    before: JsonValue
    after: JsonValue
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepUntil:
    """Nothing can start before this time (epoch seconds)."""

    due_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The run is over."""

    status: RunStatus
    exit_code: int
    summary: str


Effect: TypeAlias = Perform | Refresh | End | Postpone | AskQuestion | AskApproval | SleepUntil | Finish
