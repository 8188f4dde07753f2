"""Which ways through a runbook its scenarios took: each step ran, each condition both ways, each answer, each leap.

A branch is a place where the runbook's own text lets a run go on differently: a ``when`` that is true or false, an
answer of a question, an approval given or denied, an ``on_failure`` that leads on, an assertion that fails.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.app.scenario import Rehearsed
from engine.conduct.policy import is_finding
from engine.model.plan import Plan, PlannedStep
from engine.model.runbook import FINDING, leads_to
from engine.model.status import Status

_RAN = frozenset({Status.OK, Status.CHANGED, Status.FAILED, Status.UNREACHABLE, Status.BLOCKED, Status.IN_DOUBT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of one runbook: what there is, and what no scenario reached."""

    runbook: str
    steps: int
    branches: int
    steps_missed: tuple[str, ...]
    branches_missed: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """True if every step and every branch was reached."""
        return not self.steps_missed and not self.branches_missed


def coverage(runs: Iterable[Rehearsed]) -> tuple[Coverage, ...]:
    """One entry for each runbook that was run."""
    plans: dict[str, Plan] = {}
    taken: dict[str, set[str]] = {}
    for run in runs:
        if run.state.started is not None and run.state.started.check:
            taken.setdefault(run.plan.runbook, set()).update(_because_of_check(run))
            continue  # what else check mode skips is not a way through the runbook
        plans.setdefault(run.plan.runbook, run.plan)
        taken.setdefault(run.plan.runbook, set()).update(_taken(run))
    return tuple(_of(plans[name], taken[name]) for name in sorted(plans))


def _because_of_check(run: Rehearsed) -> Iterator[str]:
    """The conditions of the runbook's own that ask whether this is check mode."""
    for step in run.plan.steps:
        skipped = any(run.state.step_runs[one].status is Status.SKIPPED for one in step.step_runs())
        if skipped and step.when is not None and ("run", "check") in step.when.names:
            yield f"{step.id}: condition false"


def _of(plan: Plan, taken: set[str]) -> Coverage:
    branches = [branch for step in plan.steps for branch in _branches(step)]
    return Coverage(
        runbook=plan.runbook,
        steps=len(plan.steps),
        branches=len(branches),
        steps_missed=tuple(step.id for step in plan.steps if f"{step.id}: ran" not in taken),
        branches_missed=tuple(one for one in branches if one not in taken),
    )


def _branches(step: PlannedStep) -> Iterator[str]:
    if step.when is not None:
        yield f"{step.id}: condition true"
        yield f"{step.id}: condition false"
    answers = step.args.get("answers")
    if step.action == "operator.ask" and isinstance(answers, dict):
        yield from (f"{step.id}: answer {key}" for key in answers)
    if any(one.kind == "approval" for one in step.requires):
        yield f"{step.id}: approval given"
        yield f"{step.id}: approval denied"
    if step.on_failure == FINDING or leads_to(step.on_failure) is not None:
        yield _failed_words(step)
    if step.action == "assert":
        yield f"{step.id}: holds"
        yield f"{step.id}: does not hold"


def _failed_words(step: PlannedStep) -> str:
    return f"{step.id}: " + ("finding" if step.on_failure == FINDING else f"failure leads to {step.on_failure}")


def _taken(run: Rehearsed) -> Iterator[str]:
    state = run.state
    for step in run.plan.steps:
        runs = [state.step_runs[one] for one in step.step_runs()]
        found = {one.status for one in runs}
        if found & _RAN:
            yield f"{step.id}: ran"
            yield f"{step.id}: condition true"
        if Status.SKIPPED in found and state.forwarded_to is None:
            yield f"{step.id}: condition false"
        if step.id in state.answers:
            yield f"{step.id}: answer {state.answers[step.id]}"
        if any(one.approval is not None for one in runs):
            yield f"{step.id}: approval given"
        if any(_denied(one.ended.why if one.ended else "") for one in runs if one.status is Status.BLOCKED):
            yield f"{step.id}: approval denied"
        if Status.FAILED in found:
            if step.on_failure != FINDING or any(is_finding(step, one) for one in runs):
                yield _failed_words(step)
            yield f"{step.id}: does not hold"
        if Status.OK in found:
            yield f"{step.id}: holds"


def _denied(why: str) -> bool:
    return "denied the approval" in why
