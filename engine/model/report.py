"""What is told of a run afterwards: a fold over its plan and its journal, and nothing that is not in them.

Times are epoch seconds (UTC), durations seconds; texts are as recorded: every writer makes them safe for its output.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.model.data import JsonValue
from engine.model.result import EvidenceRef, Proof, ScriptError
from engine.model.status import Status


class SpanKind(StrEnum):
    """What a stretch of time was spent on."""

    WORK = "work"
    WAIT = "wait"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time of one step run."""

    kind: SpanKind
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStepRun:
    """One step on one host: how it ended, where its time went. ``number`` is the step's place in the plan, from 1.
    ``leads``: where the runbook goes on after a failure that it expects, in words; None for any other end.
    """

    number: int
    step: str
    name: str
    action: str
    host: str
    effect: str
    disruptive: bool
    status: Status
    why: str
    remedy: str | None = None
    attempts: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    duration_s: float = 0.0
    examined: int | None = None
    errors: tuple[ScriptError, ...] = ()
    spans: tuple[Span, ...] = ()
    leads: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportChange:
    """Something that was changed, or may have been: ``certain`` is false where no outcome is known or it failed
    halfway. ``commands`` are those on record before the first was sent.
    """

    step: str
    name: str
    host: str
    at: float
    why: str
    before: JsonValue
    after: JsonValue
    undo: str | None
    certain: bool
    effect: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportProof:
    """A proof and its age when the record ends."""

    proof: Proof
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportExits:
    """Which ways out were left from ``at`` on; ``step`` is the change that took others away, None at the start."""

    at: float
    step: str | None
    exits: tuple[str, ...]
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDecision:
    """What a person said: an answer, an approval, a denial, how a doubt was settled. ``asked`` is what was asked."""

    at: float
    kind: str
    step: str
    host: str
    by: str
    text: str
    asked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOwed:
    """What a change of this run, or of one that is a part of it, left to be done, and nobody has seen done yet."""

    host: str
    what: str
    how: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBaseline:
    """The baseline that the run went by: its file when it was planned, what it says of itself, and whose key signed it
    (``signed_by`` is the key's fingerprint, None where nobody signed).
    """

    file: str
    recorded_at: str | None
    recorded_by: str | None
    signed_at: str | None
    signed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEvidence:
    """A stored piece and the step run it belongs to."""

    ref: EvidenceRef
    step: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTakenUp:
    """The run was started, or taken up later: when, by whom, where."""

    at: float
    operator: str
    jump_host: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole story of one run. ``status`` is a ``RunStatus`` value; ``ended_at`` is None until it ended for good.
    ``read_at`` is the time of the last event: ages are counted to it. ``next_command`` goes on with a run that waits.
    """

    run_id: str
    runbook: str
    version: str
    title: str
    head: str
    status: str
    summary: str
    check: bool
    plan_digest: str
    runbook_digest: str
    engine_version: str
    hosts: tuple[str, ...]
    started_at: float
    read_at: float
    taken_up: tuple[ReportTakenUp, ...]
    step_runs: tuple[ReportStepRun, ...]
    exit_code: int | None = None
    ended_at: float | None = None
    next_command: str | None = None
    in_flight: tuple[str, ...] = ()
    changes: tuple[ReportChange, ...] = ()
    would_change: tuple[ReportChange, ...] = ()
    doubts: tuple[ReportStepRun, ...] = ()
    owed: tuple[ReportOwed, ...] = ()
    not_done: tuple[ReportStepRun, ...] = ()
    proofs: tuple[ReportProof, ...] = ()
    exits: tuple[ReportExits, ...] = ()
    decisions: tuple[ReportDecision, ...] = ()
    evidence: tuple[ReportEvidence, ...] = ()
    recap: Mapping[str, Mapping[str, int]] | None = None
    baseline: ReportBaseline | None = None
