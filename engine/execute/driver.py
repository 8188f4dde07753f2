"""The driver: the one thread that writes a run's state.

It asks the conductor what may start, turns each effect into events (on record before anything is shown), hands work to
the lanes, and folds what comes back. A run that needs a person who is not there is parked: a row, not a process.
"""

import contextlib
import itertools
import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.conduct import effects as fx
from engine.conduct.apply import apply
from engine.conduct.conductor import Conductor
from engine.conduct.ending import ACKNOWLEDGED, approval_ways, doubts, in_doubt
from engine.conduct.namespaces import facts_of
from engine.conduct.state import RunState
from engine.execute import telling
from engine.execute.lanes import Lanes
from engine.execute.listeners import Audience
from engine.execute.masked import Event, masked
from engine.execute.messages import Intent, Interrupts, Message, Report, Result, Stopped
from engine.execute.outcome import Decided, Ended, Exhibit, Unfinished
from engine.execute.perform import StepPerformer
from engine.execute.perform_command import RunChild
from engine.execute.worker import Workplace
from engine.model import event as ev
from engine.model.command import Ask
from engine.model.data import JsonValue
from engine.model.exit_code import ExitCode
from engine.model.inventory import HostView
from engine.model.plan import ENGINE_HOST, Plan, StepRunId
from engine.model.result import EvidenceRef
from engine.model.status import RunStatus, Status
from engine.ports.action import Action
from engine.ports.edges import Clock, EventSink, Forehanded, Person
from engine.ports.journal import EvidenceStore, JournalStore, Lease

APPROVAL_VALID_S = 3600.0
FINEST_TICK_S = 0.05
LONGEST_TICK_S = 1.0
MOST_AT_ONCE = 256


