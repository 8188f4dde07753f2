"""What a run does, step by step: the real driver over a small world."""

import pytest
from rehearsal import FakeClock, Person, World, plan, rehearse, step

from engine.model.event import ChangeIntended, DoubtSettled, RunParked, RunResumed, StepRunEnded
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.runbook import Requirement, RetrySpec, WaitSpec
from engine.model.status import Effect, Status

HERE = Origin("x", 1, 1)
APPROVAL = Requirement(kind="approval", subject="operator", origin=HERE)
PROVEN = Requirement(kind="proven", subject="estate", origin=HERE, max_age_s=3600)


def condition(text: str) -> Expression:
    return Expression(text, HERE)


def test_a_change_is_intended_before_it_is_made_and_verified_after() -> None:
    run = rehearse(plan(step(1, "look"), step(2, "change", ("A", "B"))))
    assert run.statuses() == {"s1@A": "ok", "s2@A": "changed", "s2@B": "changed"}
    assert run.stopped is not None
    assert run.stopped.exit_code == 0
    kinds = [one.kind for one in run.events if getattr(one, "host", None) == "A" and getattr(one, "step", "") == "s2"]
    assert kinds == ["step_run_started", "change_intended", "step_run_ended"]


def test_a_second_run_changes_nothing() -> None:
    world = World()
    rehearse(plan(step(1, "change")), world=world)
    again = rehearse(plan(step(1, "change")), world=world)
    assert again.statuses() == {"s1@A": "ok"}
    assert world.applied[("s1", "A")] == 1


def test_check_mode_sends_no_change_and_says_what_it_would_do() -> None:
    run = rehearse(plan(step(1, "look"), step(2, "change"), step(3, "destroy", requires=(PROVEN,))), check=True)
    assert not run.world.applied
    ended = [one for one in run.events if isinstance(one, StepRunEnded) and one.step == "s2"]
    assert ended[0].status == "skipped"
    assert ended[0].changed
    assert "would change" in ended[0].why
    assert run.stopped is not None
    assert run.stopped.exit_code == 0


def test_a_failed_step_aborts_and_names_what_was_not_done() -> None:
    world = World(faults={("s1", "A"): ["error"]})
    run = rehearse(plan(step(1, "change"), step(2, "change")), world=world)
    assert run.statuses() == {"s1@A": "failed", "s2@A": "cancelled"}
    assert run.stopped is not None
    assert run.stopped.exit_code == 1


def test_on_failure_continue_goes_on_but_the_run_has_failed() -> None:
    world = World(faults={("s1", "A"): ["error"]})
    run = rehearse(plan(step(1, "change", on_failure="continue"), step(2, "change")), world=world)
    assert run.statuses() == {"s1@A": "failed", "s2@A": "changed"}
    assert run.stopped is not None
    assert run.stopped.exit_code == 1


def test_on_failure_forward_skips_what_lies_between() -> None:
    world = World(faults={("s1", "A"): ["error"]})
    run = rehearse(plan(step(1, "change", on_failure="s3"), step(2, "change"), step(3, "change", ("B",))), world=world)
    assert run.statuses() == {"s1@A": "failed", "s2@A": "skipped", "s3@B": "changed"}
    assert run.stopped is not None
    assert run.stopped.exit_code == 0


@pytest.mark.parametrize(("budget", "failing", "aborts"), [(0, 0, False), (0, 1, True), (1, 1, False), (1, 2, True)])
def test_a_step_has_failed_exactly_when_failures_exceed_the_budget(budget: int, failing: int, aborts: bool) -> None:
    hosts = ("A", "B", "C")
    world = World(faults={("s1", host): ["error"] for host in hosts[:failing]})
    run = rehearse(plan(step(1, "change", hosts, max_failures=budget), step(2, "change", hosts)), world=world)
    later = {run.statuses()[f"s2@{host}"] for host in hosts[failing:]}
    assert later == ({"cancelled"} if aborts else {"changed"})


