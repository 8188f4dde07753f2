"""For any plan and any trouble: every run ends, its journal replays to its state, and a kill changes nothing."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rehearsal import FakeClock, Person, World, plan, rehearse, step

from engine.conduct.apply import replay
from engine.model import event as ev
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.plan import Plan
from engine.model.runbook import Requirement, RetrySpec, WaitSpec
from engine.model.status import Status
from engine.ports.edges import PersonAnswer

HERE = Origin("x", 1, 1)
PROVEN = Requirement(kind="proven", subject="estate", origin=HERE)
APPROVAL = Requirement(kind="approval", subject="operator", origin=HERE)
HOSTS = (("A",), ("A", "B"), ("B", "A", "C"))
FAULTS = ("error", "lost at look", "lost before", "lost after", "refuse")


@st.composite
def plans(draw: st.DrawFn, actions: tuple[str, ...] = ("look", "prove", "change", "destroy", "ask")) -> Plan:
    steps = []
    count = draw(st.integers(1, 4))
    for index in range(1, count + 1):
        action = draw(st.sampled_from(actions))
        more: dict[str, Any] = {}
        if action in ("change", "destroy"):
            more["requires"] = tuple(draw(st.sets(st.sampled_from((PROVEN, APPROVAL)), max_size=2)))
            more["serial"] = draw(st.sampled_from((None, 1, 2)))
            more["max_failures"] = draw(st.integers(0, 2))
        if action == "change" and draw(st.booleans()):
            more["retry"] = RetrySpec(attempts=2, delay_s=1)
        if action != "ask":
            more["on_failure"] = draw(st.sampled_from(("abort", "abort", "continue", f"s{count}")))
            if more["on_failure"] == f"s{index}":
                more["on_failure"] = "abort"
        if draw(st.booleans()):
            more["when"] = Expression(draw(st.sampled_from(("params.yes", "params.no"))), HERE)
        steps.append(step(index, action, draw(st.sampled_from(HOSTS)), **more))
    return plan(*steps, params={"yes": True, "no": False})


faults = st.dictionaries(
    st.tuples(st.sampled_from(("s1", "s2", "s3")), st.sampled_from("ABC")),
    st.lists(st.sampled_from(FAULTS), min_size=1, max_size=2),
    max_size=3,
)


def people() -> Person:
    return Person(answers=["yes"] * 9, approvals=["approve"] * 99)


def copy(troubles: dict[tuple[str, str], list[str]]) -> dict[tuple[str, str], list[str]]:
    return {key: list(value) for key, value in troubles.items()}


SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(plans(), faults, st.integers(1, 3))
def test_every_run_ends_and_replays_to_its_state(
    the_plan: Plan, troubles: dict[tuple[str, str], list[str]], forks: int
) -> None:
    run = rehearse(the_plan, world=World(faults=copy(troubles)), person=people(), forks=forks)
    assert run.stopped is not None
    again = replay(the_plan, run.events)
    assert {key: one.status for key, one in again.step_runs.items()} == {
        key: one.status for key, one in run.state.step_runs.items()
    }
    bad = {Status.FAILED, Status.UNREACHABLE, Status.BLOCKED, Status.IN_DOUBT}
    final = {step.id for step in the_plan.steps if step.on_failure in ("abort", "continue")}
    if any(one.status in bad for key, one in run.state.step_runs.items() if key.step in final):
        assert run.stopped.exit_code != 0


@SLOW
@given(plans(), faults)
def test_check_mode_applies_nothing(the_plan: Plan, troubles: dict[tuple[str, str], list[str]]) -> None:
    run = rehearse(the_plan, world=World(faults=copy(troubles)), person=people(), check=True)
    assert run.stopped is not None
    assert not run.world.applied


@SLOW
@given(plans(), faults)
def test_a_permanent_step_never_runs_without_its_proof(
    the_plan: Plan, troubles: dict[tuple[str, str], list[str]]
) -> None:
    run = rehearse(the_plan, world=World(faults=copy(troubles)), person=people())
    for one in the_plan.steps:
        if PROVEN not in one.requires:
            continue
        for host in one.hosts:
            if run.world.applied[(one.id, host)]:
                provers = [s for s in the_plan.steps if "proven" in s.yields and s.index < one.index]
                assert any(all(run.state.of(s.id, h).status is Status.OK for h in s.hosts) for s in provers)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.booleans())
def test_a_run_killed_at_any_event_resumes_to_the_same_end_and_does_nothing_twice(
    the_plan: Plan, recorded: bool
) -> None:
    whole = rehearse(the_plan, person=people(), forks=1)
    for kill_after in range(1, len(whole.events)):
        world, clock = World(), FakeClock()
        killed = rehearse(
            the_plan, world=world, clock=clock, person=people(), forks=1, kill_after=kill_after, recorded=recorded
        )
        if killed.stopped is not None:
            continue
        resumed = rehearse(the_plan, world=world, clock=clock, person=people(), forks=1, before=killed.events)
        assert resumed.statuses() == whole.statuses()
        assert all(count == 1 for count in world.applied.values())
        assert world.done == whole.world.done


AGED = Requirement(kind="proven", subject="estate", origin=HERE, max_age_s=50)
NEVER, WHEN_DONE = "result.done and result.missing", "result.done == false"


@st.composite
def gated_plans(draw: st.DrawFn) -> Plan:
    """Provers that may wait, for something that may never come; a pause of any length; changes behind the gate."""
    steps = []
    for index in range(1, draw(st.integers(1, 2)) + 1):
        until = draw(st.sampled_from((None, WHEN_DONE, NEVER)))
        wait = None if until is None else WaitSpec(until=Expression(until, HERE), every_s=5, timeout_s=12)
        steps.append(step(index, "prove", draw(st.sampled_from(HOSTS)), wait=wait, on_failure="continue"))
    steps.append(step(len(steps) + 1, "ask"))
    for _ in range(draw(st.integers(1, 2))):
        action = draw(st.sampled_from(("change", "destroy", "once")))
        gate = draw(st.sampled_from(((AGED,), (AGED, APPROVAL))))
        steps.append(
            step(
                len(steps) + 1,
                action,
                draw(st.sampled_from(HOSTS)),
                requires=gate,
                max_failures=draw(st.integers(0, 2)),
            )
        )
    return plan(*steps)


class Leisurely(Person):
    """Takes ``pause`` seconds for each answer."""

    def __init__(self, clock: FakeClock, pause: float) -> None:
        super().__init__(answers=["yes"] * 9, approvals=["approve"] * 99)
        self.clock, self.pause = clock, pause

    def question(self, asked: ev.QuestionAsked) -> PersonAnswer | None:
        self.clock.at += self.pause
        return super().question(asked)

    def approval(self, asked: ev.ApprovalAsked) -> PersonAnswer | None:
        self.clock.at += self.pause
        return super().approval(asked)


def intends_without_proof(the_plan: Plan, events: list[ev.RunEvent]) -> list[ev.ChangeIntended]:
    """Counted from the record alone: no state of the engine, no gate of it."""
    proven: dict[tuple[str, str], float] = {}
    wrong = []
    for event in events:
        if isinstance(event, (ev.StepRunEnded, ev.ProofsRefreshed)):
            proven.pop((event.step, event.host), None)
            if event.proofs:
                proven[event.step, event.host] = event.at
        if isinstance(event, ev.ChangeIntended) and AGED in the_plan.step(event.step).requires:
            provers = [one for one in the_plan.steps if one.action == "prove"]
            fresh = (all(event.at - proven.get((one.id, host), 0) < 60 for host in one.hosts) for one in provers)
            if not any(fresh):
                wrong.append(event)
    return wrong


def unanswered(events: list[ev.RunEvent]) -> set[tuple[str, str]]:
    """Intents on record without any word about what became of them."""
    left = set()
    for event in events:
        if isinstance(event, ev.ChangeIntended):
            left.add((event.step, event.host))
        elif isinstance(event, (ev.StepRunEnded, ev.ChangeDecided)):
            left.discard((event.step, event.host))
    return left


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    gated_plans(),
    faults,
    st.dictionaries(
        st.tuples(st.sampled_from(("s2", "s3", "s4")), st.sampled_from("ABC")),
        st.lists(st.sampled_from((*FAULTS, "broken look", "bug")), min_size=1, max_size=2),
        max_size=2,
    ),
    st.sampled_from((1.0, 40.0, 100.0)),
    st.integers(1, 25),
    st.booleans(),
)
def test_no_change_without_a_fresh_proof_and_no_intent_without_a_word_whatever_happens(
    the_plan: Plan,
    troubles: dict[tuple[str, str], list[str]],
    later: dict[tuple[str, str], list[str]],
    pause: float,
    kill_after: int,
    recorded: bool,
) -> None:
    world, clock = World(faults=copy(troubles)), FakeClock()
    person = Leisurely(clock, pause)
    run = rehearse(the_plan, world=world, clock=clock, person=person, forks=3, kill_after=kill_after, recorded=recorded)
    if run.stopped is None:
        world.faults = copy(later)
        run = rehearse(the_plan, world=world, clock=clock, person=person, forks=3, before=run.events)
    assert run.stopped is not None
    assert not intends_without_proof(the_plan, run.events)
    assert not unanswered(run.events)
    statuses = {one.status for one in run.state.step_runs.values()}
    assert (run.stopped.exit_code == 8) == (Status.IN_DOUBT in statuses)
    for key, one in run.state.step_runs.items():
        if one.status is Status.CHANGED:
            assert (key.step, key.host) in world.done
