"""What a run owes is done even when the run fails, and stays on record until it is seen to be done."""

from dataclasses import replace

import pytest
from rehearsal import FakeClock, Person, World, plan, rehearse, step

from engine.conduct.apply import apply, replay
from engine.conduct.state import StepRunState
from engine.model.event import ChangeIntended, DoubtSettled, QuestionAsked, StepRunEnded
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.plan import StepRunId
from engine.model.runbook import Requirement
from engine.model.status import Rerun, Status
from engine.ports.edges import PersonAnswer

HERE = Origin("x", 1, 1)
CONSENT = Requirement(kind="consent", subject="data-loss", origin=HERE, max_age_s=1.0)
ASKS = {"proves": "consent(data-loss)", "proven_by": "yes"}


def staged(**more):
    """Make a copy, look at it, drop it whatever the look said."""
    return plan(
        step(1, "stage"),
        step(2, "look", **more),
        step(3, "change"),
        step(4, "drop", args={"of": "s1"}, always=True),
        step(5, "look"),
    )


def test_a_step_that_always_runs_does_so_after_a_failure_and_nothing_else_does() -> None:
    run = rehearse(staged(), world=World(faults={("s2", "A"): ["refuse"]}))
    assert run.statuses() == {
        "s1@A": "changed", "s2@A": "failed", "s3@A": "cancelled", "s4@A": "changed", "s5@A": "cancelled",
    }  # fmt: skip
    assert run.stopped is not None
    assert run.stopped.exit_code == 1
    assert run.world.done == set()
    assert run.state.owed == ()


def test_it_also_runs_when_a_jump_leads_past_it_and_when_all_went_well() -> None:
    jumped = rehearse(staged(on_failure="s5"), world=World(faults={("s2", "A"): ["refuse"]}))
    assert jumped.statuses() == {
        "s1@A": "changed", "s2@A": "failed", "s3@A": "skipped", "s4@A": "changed", "s5@A": "ok",
    }  # fmt: skip
    assert set(rehearse(staged()).statuses().values()) == {"changed", "ok"}


def test_what_is_owed_is_on_record_before_it_is_made() -> None:
    run = rehearse(staged())
    intents = [one for one in run.events if isinstance(one, ChangeIntended) and one.step == "s1"]
    assert [each.key for each in intents[0].owes] == ["copy"]
    assert [one.pays for one in run.events if isinstance(one, StepRunEnded) and one.step == "s4"] == [("copy",)]


@pytest.mark.parametrize("kill_after", range(1, 14))
def test_a_kill_at_any_moment_leaves_the_debt_until_the_run_is_taken_up(kill_after: int) -> None:
    world, clock = World(), FakeClock()
    killed = rehearse(staged(), world=world, clock=clock, kill_after=kill_after)
    known = replay(staged(), killed.events)
    assert known.owed or ("s1", "A") not in world.done, "what is there is owed"
    taken_up = rehearse(staged(), world=world, clock=clock, before=killed.events)
    assert taken_up.state.owed == ()
    assert ("s1", "A") not in world.done


def test_what_a_nested_run_saw_done_is_owed_by_neither() -> None:
    left = rehearse(plan(step(1, "stage")))
    assert [(host, one.key) for host, one in left.state.owed] == [("A", "copy")]
    nested = StepRunEnded(at=9.0, step="n", host="-", attempt=1, status=Status.FAILED, why="w", pays=("copy@B", "copy"))
    waits = replace(left.state, step_runs={StepRunId("n", "-"): StepRunState(status=Status.RUNNING, attempt=1)})
    assert apply(waits, nested).owed == left.state.owed
    assert apply(waits, replace(nested, pays=("copy@A",))).owed == ()


def test_a_drop_that_fails_is_told_as_owed() -> None:
    run = rehearse(staged(), world=World(faults={("s1", "A"): ["lost at look"]}))
    assert run.statuses()["s1@A"] == "unreachable"
    left = rehearse(
        plan(step(1, "stage"), step(2, "drop", args={"of": "s1"}, always=True, when=Expression("1 == 2", HERE)))
    )
    assert left.stopped is not None
    assert left.stopped.reason.endswith("; still owed: drop the copy on A")


