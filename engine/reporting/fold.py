"""The fold that a report is made of: events in their order, one mutable notebook, no judgement about the run."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.model import event as ev
from engine.model.plan import ENGINE_HOST, Plan, StepRunId
from engine.model.report import ReportDecision, ReportEvidence, ReportTakenUp, Span, SpanKind
from engine.model.result import Proof
from engine.model.status import RunStatus, Status


@dataclass(slots=True)
class StepRunNotes:
    """What was read so far about one step run. ``open`` is the stretch of time that has not ended yet;
    ``touched`` is true once an attempt is known to have changed something.
    """

    status: Status = Status.PENDING
    why: str = ""
    attempts: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    ended: ev.StepRunEnded | None = None
    intended: ev.ChangeIntended | None = None
    last_intended: ev.ChangeIntended | None = None
    touched: bool = False
    spans: list[Span] = field(default_factory=list)
    open: tuple[SpanKind, float] | None = None

    def turn(self, at: float, kind: SpanKind | None) -> None:
        """End the open stretch, and begin another of this kind."""
        if self.open is not None and at > self.open[1]:
            self.spans.append(Span(kind=self.open[0], start=self.open[1], end=at))
        self.open = None if kind is None else (kind, at)


@dataclass(slots=True)
class Notes:
    """What was read so far about the run."""

    step_runs: dict[StepRunId, StepRunNotes]
    started: ev.RunStarted | None = None
    finished: ev.RunFinished | None = None
    parked: ev.RunParked | None = None
    interrupted: ev.RunInterrupted | None = None
    status: str = RunStatus.RUNNING.value
    read_at: float = 0.0
    taken_up: list[ReportTakenUp] = field(default_factory=list)
    decisions: list[ReportDecision] = field(default_factory=list)
    evidence: dict[tuple[str, str, str], ReportEvidence] = field(default_factory=dict)
    proofs: dict[tuple[str, str, str, str | None], Proof] = field(default_factory=dict)
    asked: dict[StepRunId, str] = field(default_factory=dict)

    def of(self, step: str, host: str) -> StepRunNotes:
        """The notes of one step run, also of one that the plan does not know."""
        return self.step_runs.setdefault(StepRunId(step, host), StepRunNotes())


def read(plan: Plan, events: Iterable[ev.RunEvent]) -> Notes:
    """All events, noted."""
    notes = Notes(step_runs={one: StepRunNotes() for step in plan.steps for one in step.step_runs()})
    for event in events:
        notes.read_at = max(notes.read_at, event.at)
        _run(notes, event)
        _step_run(notes, event)
        _person(notes, event)
    for one in notes.step_runs.values():
        one.turn(notes.read_at, None)
    return notes


def _run(notes: Notes, event: ev.RunEvent) -> None:
    match event:
        case ev.RunStarted():
            notes.started = event
            notes.taken_up.append(
                ReportTakenUp(at=event.at, operator=event.operator, jump_host=event.jump_host, epoch=1)
            )
        case ev.RunResumed():
            notes.status, notes.finished, notes.parked, notes.interrupted = RunStatus.RUNNING.value, None, None, None
            notes.taken_up.append(
                ReportTakenUp(at=event.at, operator=event.operator, jump_host=event.jump_host, epoch=event.epoch)
            )
        case ev.RunParked():
            notes.status, notes.parked = RunStatus.PARKED.value, event
        case ev.RunInterrupted():
            notes.status, notes.interrupted = RunStatus.INTERRUPTED.value, event
        case ev.RunFinished():
            notes.status, notes.finished = event.status, event
        case _:
            pass


def _step_run(notes: Notes, event: ev.RunEvent) -> None:
    match event:
        case ev.StepRunStarted():
            _started(notes.of(event.step, event.host), event)
        case ev.ChangeDecided():
            _postponed(notes.of(event.step, event.host), event.at, event.why, SpanKind.PERSON)
        case ev.ChangeIntended():
            one = notes.of(event.step, event.host)
            one.intended = one.last_intended = event
        case ev.StepRunEnded():
            _ended(notes, event)
        case ev.RetryScheduled() | ev.WaitScheduled():
            _postponed(notes.of(event.step, event.host), event.at, event.why, SpanKind.WAIT)
        case ev.DoubtSettled():
            one = notes.of(event.step, event.host)
            one.status, one.why, one.ended_at = event.status, f"settled by {event.by}: {event.reason}", event.at
            one.intended = None
        case ev.ProofsRefreshed():
            for key in [key for key in notes.proofs if key[2:] == (event.step, event.host)]:
                del notes.proofs[key]
            _keep(notes, event.proofs)
        case _:
            pass


def _started(one: StepRunNotes, event: ev.StepRunStarted) -> None:
    one.status, one.why, one.attempts = Status.RUNNING, "", max(one.attempts, event.attempt)
    one.started_at = event.at if one.started_at is None else one.started_at
    one.ended_at = None
    one.turn(event.at, SpanKind.WORK)


def _postponed(one: StepRunNotes, at: float, why: str, kind: SpanKind) -> None:
    one.status, one.why, one.ended_at = Status.WAITING, why, None
    one.turn(at, kind)


def _ended(notes: Notes, event: ev.StepRunEnded) -> None:
    one = notes.of(event.step, event.host)
    one.status, one.why, one.ended, one.ended_at = event.status, event.why, event, event.at
    one.attempts = max(one.attempts, event.attempt)
    one.intended = None
    one.touched = one.touched or (event.changed and event.status is not Status.SKIPPED)
    one.turn(event.at, None)
    _keep(notes, event.proofs)
    for ref in event.evidence:
        notes.evidence[(ref.digest, event.step, event.host)] = ReportEvidence(ref=ref, step=event.step, host=event.host)


def _keep(notes: Notes, proofs: Iterable[Proof]) -> None:
    for proof in proofs:
        notes.proofs[(proof.kind, proof.subject, proof.step, proof.host)] = proof


def _person(notes: Notes, event: ev.RunEvent) -> None:
    match event:
        case ev.QuestionAsked():
            notes.asked[StepRunId(event.step, ENGINE_HOST)] = event.question or event.show
            said = " ".join(one.strip() for one in (event.show, event.question) if one.strip())
            _postponed(notes.of(event.step, ENGINE_HOST), event.at, f"waits for an answer: {said}", SpanKind.PERSON)
            one = notes.of(event.step, ENGINE_HOST)
            one.started_at = event.at if one.started_at is None else one.started_at
        case ev.ApprovalAsked():
            notes.asked[StepRunId(event.step, event.host)] = event.why
            _postponed(notes.of(event.step, event.host), event.at, "waits for an approval", SpanKind.PERSON)
        case ev.QuestionAnswered():
            notes.of(event.step, ENGINE_HOST).turn(event.at, None)
            _decided(notes, event, "answer", ENGINE_HOST, event.answer)
        case ev.ApprovalGiven():
            notes.of(event.step, event.host).turn(event.at, None)
            _decided(notes, event, "approval", event.host, "approved")
        case ev.ApprovalDenied():
            _decided(notes, event, "denial", event.host, event.reason or "denied")
        case ev.DoubtSettled():
            _decided(notes, event, "doubt settled", event.host, f"{event.status}: {event.reason}")
        case _:
            pass


def _decided(
    notes: Notes,
    event: ev.QuestionAnswered | ev.ApprovalGiven | ev.ApprovalDenied | ev.DoubtSettled,
    kind: str,
    host: str,
    text: str,
) -> None:
    asked = notes.asked.get(StepRunId(event.step, host), "")
    notes.decisions.append(
        ReportDecision(at=event.at, kind=kind, step=event.step, host=host, by=event.by, text=text, asked=asked)
    )
