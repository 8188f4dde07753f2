"""``build_report``: the plan and the journal of a run folded into what people want to know; nothing else goes in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from engine.model.errors import JournalDamaged
from engine.model.event import RunEvent
from engine.model.plan import ENGINE_HOST, Plan, PlannedStep, StepRunId
from engine.model.report import Report, ReportChange, ReportExits, ReportProof, ReportStepRun
from engine.model.status import RunStatus, Status
from engine.reporting.fold import Notes, StepRunNotes, read
from engine.reporting.lines import expected_failures, leads_words
from engine.reporting.words import FORESEEN, counted, duration, listed, status_word

_NOT_DONE = frozenset({Status.PENDING, Status.READY, Status.SKIPPED, Status.CANCELLED, Status.BLOCKED})
_ALARMING = (Status.IN_DOUBT, Status.BLOCKED, Status.FAILED, Status.UNREACHABLE)
_SHOWN = 3


def build_report(plan: Plan, events: Iterable[RunEvent]) -> Report:
    """The report of the run so far; ``JournalDamaged`` if the events do not begin with a run's start."""
    notes = read(plan, events)
    started = notes.started
    if started is None:
        raise JournalDamaged(
            "the journal holds no start of the run, so nothing can be told of it",
            remedy="`runbook runs` lists the runs; a run that was ended before its start did nothing",
        )
    step_runs = tuple(_step_runs(plan, notes))
    doubts = tuple(_with_way(one, notes, started.run_id) for one in step_runs if _is_doubtful(plan, one, notes))
    changes = tuple(sorted(_changes(plan, notes), key=lambda one: one.at))
    planned = tuple(_would_change(plan, notes)) if started.check else ()
    finished, parked = notes.finished, notes.parked
    return Report(
        run_id=started.run_id,
        runbook=started.runbook,
        version=started.version,
        title=started.title,
        head=_head(notes, step_runs, changes, doubts, planned),
        status=notes.status,
        summary=finished.summary if finished else parked.reason if parked else "",
        check=started.check,
        plan_digest=started.plan_digest,
        runbook_digest=plan.runbook_digest,
        engine_version=started.engine_version,
        hosts=started.hosts,
        started_at=started.at,
        read_at=notes.read_at,
        taken_up=tuple(notes.taken_up),
        step_runs=step_runs,
        exit_code=finished.exit_code if finished else None,
        ended_at=finished.at if finished else None,
        next_command=parked.command if parked and notes.status == RunStatus.PARKED.value else None,
        in_flight=notes.interrupted.in_flight if notes.interrupted else (),
        changes=changes,
        would_change=planned,
        doubts=doubts,
        not_done=tuple(one for one in step_runs if one.status in _NOT_DONE),
        proofs=tuple(ReportProof(proof=one, age_s=notes.read_at - one.observed_at) for one in notes.proofs.values()),
        exits=tuple(_exits(plan, started.at, changes)),
        decisions=tuple(notes.decisions),
        evidence=tuple(notes.evidence.values()),
        recap=_recap(step_runs),
    )


def _step_runs(plan: Plan, notes: Notes) -> Iterator[ReportStepRun]:
    expected = expected_failures(plan)
    for number, step in enumerate(plan.steps, start=1):
        for host in step.hosts:
            one = notes.step_runs[StepRunId(step.id, host)]
            yield replace(_step_run(number, step, host, one), leads=_leads(expected.get(step.id), one))


def _leads(target: str | None, one: StepRunNotes) -> str | None:
    failed = one.status in (Status.FAILED, Status.UNREACHABLE)
    if target is None or not failed or (target == "" and not (one.ended and one.ended.found)):
        return None
    return leads_words(target)


