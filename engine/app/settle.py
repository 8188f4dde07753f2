"""Use case: a person says how a step run in doubt really ended; the word, its author and its reason go on record."""

from contextlib import closing
from pathlib import Path

from engine.app import wiring
from engine.app.clock import SystemClock
from engine.conduct.apply import replay
from engine.model.errors import UsageMistake
from engine.model.event import DoubtSettled, RunResumed
from engine.model.plan import ENGINE_HOST, StepRunId
from engine.model.status import Status
from engine.planning.stamp import saved_plan

SETTLED = {"ok": Status.OK, "changed": Status.CHANGED, "failed": Status.FAILED}


def settle(state: Path, run_id: str, given: tuple[str, ...], operator: str, reason: str) -> tuple[str, ...]:
    """Record ``STEP@HOST=ok|changed|failed`` for step runs that are in doubt, and for no other; the given answers that
    are not about a doubt are handed back. A step of the engine itself has no host in its name.
    """
    clock = SystemClock()
    with closing(wiring.open_journal(wiring.known_folder(state), clock)) as journal:
        stored = journal.plan(run_id)
        plan = stored.get("plan")
        assert isinstance(plan, dict)
        run = replay(saved_plan(plan), journal.events(run_id))
        doubtful = [key for key, one in run.step_runs.items() if one.status is Status.IN_DOUBT]
        doubts = {str(one) for one in doubtful}
        rest = tuple(one for one in given if "@" not in (name := one.partition("=")[0]) and name not in doubts)
        wanted = [_parsed(one) for one in given if one not in rest]
        if not wanted:
            return rest
        for step_run, _ in wanted:
            if step_run not in doubtful:
                names = ", ".join(str(one) for one in doubtful) or "none"
                raise UsageMistake(f"{step_run} of the run {run_id} is not in doubt", remedy=f"in doubt: {names}")
        lease = journal.claim(run_id, f"{operator} on {wiring.jump_host_name()}")
        now = round(clock.now(), 3)
        resumed = RunResumed(at=now, epoch=lease.epoch, operator=operator, jump_host=wiring.jump_host_name())
        settled = tuple(
            DoubtSettled(
                at=now, step=one.step, host=one.host, status=status, by=operator, reason=reason or "no reason was given"
            )
            for one, status in wanted
        )
        journal.append(lease, (resumed, *settled))
        journal.release(lease, keep_hosts=True)
        return rest


def _parsed(one: str) -> tuple[StepRunId, Status]:
    name, _, word = one.partition("=")
    step, _, host = name.partition("@")
    if word not in SETTLED:
        raise UsageMistake(f"`{one}`: `{word}` settles nothing", remedy="write STEP@HOST=ok, =changed or =failed")
    return StepRunId(step, host or ENGINE_HOST), SETTLED[word]