@dataclass(slots=True, kw_only=True)
class Driver:
    """Everything one run needs, handed in. ``mask`` is applied to every event before it goes anywhere;
    ``continue_command`` has a place ``{what}`` for the flag that answers; ``resume_command`` asks nobody.
    """

    conductor: Conductor
    state: RunState
    actions: Mapping[str, Action]
    journal: JournalStore
    lease: Lease
    evidence: EvidenceStore
    lanes: Lanes[Message]
    sinks: Sequence[EventSink]
    person: Person
    clock: Clock
    mask: Callable[[JsonValue], JsonValue]
    mask_bytes: Callable[[bytes], bytes]
    run_child: RunChild
    continue_command: str
    resume_command: str = "runbook resume RUN"
    interrupts: Interrupts = field(default_factory=Interrupts)
    _in_flight: dict[StepRunId, int] = field(default_factory=dict)
    _unfinished: Unfinished | None = None
    _audience: Audience = field(init=False)

    def __post_init__(self) -> None:
        self._audience = Audience(sinks=self.sinks)

    @property
    def deaf(self) -> tuple[str, ...]:
        """Which listeners failed, and how."""
        return tuple(self._audience.deaf.values())

    @property
    def plan(self) -> Plan:
        """The plan being run."""
        return self.conductor.plan

    def begin(self, first: ev.RunStarted | ev.RunResumed) -> Stopped:
        """Put the start (or the taking up) on record and go on until the run is finished, parked or interrupted.

        ``StorageFailed`` ends it at once: what cannot be put on record is not done.
        """
        try:
            self._emit(first)
            self._hear()
            stopped = self._loop()
        except BaseException:
            self.lanes.end(wait=False)
            raise
        self.lanes.end(wait=not self.interrupts.is_second)
        return stopped

    # --- the loop ---------------------------------------------------------------------------------

    def _loop(self) -> Stopped:
        while True:
            stopped = self._interrupted() if self.interrupts.count else self._turn()
            if stopped is not None:
                return stopped

    def _turn(self) -> Stopped | None:
        """Do what may be done now; if that is nothing, ask; if there is nobody to ask, wait."""
        if self._unfinished is not None and not self._in_flight:
            return self._park(self._unfinished.reason, self._unfinished.answers, self._unfinished.exit_code)
        effects = self._new(self.conductor.effects(self.state, self.clock.now()))
        asks = [one for one in effects if isinstance(one, (fx.AskQuestion, fx.AskApproval))]
        acts = [one for one in effects if not isinstance(one, (fx.AskQuestion, fx.AskApproval, fx.SleepUntil))]
        starts = list(itertools.takewhile(lambda one: isinstance(one, fx.Perform), acts))
        if starts:
            self._start_all(starts)
            return None
        for effect in acts:
            if isinstance(effect, fx.Finish):
                return self._finish(effect)
            self._act(effect)
            if isinstance(effect, fx.End):
                return None  # an end may change what the others may do: ask again, as a resumed run would
        if acts:
            return None
        if asks and not self._in_flight:
            self.lanes.close_idle()
            return self._question(asks[0]) if isinstance(asks[0], fx.AskQuestion) else self._approval(asks[0])
        self._wait([one.due_at for one in effects if isinstance(one, fx.SleepUntil)])
        return None

    def _new(self, effects: Sequence[fx.Effect]) -> list[fx.Effect]:
        """Without the refreshes that are in flight; one that several step runs wait for is begun once."""
        fresh = {one.id: one for one in effects if isinstance(one, fx.Refresh) and one.id not in self._in_flight}
        return [one for one in effects if not isinstance(one, fx.Refresh) or one is fresh.get(one.id)]

    def _wait(self, due: Sequence[float]) -> None:
        if not due and not self._in_flight:
            raise AssertionError("nothing is in flight and nothing is due: the conductor has stalled")
        pause = min((at - self.clock.now() for at in due), default=LONGEST_TICK_S)
        self._take(max(min(pause, LONGEST_TICK_S), FINEST_TICK_S))

    def _take(self, timeout_s: float) -> None:
        """Fold what workers tell, if anything comes in time; all that is there goes on record in one commit."""
        try:
            messages = [self.lanes.results.get(timeout=timeout_s)]
        except queue.Empty:
            return
        with contextlib.suppress(queue.Empty):
            while len(messages) < MOST_AT_ONCE:
                messages.append(self.lanes.results.get_nowait())
        intents = [one for one in messages if isinstance(one, Intent)]
        try:
            self._emit(*[self._heard(one) for one in messages])
        except BaseException as refused:  # whatever kept it off the record keeps the changes from being sent
            for intent in intents:
                intent.refused.append(refused)
            raise
        finally:
            for intent in intents:
                intent.acknowledged.set()

    def _heard(self, message: Message) -> ev.RunEvent:
        match message:
            case Intent():
                return telling.intended(message, self._now())
            case Report():
                return telling.progress(message, self._now())
            case Result():
                del self._in_flight[message.id]
                return self._told(message)

    def _told(self, result: Result) -> ev.RunEvent:
        if result.unstored is not None:
            raise result.unstored
        now, refs = self._now(), result.evidence
        if result.refresh:
            seen = result.outcome.result if isinstance(result.outcome, Ended) else {}
            return telling.refreshed(result, refs, now, self.conductor.unmet(self.state, result.id, seen))
        match result.outcome:
            case Ended() as outcome:
                return telling.ended(result, outcome, refs, now)
            case Unfinished() as outcome:
                self._unfinished = outcome
                return ev.Progress(at=now, step=result.id.step, host=result.id.host, text=outcome.reason)
            case Decided() as outcome:
                check = self.state.started is not None and self.state.started.check
                if check:
                    return telling.would_change(result, outcome.change, refs, now)
                return telling.decided(result, outcome, now)

    # --- effects ------------------------------------------------------------------------------------

    def _start_all(self, effects: Sequence[fx.Effect]) -> None:
        """Put all starts on record in one commit, then start."""
        performs = [one for one in effects if isinstance(one, fx.Perform)]
        now = self._now()
        self._emit(
            *[ev.StepRunStarted(at=now, step=one.id.step, host=one.id.host, attempt=one.attempt) for one in performs]
        )
        for one in performs:
            self._start(one)

    def _act(self, effect: fx.Effect) -> None:
        now = self._now()
        match effect:
            case fx.Refresh(id=one):
                look = fx.Perform(id=one, attempt=0, mode=fx.Mode.LOOK, arguments=effect.arguments)
                self._start(look, refresh=True)
            case fx.End(id=one):
                self._emit(telling.ended_early(effect, self.state.step_runs[one].attempt, now))
            case fx.Postpone(id=one):
                self._emit(telling.postponed(effect, self.state.step_runs[one].attempt, now))
            case _:
                raise AssertionError(effect)

    def _finish(self, effect: fx.Finish) -> Stopped:
        self._emit(
            ev.RunFinished(
                at=self._now(), status=effect.status.value, exit_code=effect.exit_code, summary=effect.summary
            )
        )
        self.journal.release(self.lease, keep_hosts=effect.status is RunStatus.IN_DOUBT)
        answers = self._labels(doubts(self.state))
        ways = tuple((self._go_on(one), label) for one, label in answers.items())
        return Stopped(exit_code=effect.exit_code, reason=str(self.mask(effect.summary)), ways=ways, answers=answers)

    def _start(self, effect: fx.Perform, *, refresh: bool = False) -> None:
        run_id = effect.id
        self._in_flight[run_id] = effect.attempt
        performer = self._performer(run_id, effect.attempt, effect.arguments)

        def work() -> Message:
            performer.begin(self.plan.step(run_id.step).timeout_s)
            outcome = performer.perform(effect.mode, effect.approved)
            refs, failure = self._stored(outcome.exhibits)
            return Result(
                id=run_id, attempt=effect.attempt, outcome=outcome, refresh=refresh, evidence=refs, unstored=failure
            )

        self.lanes.start(run_id.host if run_id.host != ENGINE_HOST else str(run_id), work)

    def _performer(self, run_id: StepRunId, attempt: int, arguments: fx.Arguments) -> StepPerformer:
        step = self.plan.step(run_id.step)
        place = Workplace(lanes=self.lanes, interrupts=self.interrupts, clock=self.clock, run_child=self.run_child)
        return place.performer(step, self.actions[step.action], self._view(run_id.host), attempt, arguments)

    def _view(self, host: str) -> HostView:
        return HostView(
            name=host,
            platform=self.plan.host_platforms.get(host, ""),
            groups=self.plan.host_groups.get(host, ()),
            variables=self.plan.host_variables.get(host, {}),
            facts=facts_of(self.plan, self.state, host),
        )

    def _stored(self, exhibits: Sequence[Exhibit]) -> tuple[tuple[EvidenceRef, ...], BaseException | None]:
        """In the worker, so that nobody waits for the disk; a failure is the driver's to raise."""
        try:
            return tuple(self.evidence.put(self.mask_bytes(one.content), one.caption) for one in exhibits), None
        except BaseException as failure:  # noqa: BLE001 - handed over, not swallowed
            return (), failure

    # --- people ---------------------------------------------------------------------------------------

    def _hear(self) -> None:
        """What a person says about an open question is on record before the gates are looked at again: it was asked
        when they stood, and what was done since is done. The steps that follow have gates of their own.
        """
        for asked in self.state.questions.values():
            waits = self.state.of(asked.step, ENGINE_HOST).status is Status.WAITING
            if waits and asked.step not in self.state.answers and isinstance(self.person, Forehanded):
                said = self.person.beforehand(self._shown(asked))
                if said is not None and said.answer != "later":
                    self._emit(ev.QuestionAnswered(at=self._now(), step=asked.step, answer=said.answer, by=said.by))

    def _question(self, effect: fx.AskQuestion) -> Stopped | None:
        action = self.actions[self.plan.step(effect.step).action]
        command = action.observe(effect.arguments, self._view(ENGINE_HOST), ())
        assert isinstance(command, Ask)
        # by key, as the journal keeps them: a number means the same answer before and after a resume
        answers = dict(sorted(command.answers.items()))
        asked = ev.QuestionAsked(
            at=self._now(), step=effect.step, show=command.show, question=command.question, answers=answers
        )
        if effect.step not in self.state.questions:
            self._emit(asked)
        said = self.person.question(self._shown(asked))
        if self.interrupts.count:
            return None  # the loop stops the run; the question stays open
        if said is None or said.answer == "later":
            ways = {f"{effect.step}={key}": label for key, label in (answers or ACKNOWLEDGED).items()}
            return self._park(f"step {effect.step} waits for an answer: {command.question}", ways)
        self._emit(ev.QuestionAnswered(at=self._now(), step=effect.step, answer=said.answer, by=said.by))
        return None

    def _approval(self, effect: fx.AskApproval) -> Stopped | None:
        now, run_id = self._now(), effect.id
        asked = telling.approval_asked(self.plan.step(run_id.step), effect, self.plan.digest, now)
        if self.state.step_runs[run_id].asked is None:
            self._emit(asked)
        said = self.person.approval(self._shown(asked))
        if self.interrupts.count:
            return None
        now = self._now()
        if said is None or said.answer == "later":
            return self._park(f"step {run_id} waits for an approval", approval_ways(self.state, run_id.step))
        if said.answer == "approve":
            self._emit(
                ev.ApprovalGiven(
                    at=now,
                    step=run_id.step,
                    host=run_id.host,
                    by=said.by,
                    plan_digest=self.plan.digest,
                    expires_at=now + APPROVAL_VALID_S,
                )
            )
            return None
        self._emit(ev.ApprovalDenied(at=now, step=run_id.step, host=run_id.host, by=said.by, reason=said.reason))
        why = f"{said.by} denied the approval" + (f": {said.reason}" if said.reason else "")
        self._act(fx.End(id=run_id, status=Status.BLOCKED, why=why))
        return None

    def _park(
        self, reason: str, answers: Mapping[str, str], exit_code: int = int(ExitCode.WAITING_FOR_PERSON)
    ) -> Stopped:
        """On record stands the command for the one way on, or with ANSWER for one of several."""
        reason, answers = str(self.mask(reason)), self._labels(answers)
        ways = tuple((self._go_on(one), label) for one, label in answers.items())
        step, _, first = next(iter(answers), "").partition("=")
        command = self._go_on(f"{step}=ANSWER") if len(ways) > 1 and first != "approve" else ""
        if not command:
            command = ways[0][0] if ways else self.resume_command
        self._emit(ev.RunParked(at=self._now(), reason=reason, command=command))
        self.journal.release(self.lease, keep_hosts=True)
        return Stopped(exit_code=exit_code, reason=reason, ways=ways, answers=answers)

    def _go_on(self, what: str) -> str:
        return self.continue_command.replace("{what}", what)

    # --- interruption -----------------------------------------------------------------------------------

    def _interrupted(self) -> Stopped | None:
        """First: start nothing, wait for what is in flight. Second: stop. Say what may still run where: doubts too."""
        if self._in_flight and not self.interrupts.is_second:
            self._take(FINEST_TICK_S)
            return None
        in_flight = tuple(str(one) for one in sorted({*self._in_flight, *in_doubt(self.state)}))
        self._emit(ev.RunInterrupted(at=self._now(), in_flight=in_flight))
        self.journal.release(self.lease, keep_hosts=bool(in_flight))
        rest = f"; may still run: {', '.join(in_flight)}" if in_flight else "; nothing is in flight"
        return Stopped(exit_code=self.interrupts.exit_code, reason=f"interrupted{rest}")

    # --- events -------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return round(self.clock.now(), 3)

    def _emit(self, *events: ev.RunEvent) -> None:
        """Mask, put on record in one commit, fold, show: in this order, so nothing is shown that is not on record.

        The state keeps the unmasked events: a masked result would change what later conditions read.
        """
        shown = [self._shown(one) for one in events]
        recorded = tuple(one for one in shown if not isinstance(one, ev.TRANSIENT))
        if recorded:
            self.journal.append(self.lease, recorded)
        for event in events:
            self.state = apply(self.state, event)
        for event in shown:
            self._audience.tell(event)

    def _shown(self, event: Event) -> Event:
        return masked(event, self.mask)

    def _labels(self, answers: Mapping[str, str]) -> dict[str, str]:
        return {one: str(self.mask(label)) for one, label in answers.items()}
