"""Trouble in the middle of a change, and gates that several step runs stand before: what is said is what is known."""

import time
from dataclasses import replace

import pytest
from rehearsal import FakeClock, MemoryJournal, Person, Rehearsal, World, WorldConnection, plan, rehearse, step

from engine.conduct.gates import is_approved
from engine.execute.messages import Interrupts
from engine.model.command import Script
from engine.model.event import (
    ApprovalAsked,
    ApprovalGiven,
    ChangeIntended,
    DoubtSettled,
    QuestionAsked,
    RunResumed,
    StepRunEnded,
)
from engine.model.expression import Expression, Template
from engine.model.origin import Origin
from engine.model.plan import Plan
from engine.model.result import CommandResult
from engine.model.runbook import Requirement, RetrySpec, WaitSpec
from engine.model.status import Status
from engine.ports.edges import PersonAnswer

HERE = Origin("x", 1, 1)
PROVEN = Requirement(kind="proven", subject="estate", origin=HERE, max_age_s=50)


class SlowPerson(Person):
    """Takes so long to answer that every proof is too old by then."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(answers=["yes"], approvals=["approve"] * 9)
        self.clock = clock

    def question(self, asked: QuestionAsked) -> PersonAnswer | None:
        self.clock.at += 100
        return super().question(asked)

    def approval(self, asked: ApprovalAsked) -> PersonAnswer | None:
        self.clock.at += 100
        return super().approval(asked)


def ended(run: Rehearsal) -> StepRunEnded:
    found = run.state.of("s1", "A").ended
    assert found is not None
    return found


def exit_code(run: Rehearsal) -> int:
    assert run.stopped is not None
    return run.stopped.exit_code


def resumed_after_the_intent(the_plan: Plan, fault: str) -> Rehearsal:
    """Killed with the intent on record and no change sent; then the fresh look has ``fault``."""
    world, clock = World(), FakeClock()
    killed = rehearse(the_plan, world=world, clock=clock, kill_after=2)
    assert isinstance(killed.events[-1], ChangeIntended)
    world.faults = {("s1", "A"): [fault]}
    return rehearse(the_plan, world=world, clock=clock, before=killed.events)


def test_a_stale_proof_that_two_hosts_wait_for_is_looked_at_once_and_both_go_on() -> None:
    clock = FakeClock()
    the_plan = plan(step(1, "prove"), step(2, "ask"), step(3, "destroy", ("A", "B"), requires=(PROVEN,)))
    run = rehearse(the_plan, clock=clock, person=SlowPerson(clock))
    assert run.statuses() == {"s1@A": "ok", "s2": "ok", "s3@A": "changed", "s3@B": "changed"}
    assert run.kinds().count("proofs_refreshed") == 1


def test_a_refresh_of_a_step_that_waits_proves_only_what_it_waits_for() -> None:
    clock, world = FakeClock(), World(done={("s1", "A")})

    class Meanwhile(SlowPerson):
        def question(self, asked: QuestionAsked) -> PersonAnswer | None:
            world.done.discard(("s1", "A"))
            return super().question(asked)

    wait = WaitSpec(until=Expression("result.done", HERE), every_s=5, timeout_s=20)
    the_plan = plan(step(1, "prove", wait=wait), step(2, "ask"), step(3, "destroy", requires=(PROVEN,)))
    run = rehearse(the_plan, world=world, clock=clock, person=Meanwhile(clock))
    assert run.statuses() == {"s1@A": "ok", "s2": "ok", "s3@A": "blocked"}
    assert "not yet: result.done" in run.state.of("s3", "A").ended.why  # type: ignore[union-attr]
    assert not world.applied


def test_a_step_whose_wait_gave_up_proves_nothing() -> None:
    wait = WaitSpec(until=Expression("result.done", HERE), every_s=5, timeout_s=20)
    the_plan = plan(step(1, "prove", wait=wait, on_failure="continue"), step(2, "destroy", requires=(PROVEN,)))
    run = rehearse(the_plan)
    assert run.statuses() == {"s1@A": "failed", "s2@A": "blocked"}
    assert not run.world.applied


def test_a_step_that_failed_when_it_looked_again_proves_nothing() -> None:
    wait = WaitSpec(until=Expression("result.done", HERE), every_s=5, timeout_s=8)
    world = World()
    the_plan = plan(step(1, "prove", wait=wait, on_failure="continue"), step(2, "destroy", requires=(PROVEN,)))
    original = world.fault

    def fault(key: tuple[str, str], moment: str) -> bool:
        return (key == ("s1", "A") and moment == "refuse" and world.looks[key] > 1) or original(key, moment)

    world.fault = fault  # type: ignore[method-assign]
    assert rehearse(the_plan, world=world).statuses() == {"s1@A": "failed", "s2@A": "blocked"}


@pytest.mark.parametrize("fault", ["bug", "broken look", "lost at look"])
def test_a_change_without_an_answer_and_a_look_that_fails_is_a_doubt(fault: str) -> None:
    run = rehearse(plan(step(1, "change")), world=World(faults={("s1", "A"): ["lost after", fault]}))
    assert run.statuses() == {"s1@A": "in doubt"}
    assert exit_code(run) == 8


@pytest.mark.parametrize("fault", ["bug", "broken look", "lost at look"])
def test_a_change_on_record_and_a_look_that_fails_at_the_resume_is_a_doubt(fault: str) -> None:
    run = resumed_after_the_intent(plan(step(1, "change")), fault)
    assert run.statuses() == {"s1@A": "in doubt"}
    assert exit_code(run) == 8
    assert "nobody could look" in ended(run).why or "bug" in ended(run).why


def test_a_refusal_tells_neither_that_a_lost_change_was_made_nor_that_it_was_not() -> None:
    run = rehearse(plan(step(1, "change")), world=World(faults={("s1", "A"): ["lost after", "refuse"]}))
    assert run.world.applied[("s1", "A")] == 1
    assert run.statuses() == {"s1@A": "in doubt"}
    assert "not as wanted" in ended(run).why


def test_a_refusal_at_the_resume_tells_no_more() -> None:
    run = resumed_after_the_intent(plan(step(1, "change")), "refuse")
    assert run.statuses() == {"s1@A": "in doubt"}
    assert exit_code(run) == 8
    assert "not as wanted" in ended(run).why


def test_a_change_that_nobody_could_look_at_afterwards_counts_as_one() -> None:
    world = World()
    original = world.fault

    def fault(key: tuple[str, str], moment: str) -> bool:
        return (moment == "broken look" and world.applied[key] > 0) or original(key, moment)

    world.fault = fault  # type: ignore[method-assign]
    run = rehearse(plan(step(1, "change")), world=world)
    assert run.statuses() == {"s1@A": "failed"}
    assert ended(run).changed
    assert "the change was sent" in ended(run).why


@pytest.mark.parametrize("kill_after", range(1, 6))
def test_a_worker_does_not_wait_for_the_record_of_a_run_that_is_gone(
    kill_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``rehearse`` joins the workers of a killed run, so one that waits for good would hang here."""
    look = WorldConnection.run

    def slow_on_b(self: WorldConnection, script: Script, timeout_s: float) -> CommandResult:
        time.sleep(0.2 if self.host == "B" and script.name == "look" else 0)
        return look(self, script, timeout_s)

    monkeypatch.setattr(WorldConnection, "run", slow_on_b)
    world = World()
    run = rehearse(plan(step(1, "change", ("A", "B"))), world=world, kill_after=kill_after, recorded=False)
    intended = {(one.step, one.host) for one in run.events if isinstance(one, ChangeIntended)}
    assert world.done <= intended


