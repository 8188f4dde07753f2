"""Events in, state out: the only place where a run's state is made. Replay is this fold over the journal."""

from collections.abc import Iterable
from dataclasses import replace

from engine.conduct.state import RunState, StepRunState, initial
from engine.conduct.transitions import Signal, after_end, after_signal
from engine.model import event as ev
from engine.model.plan import ENGINE_HOST, Plan, StepRunId
from engine.model.result import Owed, Proof
from engine.model.status import Status


def replay(plan: Plan, events: Iterable[ev.RunEvent]) -> RunState:
    """Fold a journal."""
    state = initial(plan)
    for event in events:
        state = apply(state, event)
    return state


def apply(state: RunState, event: ev.RunEvent) -> RunState:
    """The state after one event."""
    match event:
        case ev.RunStarted():
            return replace(state, started=event, epoch=1)
        case ev.RunResumed():
            return _taken_up(state, event)
        case ev.RunFinished():
            return replace(state, finished=event)
        case ev.QuestionAsked():
            asked = replace(state, questions={**state.questions, event.step: event})
            return _update(asked, event.step, ENGINE_HOST, _signalled(state, event.step, ENGINE_HOST, Signal.ASKED))
        case ev.QuestionAnswered():
            return replace(state, answers={**state.answers, event.step: event.answer})
        case ev.ProofsRefreshed():
            return _refreshed(state, event)
        case (
            ev.StepRunStarted()
            | ev.ChangeDecided()
            | ev.ApprovalAsked()
            | ev.ApprovalGiven()
            | ev.ChangeIntended()
            | ev.StepRunEnded()
            | ev.RetryScheduled()
            | ev.WaitScheduled()
            | ev.DoubtSettled()
        ):
            return _step_run_event(state, event)
        case ev.ApprovalDenied() | ev.RunParked() | ev.RunInterrupted() | ev.Progress():
            return state


def _signalled(state: RunState, step: str, host: str, signal: Signal) -> StepRunState:
    one = state.of(step, host)
    return replace(one, status=after_signal(one.status, signal))


def _update(state: RunState, step: str, host: str, one: StepRunState) -> RunState:
    return replace(state, step_runs={**state.step_runs, StepRunId(step, host): one})


def _step_run_event(
    state: RunState,
    event: ev.StepRunStarted
    | ev.ChangeDecided
    | ev.ApprovalAsked
    | ev.ApprovalGiven
    | ev.ChangeIntended
    | ev.StepRunEnded
    | ev.RetryScheduled
    | ev.WaitScheduled
    | ev.DoubtSettled,
) -> RunState:
    one = state.of(event.step, event.host)
    match event:
        case ev.StepRunStarted():
            one = replace(
                _signalled(state, event.step, event.host, Signal.STARTED),
                attempt=event.attempt,
                first_started_at=event.at if one.first_started_at is None else one.first_started_at,
                due_at=None,
                taken_up=False,
            )
        case ev.ChangeDecided():
            same = one.decided is not None and one.decided.change == event.change
            one = replace(
                _signalled(state, event.step, event.host, Signal.ASKED),
                decided=event,
                intended=None,
                asked=one.asked if same else None,
                approval=one.approval if same else None,
            )
        case ev.ApprovalAsked():
            one = replace(one, asked=event)
        case ev.ApprovalGiven():
            one = replace(one, approval=event)
        case ev.ChangeIntended():
            one = replace(one, intended=event)
            known = {(host, each.key) for host, each in state.owed}
            more = tuple((event.host, each) for each in event.owes if (event.host, each.key) not in known)
            state = replace(state, owed=state.owed + more)
        case ev.StepRunEnded():
            one = replace(one, status=after_end(one.status, event.status), ended=event, intended=None, due_at=None)
            left = tuple(each for each in state.owed if not _paid(event, *each))
            state = replace(state, proofs=_without_proofs_of(state, event) + event.proofs, owed=left)
        case ev.RetryScheduled():
            one = replace(
                _signalled(state, event.step, event.host, Signal.POSTPONED),
                due_at=event.due_at,
                decided=None,
                approval=None,
            )
        case ev.WaitScheduled():
            one = replace(
                _signalled(state, event.step, event.host, Signal.POSTPONED),
                due_at=event.due_at,
                gives_up_at=event.gives_up_at,
            )
        case ev.DoubtSettled():
            ended = one.ended and replace(
                one.ended,
                status=event.status,
                changed=event.status is Status.CHANGED,
                why=f"{event.by}: {event.reason}",
            )
            one = replace(one, status=after_end(one.status, event.status), ended=ended, settled=True)
    return _update(state, event.step, event.host, one)


def _paid(event: ev.StepRunEnded, host: str, owed: Owed) -> bool:
    """A look pays on its own host; a nested run says on which."""
    key = f"{owed.key}@{host}" if event.host == ENGINE_HOST else owed.key
    return event.host in (host, ENGINE_HOST) and key in event.pays


def _without_proofs_of(state: RunState, event: ev.StepRunEnded | ev.ProofsRefreshed) -> tuple[Proof, ...]:
    """What the same step run had proven goes: its newest look counts, and one that failed proves nothing."""
    return tuple(one for one in state.proofs if (one.step, one.host) != (event.step, event.host))


def _refreshed(state: RunState, event: ev.ProofsRefreshed) -> RunState:
    """A refresh replaces what the same step run had proven; one that fails takes the old proof away."""
    refused = dict(state.refused_refreshes)
    refused.pop(event.step, None)
    if not event.proofs:
        refused[event.step] = event.why if event.host == ENGINE_HOST else f"{event.host}: {event.why}"
    return replace(state, proofs=_without_proofs_of(state, event) + event.proofs, refused_refreshes=refused)


def _taken_up(state: RunState, event: ev.RunResumed) -> RunState:
    """Another process took over: what ran without an intent starts again, what was intended must be looked at."""
    step_runs = {
        key: replace(one, status=after_signal(one.status, Signal.TAKEN_UP), taken_up=True)
        if one.status is Status.RUNNING
        else one
        for key, one in state.step_runs.items()
    }
    return replace(state, step_runs=step_runs, epoch=event.epoch, finished=None)
