"""One fact about a run, as a value: the journal, the console and the report all read this one stream.

Every event is plain data. ``at`` is epoch seconds (UTC) handed in by the driver, never read here. Sequence numbers and
hashes belong to the journal. Events whose class is in ``TRANSIENT`` are shown but not journalled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeAlias

from engine.model.data import JsonMap, JsonValue
from engine.model.result import EvidenceRef, Owed, Proof, ScriptError
from engine.model.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run began: whose, from which plan."""

    kind: ClassVar[str] = "run_started"
    at: float
    run_id: str
    plan_digest: str
    runbook: str
    version: str
    title: str
    operator: str
    jump_host: str
    engine_version: str
    check: bool
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """Another process, or the same one later, took the run up under a new fencing epoch."""

    kind: ClassVar[str] = "run_resumed"
    at: float
    epoch: int
    operator: str
    jump_host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRunStarted:
    """Attempt ``attempt`` (from 1) of a step run began; nothing was changed yet."""

    kind: ClassVar[str] = "step_run_started"
    at: float
    step: str
    host: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeIntended:
    """The intent, written before the first changing command is sent: from here on the outcome is in doubt until
    ``StepRunEnded``. ``commands`` names each command with the digest of what is sent. ``owes`` is what the change
    leaves to be done later, whatever becomes of the run.
    """

    kind: ClassVar[str] = "change_intended"
    at: float
    step: str
    host: str
    attempt: int
    why: str
    before: JsonValue
    after: JsonValue
    commands: tuple[str, ...]
    owes: tuple[Owed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDecided:
    """A gated step looked and a change is needed; nothing was sent. ``change`` is the digest of what would be done:
    an approval is for exactly this.
    """

    kind: ClassVar[str] = "change_decided"
    at: float
    step: str
    host: str
    attempt: int
    why: str
    before: JsonValue
    after: JsonValue
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofsRefreshed:
    """A gate whose proof was too old was observed again; no ``proofs``: it no longer holds, and ``why`` says so."""

    kind: ClassVar[str] = "proofs_refreshed"
    at: float
    step: str
    host: str
    proofs: tuple[Proof, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRunEnded:
    """The outcome of one attempt. ``status`` is terminal unless a ``RetryScheduled`` or ``WaitScheduled`` follows.
    ``may_retry`` is false for failures that another attempt could make worse, such as a refused credential.
    ``pays`` are keys of what was owed on this host and is now seen to be done. ``found``: it failed because the action
    looked and did not see what is wanted, and not because it could not look.
    """

    kind: ClassVar[str] = "step_run_ended"
    at: float
    step: str
    host: str
    attempt: int
    status: Status
    why: str
    result: JsonMap = field(default_factory=dict)
    changed: bool = False
    examined: int | None = None
    before: JsonValue = None
    after: JsonValue = None
    undo: str | None = None
    remedy: str | None = None
    errors: tuple[ScriptError, ...] = ()
    proofs: tuple[Proof, ...] = ()
    pays: tuple[str, ...] = ()
    evidence: tuple[EvidenceRef, ...] = ()
    duration_s: float = 0.0
    may_retry: bool = True
    found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled:
    """The attempt failed and another will start at ``due_at``."""

    kind: ClassVar[str] = "retry_scheduled"
    at: float
    step: str
    host: str
    attempt: int
    due_at: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitScheduled:
    """The wait condition is not yet true; the next look is at ``due_at``, the last at ``gives_up_at``."""

    kind: ClassVar[str] = "wait_scheduled"
    at: float
    step: str
    host: str
    attempt: int
    due_at: float
    gives_up_at: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    """The run needs an answer of the operator. No answers: an acknowledgement is asked for (answer ``done``)."""

    kind: ClassVar[str] = "question_asked"
    at: float
    step: str
    show: str
    question: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswered:
    """The operator's answer: one of the keys asked for."""

    kind: ClassVar[str] = "question_answered"
    at: float
    step: str
    answer: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """A step run needs a person's yes before it applies its change."""

    kind: ClassVar[str] = "approval_asked"
    at: float
    step: str
    host: str
    name: str
    why: str
    effect: str
    disruptive: bool
    exits_before: tuple[str, ...]
    exits_after: tuple[str, ...]
    proofs: tuple[Proof, ...]
    plan_digest: str
    before: JsonValue = None
    after: JsonValue = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven:
    """A person said yes, for this plan, until ``expires_at``."""

    kind: ClassVar[str] = "approval_given"
    at: float
    step: str
    host: str
    by: str
    plan_digest: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDenied:
    """A person said no."""

    kind: ClassVar[str] = "approval_denied"
    at: float
    step: str
    host: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtSettled:
    """A person said how an in-doubt step run really ended."""

    kind: ClassVar[str] = "doubt_settled"
    at: float
    step: str
    host: str
    status: Status
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParked:
    """The run waits for a person and needs no process; ``command`` continues it."""

    kind: ClassVar[str] = "run_parked"
    at: float
    reason: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInterrupted:
    """The operator interrupted; ``in_flight`` names what may still run and where."""

    kind: ClassVar[str] = "run_interrupted"
    at: float
    in_flight: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run ended for good. ``status`` is a ``RunStatus`` value."""

    kind: ClassVar[str] = "run_finished"
    at: float
    status: str
    exit_code: int
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a step run is doing right now; shown, not journalled."""

    kind: ClassVar[str] = "progress"
    at: float
    step: str
    host: str
    text: str
    fraction: float | None = None


RunEvent: TypeAlias = (
    RunStarted
    | RunResumed
    | StepRunStarted
    | ChangeDecided
    | ProofsRefreshed
    | ChangeIntended
    | StepRunEnded
    | RetryScheduled
    | WaitScheduled
    | QuestionAsked
    | QuestionAnswered
    | ApprovalAsked
    | ApprovalGiven
    | ApprovalDenied
    | DoubtSettled
    | RunParked
    | RunInterrupted
    | RunFinished
    | Progress
)

TRANSIENT: tuple[type, ...] = (Progress,)

_CLASSES: Mapping[str, type] = {
    one.kind: one
    for one in (
        RunStarted, RunResumed, StepRunStarted, ChangeDecided,
        ProofsRefreshed,
        ChangeIntended, StepRunEnded, RetryScheduled, WaitScheduled,
        QuestionAsked, QuestionAnswered, ApprovalAsked, ApprovalGiven, ApprovalDenied, DoubtSettled,
        RunParked, RunInterrupted, RunFinished, Progress,
    )
}  # fmt: skip


_SCALARS = frozenset((str, int, float, bool, type(None)))


_NAMES: Mapping[type, tuple[str, ...]] = {
    cls: tuple(one.name for one in fields(cls)) for cls in (*_CLASSES.values(), Proof, EvidenceRef, Owed, ScriptError)
}


def _plain(value: Any) -> JsonValue:
    if type(value) in _SCALARS:
        return value  # type: ignore[no-any-return]
    if isinstance(value, (Proof, EvidenceRef, Owed, ScriptError)):
        return {name: _plain(getattr(value, name)) for name in _NAMES[type(value)]}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Status):
        return value.value
    if isinstance(value, (int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} is not plain data")


def event_to_json(event: RunEvent) -> JsonMap:
    """The event as plain data with its ``kind``; the inverse of ``event_from_json``."""
    return {"kind": event.kind, **{name: _plain(getattr(event, name)) for name in _NAMES[type(event)]}}


def event_from_json(data: JsonMap) -> RunEvent:
    """Rebuild an event. Unknown fields are ignored (a newer engine wrote them); an unknown kind is a ``KeyError``."""
    cls = _CLASSES[str(data["kind"])]
    values: dict[str, Any] = {key: _frozen(item) for key, item in data.items() if key in _NAMES[cls]}
    if "status" in values and cls in (StepRunEnded, DoubtSettled):
        values["status"] = Status(values["status"])
    for name, part in (("proofs", Proof), ("evidence", EvidenceRef), ("errors", ScriptError), ("owes", Owed)):
        if name in values:
            values[name] = tuple(part(**item) for item in values[name])
    event: RunEvent = cls(**values)
    return event


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return value
