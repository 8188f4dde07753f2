"""Failure budget, batches, retries and waits: the rules of ``max_failures``, ``serial``, ``retry`` and ``wait``."""

from collections.abc import Sequence

from engine.conduct.state import RunState, StepRunState
from engine.model.plan import PlannedStep
from engine.model.runbook import CONTINUE, FINDING, leads_to
from engine.model.status import Effect, Status

SET_BACK_S = 60.0
"""How far in the future a moment on record may lie. Further, and the clock was set back since: how old it is, nobody
knows.
"""
BAD = frozenset({Status.FAILED, Status.UNREACHABLE, Status.BLOCKED, Status.IN_DOUBT})


def is_finding(step: PlannedStep, one: StepRunState) -> bool:
    """True if it failed by what was seen, in a step for which that is a result. Where nobody could look, nothing was
    found.
    """
    return step.on_failure == FINDING and one.status is Status.FAILED and one.ended is not None and one.ended.found


def failures(step: PlannedStep, states: Sequence[StepRunState]) -> int:
    """How many step runs ended badly for good."""
    return sum(one.is_terminal and one.status in BAD and not is_finding(step, one) for one in states)


def is_over_budget(step: PlannedStep, states: Sequence[StepRunState]) -> bool:
    """The step has failed if, and only if, ``failures > max_failures``."""
    return failures(step, states) > step.max_failures


def is_stopped_by_doubt(step: PlannedStep, states: Sequence[StepRunState]) -> bool:
    """True if the step has failed unless a doubt of it turns out well: nothing more may begin, nor be given up."""
    return is_over_budget(step, states) and any(one.status is Status.IN_DOUBT for one in states)


def led_on(step: PlannedStep, states: Sequence[StepRunState]) -> bool:
    """True if the step's failures led to a later step: then that one decides about the run, and about every host."""
    return leads_to(step.on_failure) is not None and is_over_budget(step, states)


def batch(step: PlannedStep, states: Sequence[StepRunState]) -> range:
    """Indexes of the hosts that may run now: the first batch of ``serial`` hosts that is not finished."""
    size = step.serial or len(states)
    for start in range(0, len(states), size):
        part = range(start, min(start + size, len(states)))
        if any(not states[index].is_terminal for index in part):
            return part
    return range(0)


def retry_due(step: PlannedStep, one: StepRunState) -> float | None:
    """When the next attempt is due, or None. A permanent step is never retried, nor a failure that says so."""
    if step.retry is None or step.effect is Effect.PERMANENT or one.ended is None or not one.ended.may_retry:
        return None
    if one.status not in (Status.FAILED, Status.UNREACHABLE) or one.attempt >= step.retry.attempts:
        return None
    pause = step.retry.delay_s * step.retry.backoff ** (one.attempt - 1)
    return one.ended.at + min(pause, step.retry.max_delay_s)


def due_at(step: PlannedStep, one: StepRunState, now: float) -> float:
    """When what was put off is due: now, if that lies further off than any pause of the step, as the clock was set back
    since.
    """
    assert one.due_at is not None
    pauses = (step.wait.every_s if step.wait else 0.0, step.retry.max_delay_s if step.retry else 0.0)
    return now if one.due_at - now > max(pauses) + SET_BACK_S else one.due_at


def excluded_by(state: RunState, steps: Sequence[PlannedStep], host: str) -> PlannedStep | None:
    """The earlier step that took this host out of the run: it failed there, within the step's budget."""
    for step in steps:
        if step.on_failure == CONTINUE or host not in step.hosts:
            continue
        one = state.of(step.id, host)
        if not one.is_terminal or one.status not in BAD or is_finding(step, one):
            continue
        if not led_on(step, [state.of(step.id, each) for each in step.hosts]):
            return step
    return None