def _step_run(number: int, step: PlannedStep, host: str, one: StepRunNotes) -> ReportStepRun:
    ended = one.ended if one.ended and one.ended_at is not None else None
    why = one.why
    if one.intended is not None and one.status is Status.RUNNING:
        why = "the change was intended and no outcome is on record"
    return ReportStepRun(
        number=number,
        step=step.id,
        name=step.name,
        action=step.action,
        host=host,
        effect=step.effect.value,
        disruptive=step.disruptive,
        status=one.status,
        why=why,
        remedy=ended.remedy if ended else None,
        attempts=one.attempts,
        started_at=one.started_at,
        ended_at=one.ended_at,
        duration_s=_took(one, ended.duration_s if ended else 0.0),
        examined=ended.examined if ended else None,
        errors=ended.errors if ended else (),
        spans=tuple(one.spans),
    )


def _took(one: StepRunNotes, measured: float) -> float:
    """From the first start to the last end, as the time line shows it; never less than what was measured."""
    if one.started_at is None or one.ended_at is None:
        return measured
    return max(one.ended_at - one.started_at, measured)


def _is_doubtful(plan: Plan, one: ReportStepRun, notes: Notes) -> bool:
    """What another runbook did is told by its own report: while that one waits, nothing here is in doubt."""
    noted = notes.step_runs[StepRunId(one.step, one.host)]
    return one.status is Status.IN_DOUBT or (
        one.status is Status.RUNNING and noted.intended is not None and plan.step(one.step).action != "runbook"
    )


def _with_way(one: ReportStepRun, notes: Notes, run_id: str) -> ReportStepRun:
    """With the command that settles it, for whoever has the report and not the screen: also in a nested run it is the
    outermost that takes the word. A run that was given up takes none.
    """
    open_end = notes.finished is None or notes.finished.status == RunStatus.IN_DOUBT.value
    if one.status is not Status.IN_DOUBT or not open_end:
        return one
    settle = f"runbook answer {run_id.partition('.')[0]} {StepRunId(one.step, one.host)}"
    way = f"look at the host, then: {settle}=changed, or =failed if it was not done"
    known = one.remedy if one.remedy and "runbook answer RUN" not in one.remedy else None
    return replace(one, remedy=f"{known.rstrip('.')}; {way}" if known else way)


def _changes(plan: Plan, notes: Notes) -> Iterator[ReportChange]:
    """Every step run that changed something, or may have: an intent without an outcome counts."""
    for step in plan.steps:
        for host in step.hosts:
            one = notes.step_runs[StepRunId(step.id, host)]
            if step.action == "runbook" and one.status is Status.RUNNING:
                continue
            if one.last_intended is not None or one.touched or one.status is Status.CHANGED:
                change = _change(step, host, one)
                if change is not None:
                    yield change


def _change(step: PlannedStep, host: str, one: StepRunNotes) -> ReportChange | None:
    ended, intended = one.ended, one.last_intended
    # a look afterwards, or a person, may have found that an intended change was never made
    known_unchanged = one.intended is None and one.status in (Status.OK, Status.SKIPPED, Status.FAILED)
    if known_unchanged and not one.touched:
        return None
    has_values = ended is not None and (ended.before is not None or ended.after is not None)
    source = ended if has_values and ended is not None else intended
    return ReportChange(
        step=step.id,
        name=step.name,
        host=host,
        at=one.ended_at or (intended.at if intended else 0.0),
        why=source.why if source else one.why,
        before=source.before if source else None,
        after=source.after if source else None,
        undo=ended.undo if ended else None,
        certain=one.status in (Status.CHANGED, Status.OK),
        effect=step.effect.value,
        commands=intended.commands if intended else (),
    )


def _would_change(plan: Plan, notes: Notes) -> Iterator[ReportChange]:
    for step in plan.steps:
        for host in step.hosts:
            ended = notes.step_runs[StepRunId(step.id, host)].ended
            if ended is not None and ended.changed and ended.status is Status.SKIPPED:
                yield ReportChange(
                    step=step.id,
                    name=step.name,
                    host=host,
                    at=ended.at,
                    why=ended.why,
                    before=ended.before,
                    after=ended.after,
                    undo=ended.undo,
                    certain=True,
                    effect=step.effect.value,
                )


