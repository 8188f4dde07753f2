"""What may start now: ``effects(plan, state, now)`` is the whole scheduler, a pure function.

Steps run in order; a step starts when every step run before it has ended for good. Within a step, hosts run side by
side, in batches of ``serial``, at most ``forks`` at once. The driver turns each effect into events before it acts, so
none is given twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.conduct import gates, policy
from engine.conduct.effects import (
    UNKNOWN_IN_CHECK,
    Arguments,
    AskApproval,
    AskQuestion,
    Effect,
    End,
    Mode,
    Perform,
    Postpone,
    Refresh,
    SleepUntil,
)
from engine.conduct.ending import finish
from engine.conduct.namespaces import has_template, holds_stars, namespaces
from engine.conduct.questions import answered
from engine.conduct.state import RunState, StepRunState
from engine.language.evaluate import evaluate_condition
from engine.language.failure import ExpressionFailed
from engine.language.template import render
from engine.model.data import JsonMap
from engine.model.plan import ENGINE_HOST, Plan, PlannedStep, StepRunId
from engine.model.result import Proof
from engine.model.runbook import CONTINUE, leads_to
from engine.model.secret import Secret
from engine.model.status import GOOD, Rerun, Status
from engine.model.status import Effect as StepEffect


@dataclass(frozen=True, slots=True, kw_only=True)
class Conductor:
    """The rules of one run. ``secret_params`` are opened inputs, handed to arguments and to nothing else."""

    plan: Plan
    forks: int = 10
    secret_params: Mapping[str, Secret] = field(default_factory=dict)

    def effects(self, state: RunState, now: float) -> tuple[Effect, ...]:
        """Everything that may start at ``now``; empty while only work in flight can bring news."""
        if state.finished is not None or state.started is None:
            return ()
        for index, step in enumerate(self.plan.steps):
            states = [state.of(step.id, host) for host in step.hosts]
            if not self._is_settled(state, step, states):
                return tuple(self._step_effects(state, step, states, now))
            if any(one.status is Status.IN_DOUBT for one in states):
                break  # nothing is cancelled: once a person has settled the doubt, the run goes on from here
            if policy.is_over_budget(step, states) and step.on_failure != CONTINUE:
                skipped = tuple(self._after_failure(state, index))
                if skipped:
                    return skipped
                aborted = leads_to(step.on_failure) is None
                if aborted and not any(one.always for one in self.plan.steps[index + 1 :]):
                    break
        return (finish(self.plan, state),)

    def _is_settled(self, state: RunState, step: PlannedStep, states: Sequence[StepRunState]) -> bool:
        """Ended for good on every host. Asked of all earlier steps each time, so the cheap answer comes first.

        A doubt that may have used up the budget leaves the hosts that wait for their turn as they are: only once a
        person has settled it is it known whether they are to be done or to be cancelled.
        """
        if not all(one.is_terminal for one in states):
            if not policy.is_stopped_by_doubt(step, states):
                return False
            if not all(one.is_terminal or one.status is Status.PENDING for one in states):
                return False
        may_be_put_off = step.wait is not None or step.retry is not None
        return not may_be_put_off or all(self._postponement(state, step, host) is None for host in step.hosts)

    # --- after a step failed ------------------------------------------------------------------

    def _after_failure(self, state: RunState, index: int) -> Iterator[End]:
        """Abort cancels all later step runs, forward skips those between; what always runs is left."""
        step = self.plan.steps[index]
        later = self.plan.steps[index + 1 :]
        target = leads_to(step.on_failure)
        if target is None:
            status, why = Status.CANCELLED, f"step {step.id} failed"
        else:
            later = tuple(_until(later, target))
            status, why = Status.SKIPPED, f"step {step.id} failed, which leads to {target}"
        for one in (each for each in later if not each.always):
            for host in one.hosts:
                if state.of(one.id, host).status is Status.PENDING:
                    yield End(id=StepRunId(one.id, host), status=status, why=why)

    # --- the current step ----------------------------------------------------------------------

    def _step_effects(
        self, state: RunState, step: PlannedStep, states: Sequence[StepRunState], now: float
    ) -> Iterator[Effect]:
        # What is tried again has not failed for good, so it is put off before anything is counted.
        put_off = [one for host in step.hosts if (one := self._postponement(state, step, host)) is not None]
        if put_off:
            yield from put_off
            return
        stopped = policy.is_stopped_by_doubt(step, states)
        if policy.is_over_budget(step, states) and not stopped:
            untouched = [h for h, one in zip(step.hosts, states, strict=True) if one.status is Status.PENDING]
            if untouched:
                why = f"{policy.failures(step, states)} failed, {step.max_failures} allowed"
                yield from (End(id=StepRunId(step.id, host), status=Status.CANCELLED, why=why) for host in untouched)
                return
        free = self.forks - sum(one.status is Status.RUNNING for one in states)
        sleeps: list[float] = []
        for index in policy.batch(step, states) or range(len(states)):
            if stopped and states[index].status is Status.PENDING:
                continue
            for effect in self._go_on(state, step, step.hosts[index], now):
                if isinstance(effect, SleepUntil):
                    sleeps.append(effect.due_at)
                    continue
                if isinstance(effect, Perform):
                    free -= 1
                    if free < 0:
                        continue
                yield effect
        if sleeps:
            yield SleepUntil(due_at=min(sleeps))

    def _go_on(self, state: RunState, step: PlannedStep, host: str, now: float) -> Iterator[Effect]:
        """The step run's next effect; an argument that can no longer be had ends it, in doubt if a change was begun."""
        try:
            yield from self._run_effects(state, step, host, now)
        except ExpressionFailed as failed:
            run_id = StepRunId(step.id, host)
            if state.of(step.id, host).intended is None:
                yield self._unknown(state, run_id, failed)
                return
            why = f"a change was begun before the run was taken up, and cannot be looked at now: {failed}"
            yield End(id=run_id, status=Status.IN_DOUBT, why=why, remedy=_look_and_tell(run_id))

    def _run_effects(self, state: RunState, step: PlannedStep, host: str, now: float) -> Iterator[Effect]:
        one = state.of(step.id, host)
        run_id = StepRunId(step.id, host)
        if one.is_terminal or one.status is Status.RUNNING:
            return
        elif one.is_postponed:
            due = policy.due_at(step, one, now)
            yield self._start(state, step, host, one, now) if now >= due else SleepUntil(due_at=due)
        elif one.status is Status.PENDING:
            yield self._not_wanted(state, step, host) or self._start(state, step, host, one, now)
        elif step.runs_on == "operator":
            yield self._question(state, step, run_id, now)
        elif one.status is Status.READY:
            yield self._take_up(state, step, host, one, now)
        elif one.decided is not None:
            yield from self._gate(state, step, host, one, now)

    def _not_wanted(self, state: RunState, step: PlannedStep, host: str) -> End | None:
        """Excluded hosts and false conditions end a step run before it starts."""
        run_id = StepRunId(step.id, host)
        out = policy.excluded_by(state, tuple(_until(self.plan.steps, step.id)), host)
        if out is not None and not step.always:
            return End(id=run_id, status=Status.CANCELLED, why=f"{host} failed step {out.id}")
        if step.when is None:
            return None
        try:
            wanted = evaluate_condition(step.when, namespaces(self.plan, state, host, self.secret_params, step.id))
        except ExpressionFailed as failed:
            return self._unknown(state, run_id, failed)
        return None if wanted else End(id=run_id, status=Status.SKIPPED, why=f"not wanted: {step.when.text}")

    def _unknown(self, state: RunState, run_id: StepRunId, failed: ExpressionFailed) -> End:
        """In check mode a value may be unknown because nothing was done; in a run that is a failure."""
        if state.started is not None and state.started.check:
            return End(id=run_id, status=Status.SKIPPED, why=f"{UNKNOWN_IN_CHECK}: {failed}")
        return End(id=run_id, status=Status.FAILED, why=str(failed), remedy=failed.remedy)

    def _start(self, state: RunState, step: PlannedStep, host: str, one: StepRunState, now: float) -> Effect:
        run_id = StepRunId(step.id, host)
        try:
            arguments = self.arguments(state, step, host)
        except ExpressionFailed as failed:
            return self._unknown(state, run_id, failed)
        if step.runs_on == "operator":
            return self._question(state, step, run_id, now, arguments)
        if step.effect is StepEffect.OBSERVE:
            blocked = self._blocked(state, step, now, run_id)
            if blocked is not None:
                return blocked
        return Perform(id=run_id, attempt=one.attempt + 1, mode=self._mode(state, step), arguments=arguments)

    def _mode(self, state: RunState, step: PlannedStep) -> Mode:
        """Gated steps look first, so that a person is only asked about a change that is needed."""
        if step.effect is StepEffect.OBSERVE:
            return Mode.APPLY
        check = state.started is not None and state.started.check
        return Mode.LOOK if check or step.requires else Mode.APPLY

    def arguments(self, state: RunState, step: PlannedStep, host: str) -> Arguments:
        """The step's arguments for one host, rendered. What an earlier process read is on record with stars in the
        place of secrets: such a text is shown to people, and acted on by nobody.
        """
        written = step.arguments_for(host)
        read = [name for name, value in written.items() if has_template(value)]
        known = namespaces(self.plan, state, host, self.secret_params, step.id) if read else {}
        rendered = {name: render(value, known) for name, value in written.items()}
        hidden = [name for name in read if holds_stars(rendered[name])]
        if hidden and state.epoch > 1 and step.runs_on != "operator":
            raise ExpressionFailed(
                f'"{hidden[0]}" was read before the run was taken up, and has stars there for a secret',
                remedy="run the runbook again from the start: what is done is found done",
            )
        return rendered

    def _take_up(self, state: RunState, step: PlannedStep, host: str, one: StepRunState, now: float) -> Effect:
        """Another process left this one running. With an intent on record, only a fresh look may decide."""
        if one.intended is None:
            begun = max(one.attempt - 1, 0)
            start = self._start(state, step, host, one, now)
            return (
                Perform(id=start.id, attempt=begun + 1, mode=start.mode, arguments=start.arguments)
                if isinstance(start, Perform)
                else start
            )
        run_id = StepRunId(step.id, host)
        if step.rerun is Rerun.NEVER:
            why = "the run ended between sending the change and reading its answer; a person must look"
            return End(id=run_id, status=Status.IN_DOUBT, why=why, remedy=_look_and_tell(run_id))
        return Perform(id=run_id, attempt=one.attempt, mode=Mode.PROBE, arguments=self.arguments(state, step, host))

    # --- gates ----------------------------------------------------------------------------------

    def _blocked(self, state: RunState, step: PlannedStep, now: float, run_id: StepRunId) -> Effect | None:
        """None if every proof stands; else a refresh of what is stale, or the end of the step run."""
        for requirement in step.requires:
            if requirement.kind == gates.APPROVAL:
                continue
            match gates.check(self.plan, state, requirement, now, run_id.host):
                case gates.Missing(why=why):
                    return End(id=run_id, status=Status.BLOCKED, why=why)
                case gates.Stale(refresh=refresh):
                    again = refresh[0]
                    arguments = self.arguments(state, self.plan.step(again.step), again.host)
                    return Refresh(id=again, arguments=arguments)
                case gates.Held():
                    pass
        return None

    def _proofs(self, state: RunState, step: PlannedStep, now: float, host: str) -> tuple[Proof, ...]:
        held = (gates.check(self.plan, state, one, now, host) for one in step.requires if one.kind != gates.APPROVAL)
        return tuple(proof for gate in held if isinstance(gate, gates.Held) for proof in gate.proofs)

    def _gate(self, state: RunState, step: PlannedStep, host: str, one: StepRunState, now: float) -> Iterator[Effect]:
        """A change was decided and waits for its proofs and its approval."""
        assert one.decided is not None
        run_id = StepRunId(step.id, host)
        blocked = self._blocked(state, step, now, run_id)
        if blocked is not None:
            yield blocked
            return
        if gates.needs_approval(step) and not gates.is_approved(one.approval, now):
            decided = one.decided
            yield AskApproval(
                id=run_id,
                why=decided.why,
                before=decided.before,
                after=decided.after,
                proofs=self._proofs(state, step, now, host),
            )
            return
        arguments = self.arguments(state, step, host)
        yield Perform(id=run_id, attempt=one.attempt, mode=Mode.APPLY, arguments=arguments, approved=one.decided.change)

    # --- operator steps, retries, waits -----------------------------------------------------------

    def _question(
        self, state: RunState, step: PlannedStep, run_id: StepRunId, now: float, arguments: Arguments | None = None
    ) -> Effect:
        """A person's deed has the same gates as the engine's: nobody is asked to do what is not proven to be right."""
        if step.id in state.answers:
            return answered(step, run_id, state.answers[step.id])
        if state.started is not None and state.started.check:
            return End(id=run_id, status=Status.SKIPPED, why=f"{UNKNOWN_IN_CHECK}: the operator is not asked")
        blocked = self._blocked(state, step, now, run_id)
        if blocked is not None:
            return blocked
        known = self.arguments(state, step, ENGINE_HOST) if arguments is None else arguments
        return AskQuestion(step=step.id, arguments=known)

    def _postponement(self, state: RunState, step: PlannedStep, host: str) -> Postpone | End | None:
        """Another attempt or another look that is owed, and not yet scheduled."""
        one = state.of(step.id, host)
        if one.ended is None or not one.is_terminal:
            return None
        if step.wait is not None:
            return self._wait(state, step, host, one)
        due = policy.retry_due(step, one)
        if due is None:
            return None
        return Postpone(id=StepRunId(step.id, host), due_at=due, why=one.ended.why, retry=True)

    def _wait(self, state: RunState, step: PlannedStep, host: str, one: StepRunState) -> Postpone | End | None:
        assert step.wait is not None
        assert one.ended is not None
        if one.status not in (*GOOD, Status.FAILED, Status.UNREACHABLE) or one.status is Status.SKIPPED:
            return None
        why = self._not_yet(state, step, host, one)
        if why is None or not one.ended.may_retry:
            return None
        if state.started is not None and state.started.check:
            why = f"{UNKNOWN_IN_CHECK}: a run would wait for it: {why}"
            return End(id=StepRunId(step.id, host), status=Status.SKIPPED, why=why)
        gives_up_at = (one.first_started_at or one.ended.at) + step.wait.timeout_s
        due = one.ended.at + step.wait.every_s
        run_id = StepRunId(step.id, host)
        if due <= gives_up_at:
            return Postpone(id=run_id, due_at=due, why=why, retry=False, gives_up_at=gives_up_at)
        if one.status not in GOOD:
            return None
        return End(id=run_id, status=Status.FAILED, why=f"gave up after {step.wait.timeout_s:g} s: {why}", found=True)

    def _not_yet(self, state: RunState, step: PlannedStep, host: str, one: StepRunState) -> str | None:
        """Why the wait is not over, or None."""
        assert one.ended is not None
        if one.status not in GOOD:
            return one.ended.why
        return self.unmet(state, StepRunId(step.id, host), one.ended.result)

    def unmet(self, state: RunState, run_id: StepRunId, result: JsonMap) -> str | None:
        """Why ``result`` is not yet what its step waits for; None if it is, or if the step waits for nothing."""
        step = self.plan.step(run_id.step)
        if step.wait is None:
            return None
        known = {**namespaces(self.plan, state, run_id.host, self.secret_params, step.id), "result": result}
        try:
            return None if evaluate_condition(step.wait.until, known) else f"not yet: {step.wait.until.text}"
        except ExpressionFailed as failed:
            return str(failed)


def _look_and_tell(run_id: StepRunId) -> str:
    return f"look at the host, then: runbook answer RUN {run_id}=changed, or =failed if it was not done"


def _until(steps: Sequence[PlannedStep], step_id: str) -> Iterator[PlannedStep]:
    for step in steps:
        if step.id == step_id:
            return
        yield step
