"""For any plan and any trouble: every run ends, its journal replays to its state, and a kill changes nothing."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rehearsal import FakeClock, Person, World, plan, rehearse, step

from engine.conduct.apply import replay
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.plan import Plan
from engine.model.runbook import Requirement, RetrySpec
from engine.model.status import Status

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