def _exits(plan: Plan, started_at: float, changes: tuple[ReportChange, ...]) -> Iterator[ReportExits]:
    """At the start, and after each change that took a way out; what is lost does not come back."""
    if not plan.steps:
        return
    left = plan.steps[0].exits.before
    yield ReportExits(at=started_at, step=None, exits=left)
    after = {step.id: step.exits.after for step in plan.steps}
    for change in changes:
        lost = tuple(one for one in left if one not in after[change.step])
        if lost:
            left = tuple(one for one in left if one not in lost)
            yield ReportExits(at=change.at, step=change.step, exits=left, lost=lost)


def _recap(step_runs: tuple[ReportStepRun, ...]) -> Mapping[str, Mapping[str, int]]:
    """Per host, how many step runs ended how."""
    hosts: dict[str, Counter[str]] = {}
    for one in step_runs:
        if one.host != ENGINE_HOST:
            word = one.status.value if one.leads is None else f"{one.status.value} {FORESEEN}"
            hosts.setdefault(one.host, Counter())[word] += 1
    return {host: dict(counts) for host, counts in hosts.items()}


# --- the first sentence -----------------------------------------------------------------------------


def _head(
    notes: Notes,
    step_runs: tuple[ReportStepRun, ...],
    changes: tuple[ReportChange, ...],
    doubts: tuple[ReportStepRun, ...],
    planned: tuple[ReportChange, ...],
) -> str:
    """What is true now, what was changed, what is in doubt; each a sentence."""
    sentences = [_state(notes, step_runs)]
    if notes.started and notes.started.check:
        many = counted(len(planned), "step run")
        sentences.append(f"Check mode: nothing was changed; a run would change something in {many}.")
    elif not changes:
        sentences.append("Nothing was changed.")
    else:
        hosts = listed(sorted({one.host for one in changes if one.host != ENGINE_HOST}))
        unsure = sum(not one.certain for one in changes)
        doubt = f", {unsure} of them not certain" if unsure else ""
        sentences.append(f"{counted(len(changes), 'change')}{f' on {hosts}' if hosts else ''}{doubt}.")
    if doubts:
        sentences.append(f"In doubt: {_names(doubts)}; a person has to look.")
    return " ".join(sentences)


def _state(notes: Notes, step_runs: tuple[ReportStepRun, ...]) -> str:
    started, finished = notes.started, notes.finished
    assert started is not None
    took = duration(notes.read_at - started.at)
    match notes.status:
        case RunStatus.DONE:
            return f"The run ended well after {took}."
        case RunStatus.PARKED:
            reason = notes.parked.reason if notes.parked else ""
            return f"The run waits for a person: {reason}" + ("" if reason.endswith(("?", ".")) else ".")
        case RunStatus.INTERRUPTED:
            return f"The run was interrupted after {took}."
        case RunStatus.RUNNING:
            return "The run has not ended: it is at work, or its process was ended."
    bad = [one for one in step_runs if one.status in _ALARMING and one.leads is None]
    words = {RunStatus.FAILED.value: "failed", RunStatus.REFUSED.value: "was refused at a gate"}
    word = words.get(notes.status, f"ended {notes.status}")
    at = f" at {_names(bad)}" if bad else f": {finished.summary}" if finished else ""
    reason = f": {bad[0].why}" if len(bad) == 1 and bad[0].why else ""
    return f"The run {word}{at}{reason}".rstrip(".") + "."


def _names(step_runs: Iterable[ReportStepRun]) -> str:
    names = [
        f"{one.name}{'' if one.host == ENGINE_HOST else f' on {one.host}'} ({status_word(one.status)})"
        for one in step_runs
    ]
    return listed(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
