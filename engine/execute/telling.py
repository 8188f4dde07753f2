"""Outcomes and effects as events: pure, so that the driver only decides when."""

from collections.abc import Sequence

from engine.conduct import effects as fx
from engine.execute.messages import Intent, Report, Result
from engine.execute.outcome import Decided, Ended, Outcome
from engine.model import event as ev
from engine.model.plan import PlannedStep, StepRunId
from engine.model.result import Change, EvidenceRef, Proof
from engine.model.status import Status

Refs = tuple[EvidenceRef, ...]


def intended(intent: Intent, now: float) -> ev.ChangeIntended:
    """The intent of a worker."""
    return ev.ChangeIntended(
        at=now,
        step=intent.id.step,
        host=intent.id.host,
        attempt=intent.attempt,
        why=intent.change.why,
        before=intent.change.before,
        after=intent.change.after,
        commands=intent.commands,
        owes=intent.change.owes,
    )


def progress(report: Report, now: float) -> ev.Progress:
    """What a worker is doing."""
    return ev.Progress(at=now, step=report.id.step, host=report.id.host, text=report.text, fraction=report.fraction)


def ended_early(effect: fx.End, attempt: int, now: float) -> ev.StepRunEnded:
    """A step run that ends without being performed."""
    return ev.StepRunEnded(
        at=now,
        step=effect.id.step,
        host=effect.id.host,
        attempt=attempt,
        status=effect.status,
        why=effect.why,
        result=effect.result or {},
        remedy=effect.remedy,
        proofs=proofs(effect.id, effect.proofs, now, ()),
        may_retry=False,
        found=effect.found,
    )


def postponed(effect: fx.Postpone, attempt: int, now: float) -> ev.RetryScheduled | ev.WaitScheduled:
    """Another attempt or another look."""
    step, host = effect.id.step, effect.id.host
    if effect.retry:
        return ev.RetryScheduled(at=now, step=step, host=host, attempt=attempt, due_at=effect.due_at, why=effect.why)
    return ev.WaitScheduled(
        at=now,
        step=step,
        host=host,
        attempt=attempt,
        due_at=effect.due_at,
        gives_up_at=effect.gives_up_at,
        why=effect.why,
    )


def ended(result: Result, outcome: Ended, refs: Refs, now: float) -> ev.StepRunEnded:
    """The end of an attempt."""
    return ev.StepRunEnded(
        at=now,
        step=result.id.step,
        host=result.id.host,
        attempt=result.attempt,
        status=outcome.status,
        why=outcome.why,
        result=outcome.result,
        changed=outcome.changed,
        examined=outcome.examined,
        before=outcome.before,
        after=outcome.after,
        undo=outcome.undo,
        remedy=outcome.remedy,
        errors=outcome.errors,
        proofs=proofs(result.id, outcome.proofs, now, refs),
        pays=outcome.pays,
        evidence=refs,
        duration_s=round(outcome.duration_s, 3),
        may_retry=outcome.may_retry,
        found=outcome.found,
    )


def decided(result: Result, outcome: Decided, now: float) -> ev.ChangeDecided:
    """A gated step needs a change."""
    change = outcome.change
    return ev.ChangeDecided(
        at=now,
        step=result.id.step,
        host=result.id.host,
        attempt=result.attempt,
        why=change.why,
        before=change.before,
        after=change.after,
        change=outcome.digest,
    )


def would_change(result: Result, change: Change, refs: Refs, now: float) -> ev.StepRunEnded:
    """Check mode: the decision, and nothing sent. ``changed`` tells later conditions what a run would see."""
    return ev.StepRunEnded(
        at=now,
        step=result.id.step,
        host=result.id.host,
        attempt=result.attempt,
        status=Status.SKIPPED,
        why=f"check mode: would change: {change.why}",
        result=change.result,
        changed=True,
        before=change.before,
        after=change.after,
        evidence=refs,
        duration_s=round(result.outcome.duration_s, 3),
    )


def refreshed(result: Result, refs: Refs, now: float, unmet: str | None) -> ev.ProofsRefreshed:
    """A gate was looked at again. ``unmet``: why what its step waits for is no longer so, else None."""
    kinds = result.outcome.proofs if isinstance(result.outcome, Ended) else ()
    why = _seen_again(result.outcome)
    if kinds and unmet is not None:
        kinds, why = (), unmet
    return ev.ProofsRefreshed(
        at=now, step=result.id.step, host=result.id.host, proofs=proofs(result.id, kinds, now, refs), why=why
    )


def _seen_again(outcome: Outcome) -> str:
    """What a person has to know of it: what is no longer so, and what can be done about it."""
    match outcome:
        case Ended(remedy=None):
            return outcome.why
        case Ended():
            return f"{outcome.why} ({outcome.remedy})"
        case Decided():
            return outcome.change.why
        case _:
            return outcome.reason


def approval_asked(step: PlannedStep, effect: fx.AskApproval, plan_digest: str, now: float) -> ev.ApprovalAsked:
    """What a person is shown before saying yes."""
    return ev.ApprovalAsked(
        at=now,
        step=step.id,
        host=effect.id.host,
        name=step.name,
        why=step.why or effect.why,
        effect=step.effect.value,
        disruptive=step.disruptive,
        exits_before=step.exits.before,
        exits_after=step.exits.after,
        proofs=effect.proofs,
        plan_digest=plan_digest,
        before=effect.before,
        after=effect.after,
    )


def proofs(run_id: StepRunId, kinds: Sequence[str], now: float, refs: Refs) -> tuple[Proof, ...]:
    """Kinds of proof, or ``kind(subject)``, as proofs of this step run."""
    evidence = refs[0].digest if refs else None
    return tuple(
        Proof(
            kind=kind.partition("(")[0],
            subject=kind.partition("(")[2].removesuffix(")") or run_id.host,
            observed_at=now,
            step=run_id.step,
            host=run_id.host,
            evidence=evidence,
        )
        for kind in kinds
    )
