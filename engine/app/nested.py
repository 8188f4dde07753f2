"""A run within a run: begun or taken up for a step of another one, and told to it; a part of it, whatever happens."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from engine.app import plan as planning
from engine.app.children import refuse_changed, request_of
from engine.app.request import PlanRequest, RunRequest
from engine.app.run_source import mapping, refuse_other_baseline
from engine.conduct.apply import replay
from engine.conduct.ending import doubts, waited_for
from engine.conduct.state import RunState
from engine.execute.messages import Stopped
from engine.model.command import RunRunbook
from engine.model.data import JsonValue
from engine.model.errors import EngineError, HostLocked, PlanOutdated, SecretUnavailable
from engine.model.event import RunEvent, StepRunEnded
from engine.model.exit_code import ExitCode
from engine.model.plan import ENGINE_HOST, Plan
from engine.model.result import CommandResult
from engine.planning.stamp import saved_plan
from engine.ports.journal import JournalStore

UNFINISHED = (ExitCode.WAITING_FOR_PERSON, ExitCode.IN_DOUBT, ExitCode.INTERRUPTED, ExitCode.TERMINATED)
MENDABLE = (PlanOutdated, HostLocked, SecretUnavailable)
"""What may keep a nested run from being begun, and passes or is put right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The run whose step runs another runbook, and how a run is begun and gone on with."""

    journal: JournalStore
    run_id: str
    plan: Plan
    source: PlanRequest
    request: RunRequest
    begin: Callable[[planning.Planned, RunRequest, PlanRequest], Stopped]
    go_on: Callable[[str, RunRequest], Stopped]


def run_child(command: RunRunbook, caller: Caller) -> CommandResult:
    """Run another runbook of the same folder on the same inventory; the caller keeps its hosts. What keeps it from
    being begun or going on, and can be put right (a slip in an answer, an edited file, a host that is held), fails
    neither run: the caller waits and is taken up.
    """
    child = f"{caller.run_id}.{command.caller}"
    request = replace(
        caller.request,
        parent=caller.run_id,
        root=caller.request.root or caller.run_id,
        run_id=child,
        inventory=caller.source.inventory,
        held=caller.request.held.union(caller.plan.hosts),
    )
    try:
        stopped = _run(command, caller, request, child)
        state = _known(caller.journal, child)
        # whatever it stopped for, such as a host that a run within it waits for: without an end on record it has none
        is_open = state is not None and state.finished is None
        return _told(child, stopped, is_unfinished=is_open, paid=paid(caller.journal.events(child)))
    except EngineError as failure:
        known = _known(caller.journal, child)
        if known is None and not isinstance(failure, MENDABLE):
            raise
        if known is not None and known.finished is not None:
            # What failed came after its end, such as the files of its report; how it ended is on record.
            return _told(child, _ending(known), paid=paid(caller.journal.events(child)))
        reason = failure.message + (f" ({failure.remedy})" if failure.remedy else "")
        told = Stopped(exit_code=int(failure.exit_code), reason=reason, answers=waited_for(known) if known else {})
        return _told(child, told, is_unfinished=True)


def _run(command: RunRunbook, caller: Caller, request: RunRequest, child: str) -> Stopped:
    """Asked again by the same attempt of the same step (the caller was taken up), the run that was begun is finished,
    not begun anew. What is begun is what the caller's plan covers.
    """
    known = _known(caller.journal, child)
    if known is not None and known.finished is not None:
        return _ending(known)
    if known is not None:
        return caller.go_on(child, request)
    source = request_of(caller.source, command.runbook, command.params, command.limit)
    planned = planning.make(source)  # read first, judged after: what is changed from now on is not run
    refuse_changed(caller.plan.step(command.caller.rpartition(".")[0]), caller.source)
    refuse_other_baseline(caller.plan, planned.plan)
    return caller.begin(planned, request, source)


def _ending(state: RunState) -> Stopped:
    """How a finished run ended, from its record."""
    assert state.finished is not None
    return Stopped(exit_code=state.finished.exit_code, reason=state.finished.summary, answers=doubts(state))


def _known(journal: JournalStore, run_id: str) -> RunState | None:
    """How a run stands; None if there is none."""
    if not any(one.run_id == run_id for one in journal.runs()):
        return None
    return replay(saved_plan(mapping(journal.plan(run_id).get("plan"))), journal.events(run_id))


def paid(events: Iterable[RunEvent]) -> tuple[str, ...]:
    """What a run saw done that was owed, as ``KEY@HOST``, for the run that it is a part of."""
    ends = [one for one in events if isinstance(one, StepRunEnded)]
    keys = (key if one.host == ENGINE_HOST else f"{key}@{one.host}" for one in ends for key in one.pays)
    return tuple(dict.fromkeys(keys))


def _told(run_id: str, stopped: Stopped, *, is_unfinished: bool = False, paid: tuple[str, ...] = ()) -> CommandResult:
    """The run's ending as the value of the command; ``unfinished`` if it has none yet."""
    value: dict[str, JsonValue] = {"run_id": run_id, "status": stopped.reason, "exit_code": stopped.exit_code}
    if paid:
        value["paid"] = list(paid)
    if is_unfinished or stopped.exit_code in UNFINISHED:
        value["unfinished"] = dict(stopped.answers)
    return CommandResult(ok=True, value=value)