def test_a_host_that_failed_within_the_budget_takes_no_further_part() -> None:
    world = World(faults={("s1", "A"): ["error"]})
    run = rehearse(plan(step(1, "change", ("A", "B"), max_failures=1), step(2, "change", ("A", "B"))), world=world)
    assert run.statuses()["s2@A"] == "cancelled"
    assert run.statuses()["s2@B"] == "changed"


def test_serial_batches_stop_at_the_budget() -> None:
    hosts = ("A", "B", "C", "D")
    world = World(faults={("s1", "A"): ["error"]})
    run = rehearse(plan(step(1, "change", hosts, serial=2)), world=world)
    assert run.statuses() == {"s1@A": "failed", "s1@B": "changed", "s1@C": "cancelled", "s1@D": "cancelled"}


def test_retry_waits_longer_each_time_and_then_gives_up() -> None:
    world = World(faults={("s1", "A"): ["error", "error", "error"]})
    clock = FakeClock()
    retry = RetrySpec(attempts=3, delay_s=10, backoff=3, max_delay_s=20)
    run = rehearse(plan(step(1, "change", retry=retry)), world=world, clock=clock)
    assert run.statuses() == {"s1@A": "failed"}
    ends = [one.at for one in run.events if isinstance(one, StepRunEnded)]
    assert len(ends) == 3
    assert 10 <= ends[1] - ends[0] < 12
    assert 20 <= ends[2] - ends[1] < 22


def test_a_host_that_is_tried_again_takes_the_others_no_chance() -> None:
    world = World(faults={("s1", "A"): ["error"]})
    once_more = step(1, "change", ("A", "B", "C"), serial=1, retry=RetrySpec(attempts=2, delay_s=10))
    run = rehearse(plan(once_more), world=world, clock=FakeClock())
    assert run.statuses() == {"s1@A": "changed", "s1@B": "changed", "s1@C": "changed"}


def test_a_permanent_step_is_never_retried() -> None:
    world = World(faults={("s1", "A"): ["error", "error"]})
    run = rehearse(plan(step(1, "destroy", retry=RetrySpec(attempts=3))), world=world)
    assert run.kinds().count("step_run_started") == 1


def test_a_wait_looks_again_until_its_condition_holds() -> None:
    world = World(faults={("s1", "A"): ["refuse", "refuse"]})
    wait = WaitSpec(until=condition("result.done == false"), every_s=5, timeout_s=60)
    run = rehearse(plan(step(1, "look", wait=wait)), world=world)
    assert run.statuses() == {"s1@A": "ok"}
    assert world.looks[("s1", "A")] == 3


def test_a_wait_that_gives_up_is_a_failure() -> None:
    wait = WaitSpec(until=condition("result.done"), every_s=5, timeout_s=20)
    run = rehearse(plan(step(1, "look", wait=wait)))
    assert run.statuses() == {"s1@A": "failed"}
    assert "gave up after 20 s" in run.state.of("s1", "A").ended.why  # type: ignore[union-attr]


def test_a_condition_skips_and_an_unknown_value_fails_with_a_sentence() -> None:
    run = rehearse(
        plan(
            step(1, "look", when=condition("params.go")),
            step(2, "look", when=condition("steps.s1.done"), on_failure="continue"),
            step(3, "look", when=condition("steps.s1.skipped")),
            params={"go": False},
        )
    )
    assert run.statuses() == {"s1@A": "skipped", "s2@A": "failed", "s3@A": "ok"}


def test_a_gated_change_needs_its_proof() -> None:
    run = rehearse(plan(step(1, "look"), step(2, "destroy", requires=(PROVEN,))))
    assert run.statuses() == {"s1@A": "ok", "s2@A": "blocked"}
    assert run.stopped is not None
    assert run.stopped.exit_code == 5
    assert not run.world.applied


