"""The state of a run: a value folded from its events; no connection, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.event import (
    ApprovalAsked,
    ApprovalGiven,
    ChangeDecided,
    ChangeIntended,
    QuestionAsked,
    RunFinished,
    RunStarted,
    StepRunEnded,
)
from engine.model.plan import Plan, StepRunId
from engine.model.result import Owed, Proof
from engine.model.status import TERMINAL, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRunState:
    """One step run. ``intended`` stands from the intent until the outcome: nobody knows how far it got. ``settled`` is
    true if its end is a person's word.
    """

    status: Status = Status.PENDING
    attempt: int = 0
    first_started_at: float | None = None
    decided: ChangeDecided | None = None
    asked: ApprovalAsked | None = None
    approval: ApprovalGiven | None = None
    intended: ChangeIntended | None = None
    ended: StepRunEnded | None = None
    due_at: float | None = None
    gives_up_at: float | None = None
    taken_up: bool = False
    settled: bool = False

    @property
    def is_postponed(self) -> bool:
        """True while another attempt or another look is due later."""
        return self.due_at is not None

    @property
    def is_terminal(self) -> bool:
        """True if it will not go on by itself."""
        return self.status in TERMINAL and not self.is_postponed


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Everything known of a run. ``owed`` is what its changes left to be done, with the host."""

    step_runs: Mapping[StepRunId, StepRunState]
    started: RunStarted | None = None
    finished: RunFinished | None = None
    epoch: int = 0
    questions: Mapping[str, QuestionAsked] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    proofs: tuple[Proof, ...] = ()
    refused_refreshes: Mapping[str, str] = field(default_factory=dict)
    forwarded_to: str | None = None
    owed: tuple[tuple[str, Owed], ...] = ()

    def of(self, step: str, host: str) -> StepRunState:
        """The state of one step run."""
        return self.step_runs[StepRunId(step, host)]


def initial(plan: Plan) -> RunState:
    """The state before the first event."""
    return RunState(step_runs={one: StepRunState() for step in plan.steps for one in step.step_runs()})
