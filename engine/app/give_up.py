"""Use case: end a run that nobody will go on with, so that its hosts are free again; the word is put on record."""

from contextlib import closing
from pathlib import Path
from typing import NoReturn

from engine.app import wiring
from engine.app.clock import SystemClock
from engine.app.run_source import mapping, refuse_nested, tree
from engine.conduct.apply import replay
from engine.conduct.ending import owed_words
from engine.conduct.state import RunState
from engine.model.errors import UsageMistake
from engine.model.event import RunFinished, RunResumed
from engine.model.exit_code import ExitCode
from engine.model.status import RunStatus, Status
from engine.planning.stamp import saved_plan
from engine.ports.journal import JournalStore


def give_up(state: Path, run_id: str, operator: str, reason: str) -> str:
    """Finish the run as interrupted, with all that it began, and free their hosts; the summary. A run that a process
    still works on is refused (``HostLocked`` by the claim), and so is one that is over or a part of another one.
    """
    with closing(wiring.open_journal(wiring.known_folder(state))) as journal:
        refuse_nested(journal, run_id, state)
        finished = _replayed(journal, run_id).finished
        if finished is not None and not _is_open(finished):
            refuse_finished(journal, run_id, finished, state)
        runs = tree(journal, run_id)
        left = {one: known for one in runs if _is_open((known := _replayed(journal, one)).finished)}
        words = "".join(unknown_words(one) for one in left.values()) + "".join(owed_words(one) for one in left.values())
        summary = f"given up by {operator}: {reason or 'no reason was given'}{words}"
        for one, known in left.items():
            _end(journal, one, known, operator, summary)
        return summary


def _replayed(journal: JournalStore, run_id: str) -> RunState:
    return replay(saved_plan(mapping(journal.plan(run_id).get("plan"))), journal.events(run_id))


def _is_open(finished: RunFinished | None) -> bool:
    return finished is None or finished.status == RunStatus.IN_DOUBT.value


def _end(journal: JournalStore, run_id: str, run: RunState, operator: str, summary: str) -> None:
    here = wiring.jump_host_name()
    lease = journal.claim(run_id, f"{operator} on {here}")
    now = round(SystemClock().now(), 3)
    events = (
        RunResumed(at=now, epoch=lease.epoch, operator=operator, jump_host=here),
        RunFinished(at=now, status=RunStatus.INTERRUPTED.value, exit_code=int(ExitCode.INTERRUPTED), summary=summary),
    )
    journal.append(lease, events)
    journal.release(lease, keep_hosts=False)
    if run.started is not None:
        from engine.app.report import write_files

        write_files(journal, run_id)


def unknown_words(run: RunState) -> str:
    """What nobody looked at: changes that were sent without an outcome on record."""
    unknown = [
        str(key)
        for key, one in run.step_runs.items()
        if one.status is Status.IN_DOUBT or (one.status is Status.RUNNING and one.intended is not None)
    ]
    return f"; not known how it ended: {', '.join(unknown)}" if unknown else ""


def refuse_finished(journal: JournalStore, run_id: str, finished: RunFinished, state: Path) -> NoReturn:
    """The run is over. If its process ended between saying so and freeing the hosts, they are freed now."""
    in_doubt = finished.status == RunStatus.IN_DOUBT.value
    if not in_doubt:
        journal.release(journal.claim(run_id, "the command that found it finished"), keep_hosts=False)
    option = wiring.state_option(state)
    remedy = (
        f"settle the doubt: runbook answer {run_id} STEP@HOST=WORD{option}, the WORD being ok, changed or failed"
        if in_doubt
        else f"runbook report {run_id}{option} tells what it did"
    )
    raise UsageMistake(f"the run {run_id} is over: {finished.summary}", remedy=remedy)