def test_a_proof_that_holds_on_every_host_opens_the_gate() -> None:
    run = rehearse(plan(step(1, "prove", ("A", "B")), step(2, "destroy", requires=(PROVEN,))))
    assert run.statuses()["s2@A"] == "changed"


def test_a_proof_of_one_host_is_no_proof_of_the_estate() -> None:
    world = World(faults={("s1", "B"): ["refuse"]})
    run = rehearse(
        plan(step(1, "prove", ("A", "B"), max_failures=1), step(2, "destroy", requires=(PROVEN,))), world=world
    )
    assert run.statuses()["s2@A"] == "blocked"


def test_a_stale_proof_is_observed_again_before_the_change() -> None:
    world = World()
    slow = WaitSpec(until=condition("result.done"), every_s=100, timeout_s=5000)
    the_plan = plan(
        step(1, "prove"),
        step(2, "look", wait=slow, on_failure="continue"),
        step(3, "destroy", requires=(Requirement(kind="proven", subject="estate", origin=HERE, max_age_s=60),)),
    )
    run = rehearse(the_plan, world=world)
    assert "proofs_refreshed" in run.kinds()
    assert run.statuses()["s3@A"] == "changed"


def test_a_stale_proof_that_no_longer_holds_blocks() -> None:
    world = World()
    slow = WaitSpec(until=condition("result.done"), every_s=100, timeout_s=5000)
    the_plan = plan(
        step(1, "prove"),
        step(2, "look", wait=slow, on_failure="continue"),
        step(3, "destroy", requires=(Requirement(kind="proven", subject="estate", origin=HERE, max_age_s=60),)),
    )

    class Turning(dict[tuple[str, str], list[str]]):
        pass

    world.faults = Turning()
    original = world.fault

    def fault(key: tuple[str, str], moment: str) -> bool:
        if key == ("s1", "A") and moment == "refuse" and world.looks[key] > 1:
            return True
        return original(key, moment)

    world.fault = fault  # type: ignore[method-assign]
    run = rehearse(the_plan, world=world)
    assert run.statuses()["s3@A"] == "blocked"
    assert not world.applied


def test_an_approval_is_asked_only_for_a_change_that_is_needed() -> None:
    person = Person(approvals=["approve"])
    world = World()
    rehearse(plan(step(1, "change", requires=(APPROVAL,))), world=world, person=person)
    assert world.applied[("s1", "A")] == 1
    again = Person()
    run = rehearse(plan(step(1, "change", requires=(APPROVAL,))), world=world, person=again)
    assert run.statuses() == {"s1@A": "ok"}
    assert not again.asked


def test_a_denied_approval_blocks() -> None:
    run = rehearse(plan(step(1, "change", requires=(APPROVAL,))), person=Person(approvals=["deny"]))
    assert run.statuses() == {"s1@A": "blocked"}
    assert run.stopped is not None
    assert run.stopped.exit_code == 5


def test_nobody_to_ask_parks_the_run_and_a_later_answer_goes_on() -> None:
    the_plan = plan(step(1, "ask"), step(2, "change", when=condition('steps.s1.answer == "yes"')))
    world, clock = World(), FakeClock()
    parked = rehearse(the_plan, world=world, clock=clock)
    assert parked.stopped is not None
    assert parked.stopped.exit_code == 9
    told = [one for one in parked.events if isinstance(one, RunParked)]
    assert told[0].command == "runbook answer run s1=ANSWER"
    resumed = rehearse(the_plan, world=world, clock=clock, person=Person(answers=["yes"]), before=parked.events)
    assert resumed.statuses() == {"s1": "ok", "s2@A": "changed"}


def test_check_mode_asks_nobody() -> None:
    run = rehearse(plan(step(1, "ask")), check=True)
    assert run.statuses() == {"s1": "skipped"}


def test_a_connection_lost_before_the_change_is_unreachable() -> None:
    run = rehearse(plan(step(1, "change")), world=World(faults={("s1", "A"): ["lost at look"]}))
    assert run.statuses() == {"s1@A": "unreachable"}
    assert run.stopped is not None
    assert run.stopped.exit_code == 4