READ = Template("{{ steps.s1.done }}", HERE, (("steps", "s1", "done"),))
MASKED = {"done": "C:/********/x"}


def after_a_masked_look(second: str, *, kill_after: int) -> Rehearsal:
    """Killed, and taken up from a record in which the first step's result has stars instead of a secret."""
    the_plan = plan(step(1, "look"), step(2, second, args={"step": "s2", "path": READ}))
    killed = rehearse(the_plan, kill_after=kill_after)
    record = [replace(one, result=MASKED) if isinstance(one, StepRunEnded) else one for one in killed.events]
    return rehearse(the_plan, before=record)


def test_stars_are_no_argument_of_a_change() -> None:
    run = after_a_masked_look("change", kill_after=2)
    two = run.state.of("s2", "A")
    assert (two.status, two.intended) == ("failed", None)
    assert "has stars there for a secret" in str(two.ended and two.ended.why)
    assert not run.world.applied


def test_a_change_that_cannot_be_looked_at_for_stars_is_in_doubt() -> None:
    run = after_a_masked_look("change", kill_after=4)
    assert any(isinstance(one, ChangeIntended) for one in run.events)
    assert (run.state.of("s2", "A").status, exit_code(run)) == ("in doubt", 8)


def test_a_person_is_shown_the_stars() -> None:
    run = after_a_masked_look("ask", kill_after=2)
    assert any(isinstance(one, QuestionAsked) for one in run.events)


@pytest.mark.parametrize("on_failure", ["abort", "continue", "s2"])
@pytest.mark.parametrize(("word", "after"), [(Status.CHANGED, "changed"), (Status.FAILED, "cancelled")])
def test_hosts_that_wait_for_their_turn_are_neither_done_nor_given_up_while_a_doubt_is_open(
    on_failure: str, word: Status, after: str
) -> None:
    world, clock = World(faults={("s1", "A"): ["lost after"]}), FakeClock()
    the_plan = plan(step(1, "once", ("A", "B", "C"), serial=1, on_failure=on_failure), step(2, "look", ("D",)))
    doubtful = rehearse(the_plan, world=world, clock=clock)
    assert doubtful.statuses() == {"s1@A": "in doubt", "s1@B": "pending", "s1@C": "pending", "s2@D": "pending"}
    assert exit_code(doubtful) == 8
    settled = [
        *doubtful.events,
        RunResumed(at=clock.now(), epoch=2, operator="t", jump_host="h"),
        DoubtSettled(at=clock.now(), step="s1", host="A", status=word, by="t", reason="seen"),
    ]
    resumed = rehearse(the_plan, world=world, clock=clock, before=settled)
    assert (resumed.statuses()["s1@B"], resumed.statuses()["s1@C"]) == (after, after)
    assert exit_code(resumed) == int(word is Status.FAILED and on_failure != "s2")


