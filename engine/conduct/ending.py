"""How a run ended: its status, exit code and one sentence, from the step runs alone."""

from collections import Counter
from collections.abc import Sequence

from engine.conduct import policy
from engine.conduct.effects import UNKNOWN_IN_CHECK, Finish
from engine.conduct.state import RunState, StepRunState
from engine.model.exit_code import ExitCode
from engine.model.plan import Plan, StepRunId
from engine.model.status import RunStatus, Status


def finish(plan: Plan, state: RunState) -> Finish:
    """Worst first: doubt, a closed gate, a failure, an unreachable host. Anything bad is never exit 0.

    A failure that led to a later step is a way through the runbook, not its end: that later step decides. Nor is what
    a look was to find.
    """
    counts = Counter(one.status for one in state.step_runs.values())
    led_on = {step.id for step in plan.steps if policy.led_on(step, [state.of(step.id, host) for host in step.hosts])}
    steps = {step.id: step for step in plan.steps}
    found = [key for key, one in state.step_runs.items() if policy.is_finding(steps[key.step], one)]
    bad = [
        key
        for key, one in state.step_runs.items()
        if one.status in _CODES and key not in found and not (key.step in led_on and one.status in _LEADS_ON)
    ]
    kinds = {kind: [key for key in bad if state.step_runs[key].status is kind] for kind in _CODES}
    worst = next((kind for kind, keys in kinds.items() if keys), None)
    status, code = (RunStatus.DONE, ExitCode.DONE) if worst is None else _CODES[worst]
    ended_badly = "".join(f"; {kind.value} at {_names(keys)}" for kind, keys in kinds.items() if keys)
    finding = f"; found at {_names(found)}" if found else ""
    done = counts[Status.OK] + counts[Status.CHANGED] + len(found)
    check = state.started is not None and state.started.check
    if not bad and not done and not check:
        return Finish(
            status=RunStatus.FAILED, exit_code=ExitCode.STEP_FAILED, summary="nothing was done: every step was skipped"
        )
    if check:
        words = f"{plan.runbook}: {_check_words(state)}{ended_badly}{finding}"
        return Finish(status=status, exit_code=int(code), summary=words)
    tally = f"{counts[Status.CHANGED]} changed, {counts[Status.OK]} ok, {counts[Status.SKIPPED]} skipped"
    summary = f"{plan.runbook}: {tally}{ended_badly}{finding}{owed_words(state)}"
    return Finish(status=status, exit_code=int(code), summary=summary)


def _names(step_runs: Sequence[object]) -> str:
    more = len(step_runs) - _SHOWN
    return ", ".join(str(one) for one in step_runs[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def in_doubt(state: RunState) -> list[StepRunId]:
    """The step runs of which nobody knows how they ended."""
    return [key for key, one in state.step_runs.items() if one.status is Status.IN_DOUBT]


def doubts(state: RunState) -> dict[str, str]:
    """How a person settles each doubt after a look at the host: answers with what each one means."""
    found = in_doubt(state)
    words = {"changed": "if a look at the host shows that it was done", "failed": "if it was not done"}
    return {f"{key}={word}": label for key in found for word, label in words.items()}


def waited_for(state: RunState) -> dict[str, str]:
    """What the run asks a person now: answers with what each one means."""
    waiting = [(key, one) for key, one in state.step_runs.items() if one.status is Status.WAITING]
    asked = [state.questions[key.step] for key, _ in waiting if key.step in state.questions]
    gated = dict.fromkeys(key.step for key, one in waiting if one.asked is not None and one.approval is None)
    ways = {f"{one.step}={key}": label for one in asked for key, label in (one.answers or ACKNOWLEDGED).items()}
    for step in gated:
        ways |= approval_ways(state, step)
    return ways


def approval_ways(state: RunState, step: str) -> dict[str, str]:
    """How a person says yes or no without a terminal. The word is for all hosts of the step, and says so."""
    hosts = sum(key.step == step for key in state.step_runs)
    everywhere = f" on all {hosts} hosts of the step" if hosts > 1 else ""
    return {f"{step}=approve": f"go on with the change{everywhere}", f"{step}=deny": f"leave it undone{everywhere}"}


def owed_words(state: RunState) -> str:
    """What the run's changes left to be done. A person's word about a step strikes out nothing: only a look does."""
    owed = ", ".join(f"{one.what} on {host}" for host, one in state.owed)
    hosts = {host for host, _ in state.owed}
    on_word = [str(key) for key, one in state.step_runs.items() if one.settled and key.host in hosts]
    why = f" (a person's word settled {_names(on_word)}; what is owed is struck out by a look, so run it again)"
    return f"; still owed: {owed}{why if on_word else ''}" if owed else ""


def _check_words(state: RunState) -> str:
    """What a run would change; what nobody can know without doing it."""
    would = [str(key) for key, one in state.step_runs.items() if _would_change(one)]
    unknown = sum(one.ended is not None and one.ended.why.startswith(UNKNOWN_IN_CHECK) for one in _all(state))
    looked = sum(one.status in (Status.OK, Status.CHANGED) for one in _all(state))
    words = f"check mode: would change {', '.join(would)}" if would else "check mode: would change nothing"
    return f"{words}; {looked} ok" + (f"; {unknown} depend on what only a run can know" if unknown else "")


def _all(state: RunState) -> tuple[StepRunState, ...]:
    return tuple(state.step_runs.values())


def _would_change(one: StepRunState) -> bool:
    return one.status is Status.SKIPPED and one.ended is not None and one.ended.changed


ACKNOWLEDGED = {"done": "when it is done"}
_SHOWN = 3
_LEADS_ON = frozenset({Status.FAILED, Status.UNREACHABLE})
_CODES = {
    Status.IN_DOUBT: (RunStatus.IN_DOUBT, ExitCode.IN_DOUBT),
    Status.BLOCKED: (RunStatus.REFUSED, ExitCode.GATE_REFUSED),
    Status.FAILED: (RunStatus.FAILED, ExitCode.STEP_FAILED),
    Status.UNREACHABLE: (RunStatus.FAILED, ExitCode.UNREACHABLE),
}