def test_a_connection_lost_after_the_change_is_settled_by_a_fresh_look() -> None:
    run = rehearse(plan(step(1, "change")), world=World(faults={("s1", "A"): ["lost after"]}))
    assert run.statuses() == {"s1@A": "changed"}
    assert run.world.applied[("s1", "A")] == 1


def test_what_may_not_be_looked_at_again_stays_in_doubt() -> None:
    run = rehearse(plan(step(1, "once"), step(2, "change")), world=World(faults={("s1", "A"): ["lost after"]}))
    assert run.statuses() == {"s1@A": "in doubt", "s2@A": "pending"}
    assert run.stopped is not None
    assert run.stopped.exit_code == 8


def test_a_doubt_settled_by_a_person_lets_the_run_go_on() -> None:
    the_plan, world, clock = plan(step(1, "once"), step(2, "change")), World(), FakeClock()
    world.faults = {("s1", "A"): ["lost after"]}
    doubtful = rehearse(the_plan, world=world, clock=clock)
    settled = [
        *doubtful.events,
        RunResumed(at=clock.now(), epoch=2, operator="t", jump_host="h"),
        DoubtSettled(at=clock.now(), step="s1", host="A", status=Status.CHANGED, by="t", reason="seen"),
    ]
    resumed = rehearse(the_plan, world=world, clock=clock, before=settled)
    assert resumed.statuses() == {"s1@A": "changed", "s2@A": "changed"}


def test_a_kill_between_intent_and_outcome_is_looked_at_again_on_resume() -> None:
    the_plan, world, clock = plan(step(1, "change")), World(), FakeClock()
    killed = rehearse(the_plan, world=world, clock=clock, kill_after=3)
    assert killed.stopped is None
    assert isinstance(killed.events[2], ChangeIntended)
    resumed = rehearse(the_plan, world=world, clock=clock, before=killed.events[:3])
    assert resumed.statuses() == {"s1@A": "changed"}
    assert world.applied[("s1", "A")] == 1


def test_a_kill_after_the_intent_of_a_step_that_must_not_run_again_is_a_doubt() -> None:
    the_plan, world, clock = plan(step(1, "once")), World(), FakeClock()
    killed = rehearse(the_plan, world=world, clock=clock, kill_after=3)
    resumed = rehearse(the_plan, world=world, clock=clock, before=killed.events[:3])
    assert resumed.statuses() == {"s1@A": "in doubt"}
    (ended,) = [one for one in resumed.events if isinstance(one, StepRunEnded)]
    assert resumed.stopped is not None
    offered = list(resumed.stopped.answers)  # what the last screen names is what the step's own remedy names
    assert [one.partition("=")[2] for one in offered] == ["changed", "failed"]
    assert all(f"={word}" in (ended.remedy or "") for word in ("changed", "failed"))


def test_a_run_in_which_every_step_was_skipped_is_no_success() -> None:
    run = rehearse(plan(step(1, "change", when=condition("params.go")), params={"go": False}))
    assert run.stopped is not None
    assert run.stopped.exit_code == 1


def test_a_bug_in_an_action_fails_its_step_and_keeps_the_traceback() -> None:
    run = rehearse(plan(step(1, "change", args={})))
    ended = run.state.of("s1", "A").ended
    assert ended is not None
    assert ended.status == "failed"
    assert "a bug in the engine" in ended.why
    assert any(ref.caption == "traceback" for ref in ended.evidence)


def test_effects_are_never_weaker_than_declared() -> None:
    assert [one.weight for one in Effect] == [0, 1, 2]


def test_a_step_that_only_looks_never_changes_anything_whatever_its_action_decides() -> None:
    run = rehearse(plan(step(1, "change", effect=Effect.OBSERVE)))
    assert run.statuses() == {"s1@A": "failed"}
    assert not run.world.applied