def test_a_word_about_the_step_that_pays_strikes_out_nothing_and_the_end_says_so() -> None:
    world, clock = World(faults={("s1", "A"): ["drop lost"]}), FakeClock()
    the_plan = plan(step(1, "stage"), step(4, "drop", args={"of": "s1"}, always=True, rerun=Rerun.NEVER))
    doubtful = rehearse(the_plan, world=world, clock=clock)
    assert doubtful.statuses()["s4@A"] == "in doubt"
    word = DoubtSettled(at=clock.now(), step="s4", host="A", status=Status.CHANGED, by="anna", reason="I looked")
    ended = rehearse(the_plan, world=world, clock=clock, before=[*doubtful.events[:-1], word])
    assert ended.stopped is not None
    assert ended.stopped.exit_code == 0
    assert "still owed: drop the copy on A (a person's word settled s4@A" in ended.stopped.reason
    again = rehearse(plan(step(1, "look"), step(4, "drop", args={"of": "s1"}, always=True)), world=world, clock=clock)
    assert again.state.step_runs[StepRunId("s4", "A")].ended.pays == ("copy",)  # type: ignore[union-attr]


def test_consent_is_one_answer_and_does_not_grow_old() -> None:
    the_plan = plan(
        step(1, "ask", args=ASKS, yields=("consent",), about=("data-loss",)),
        step(2, "change", hosts=("A",)),
        step(3, "destroy", requires=(CONSENT,)),
    )
    agreed = rehearse(the_plan, person=Person(answers=["yes"]))
    assert agreed.statuses()["s3@A"] == "changed"
    refused = rehearse(the_plan, person=Person(answers=["no"]))
    assert refused.state.of("s1", "-").status is Status.BLOCKED
    assert refused.statuses()["s3@A"] == "cancelled"
    assert refused.stopped is not None
    assert refused.stopped.exit_code == 5
    assert not refused.world.applied


def test_a_person_is_not_asked_to_do_what_is_not_proven() -> None:
    proven = Requirement(kind="proven", subject="estate", origin=HERE, max_age_s=3600)
    gated = plan(step(1, "prove", max_failures=1), step(2, "ask", requires=(proven,)))
    asked = rehearse(gated, person=Person(answers=["yes"]))
    assert asked.statuses()["s2"] == "ok"
    person = Person(answers=["yes"])
    refused = rehearse(gated, world=World(faults={("s1", "A"): ["refuse"]}), person=person)
    assert refused.statuses()["s2"] == "blocked"
    assert person.asked == []


class Told(Person):
    """Says what was done since the question was put, before anything is asked again."""

    def beforehand(self, asked: QuestionAsked) -> PersonAnswer:
        return PersonAnswer(answer="yes", by="tester", reason=asked.step)


def test_what_a_person_did_since_the_question_is_on_record_though_its_proof_is_gone() -> None:
    proven = Requirement(kind="proven", subject="estate", origin=HERE, max_age_s=60)
    gated = plan(step(1, "prove"), step(2, "ask", requires=(proven,)), step(3, "ask", requires=(proven,)))
    clock, world = FakeClock(), World()
    parked = rehearse(gated, clock=clock, world=world)
    clock.at += 3600
    world.faults[("s1", "A")] = ["refuse", "refuse"]
    told = rehearse(gated, clock=clock, world=world, person=Told(), before=parked.events)
    assert told.statuses()["s2"] == "ok"
    assert told.state.answers == {"s2": "yes"}
    assert told.statuses()["s3"] == "blocked", "the next deed is not asked for"
    assert told.person.asked == []


def test_a_proof_that_grew_old_while_the_run_was_parked_is_looked_at_again_before_the_person_is_asked() -> None:
    proven = Requirement(kind="proven", subject="estate", origin=HERE, max_age_s=60)
    gated = plan(step(1, "prove"), step(2, "ask", requires=(proven,)))
    clock, world = FakeClock(), World()
    parked = rehearse(gated, clock=clock, world=world)
    assert parked.statuses()["s2"] == "waiting"
    clock.at += 3600
    again = rehearse(gated, clock=clock, world=world, person=Person(answers=["yes"]), before=parked.events)
    assert again.statuses()["s2"] == "ok"
    assert world.looks[("s1", "A")] == 2
    clock.at += 3600
    world.faults[("s1", "A")] = ["refuse"]
    no_longer = rehearse(gated, clock=clock, world=world, person=Person(answers=["yes"]), before=parked.events)
    assert no_longer.statuses()["s2"] == "blocked"
