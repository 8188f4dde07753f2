"""Use case: a person says how a step run in doubt really ended; the word, its author and its reason go on record."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from engine.app import wiring
from engine.app.clock import SystemClock
from engine.app.run_source import mapping, refuse_nested, tree
from engine.conduct.apply import replay
from engine.model.errors import UsageMistake
from engine.model.event import DoubtSettled, RunResumed
from engine.model.plan import ENGINE_HOST, StepRunId
from engine.model.status import Status
from engine.planning.stamp import saved_plan
from engine.ports.journal import JournalStore

SETTLED = {"ok": Status.OK, "changed": Status.CHANGED, "failed": Status.FAILED}


def settle(state: Path, run_id: str, given: tuple[str, ...], operator: str, reason: str) -> tuple[str, ...]:
    """Record ``STEP@HOST=ok|changed|failed`` for step runs that are in doubt, and for no other, in this run or in one
    that it began; the given answers that are not about a doubt are handed back. A step of the engine itself has no host
    in its name.
    """
    with closing(wiring.open_journal(wiring.known_folder(state))) as journal:
        refuse_nested(journal, run_id, state)
        doubtful = {one: run for run in tree(journal, run_id) for one in _doubtful(journal, run)}
        doubts = {str(one) for one in doubtful}
        rest = tuple(one for one in given if "@" not in (name := one.partition("=")[0]) and name not in doubts)
        wanted = [_parsed(one) for one in given if one not in rest]
        for step_run, _ in wanted:
            if step_run not in doubtful:
                names = ", ".join(sorted(doubts)) or "none"
                raise UsageMistake(f"{step_run} of the run {run_id} is not in doubt", remedy=f"in doubt: {names}")
        for run in dict.fromkeys(doubtful[step_run] for step_run, _ in wanted):
            words = [(one, status) for one, status in wanted if doubtful[one] == run]
            _record(journal, run, words, operator, reason or "no reason was given")
        return rest


def _doubtful(journal: JournalStore, run_id: str) -> list[StepRunId]:
    run = replay(saved_plan(mapping(journal.plan(run_id).get("plan"))), journal.events(run_id))
    return [key for key, one in run.step_runs.items() if one.status is Status.IN_DOUBT]


def _record(
    journal: JournalStore, run_id: str, words: Sequence[tuple[StepRunId, Status]], operator: str, reason: str
) -> None:
    here = wiring.jump_host_name()
    lease = journal.claim(run_id, f"{operator} on {here}")
    now = round(SystemClock().now(), 3)
    settled = [
        DoubtSettled(at=now, step=one.step, host=one.host, status=status, by=operator, reason=reason)
        for one, status in words
    ]
    journal.append(lease, [RunResumed(at=now, epoch=lease.epoch, operator=operator, jump_host=here), *settled])
    journal.release(lease, keep_hosts=True)


def _parsed(one: str) -> tuple[StepRunId, Status]:
    name, _, word = one.partition("=")
    step, _, host = name.partition("@")
    if word not in SETTLED:
        raise UsageMistake(f"`{one}`: `{word}` settles nothing", remedy="write STEP@HOST=ok, =changed or =failed")
    return StepRunId(step, host or ENGINE_HOST), SETTLED[word]