def test_what_had_begun_beside_a_doubt_is_brought_to_its_end_and_nothing_else_begins() -> None:
    retry = RetrySpec(attempts=2, delay_s=5)
    faults = {("s1", "A"): ["lost after", "refuse"], ("s1", "B"): ["error"]}
    the_plan = plan(step(1, "change", ("A", "B", "C", "D"), serial=3, retry=retry))
    run = rehearse(the_plan, world=World(faults=faults), forks=2)
    assert run.statuses()["s1@A"] == "in doubt"
    assert run.statuses()["s1@B"] == "changed"
    assert run.statuses()["s1@D"] == "pending"
    assert exit_code(run) == 8


def test_the_last_line_says_of_each_step_what_is_true_of_it() -> None:
    faults = {("s1", "A"): ["error"], ("s2", "A"): ["lost at look"], ("s3", "A"): ["lost after"]}
    steps = [step(index, "change", on_failure="continue") for index in (1, 2)]
    run = rehearse(plan(*steps, step(3, "once")), world=World(faults=faults))
    assert run.stopped is not None
    assert run.stopped.reason.endswith("; in doubt at s3@A; failed at s1@A; unreachable at s2@A")


def test_an_interrupt_names_what_is_in_doubt_and_keeps_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupts, kept = Interrupts(), []
    original = World.fault

    def fault(world: World, key: tuple[str, str], moment: str) -> bool:
        if key == ("s1", "A") and moment == "lost after":
            interrupts.interrupt()
        return original(world, key, moment)

    monkeypatch.setattr(World, "fault", fault)
    monkeypatch.setattr(MemoryJournal, "release", lambda _, lease, *, keep_hosts: kept.append(keep_hosts))
    world = World(faults={("s1", "A"): ["lost after"]})
    run = rehearse(plan(step(1, "once"), step(2, "change")), world=world, interrupts=interrupts)
    assert run.statuses() == {"s1@A": "in doubt", "s2@A": "pending"}
    assert run.stopped is not None
    assert run.stopped.reason == "interrupted; may still run: s1@A"
    assert kept == [True]


class ClockSetBack(Person):
    """While this person thinks, the jump host's clock, which was two hours ahead, is put right."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(answers=["yes"], approvals=["approve"] * 9)
        self.clock = clock

    def question(self, asked: QuestionAsked) -> PersonAnswer | None:
        self.clock.at -= 7200
        return super().question(asked)


def test_a_proof_from_before_the_clock_was_set_back_is_looked_at_again() -> None:
    clock = FakeClock()
    the_plan = plan(step(1, "prove"), step(2, "ask"), step(3, "destroy", requires=(PROVEN,)))
    run = rehearse(the_plan, clock=clock, person=ClockSetBack(clock))
    assert run.statuses() == {"s1@A": "ok", "s2": "ok", "s3@A": "changed"}
    assert run.kinds().count("proofs_refreshed") == 1, "how old it is, nobody knows"


@pytest.mark.parametrize(("later", "counts"), [(0, True), (3600, True), (3601, False), (-59, True), (-61, False)])
def test_an_approval_counts_for_its_hour_and_not_after_the_clock_was_set_back(later: float, counts: bool) -> None:
    given = ApprovalGiven(at=9000, step="s1", host="A", by="anna", plan_digest="d", expires_at=9000 + 3600)
    assert is_approved(given, 9000 + later) is counts
    assert not is_approved(None, 9000 + later)


@pytest.mark.parametrize("way", ["retry", "wait"])
def test_what_was_put_off_before_the_clock_was_set_back_is_not_slept_over(way: str) -> None:
    world, clock = World(faults={("s1", "A"): ["lost at look"]}), FakeClock()
    wait = WaitSpec(until=Expression("not result.done", HERE), every_s=5, timeout_s=600)
    more = {"retry": RetrySpec(attempts=2, delay_s=5)} if way == "retry" else {"wait": wait}
    the_plan = plan(step(1, "look", **more))
    killed = rehearse(the_plan, world=world, clock=clock, kill_after=3)
    assert killed.events[-1].kind == f"{way}_scheduled"
    clock.at -= 7200
    at = clock.at
    run = rehearse(the_plan, world=world, clock=clock, before=killed.events)
    assert run.statuses() == {"s1@A": "ok"}
    assert clock.at - at < 100
