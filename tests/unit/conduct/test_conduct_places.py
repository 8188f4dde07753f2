"""A proof about a name opens a gate only for the server it was gained on, whatever was planned and whenever."""

from dataclasses import replace

import pytest
from rehearsal import ACTIONS, FakeClock, Person, World, WorldAction, plan, rehearse, step

from engine.conduct.apply import apply, replay
from engine.conduct.gates import Held, Missing, check
from engine.conduct.state import initial
from engine.model.event import StepRunEnded, StepRunStarted
from engine.model.origin import Origin
from engine.model.result import Proof
from engine.model.runbook import Requirement
from engine.model.status import Effect, Rerun, Status

HERE = Origin("x", 1, 1)
COPIED = Requirement(kind="copied", subject="db", origin=HERE)


@pytest.fixture(autouse=True)
def about_names(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = WorldAction("copy", Effect.OBSERVE, Rerun.SAFE, yields=("copied",))
    copy.info = replace(copy.info, about="names")
    monkeypatch.setitem(ACTIONS, "copy", copy)


def copies(index: int, *hosts: str, names: tuple[str, ...] = ("db",)):
    return step(index, "copy", hosts, args={"step": f"s{index}", "names": list(names)}, about=names)


@pytest.mark.parametrize("host", [None, "B"])
def test_a_copy_on_another_server_opens_no_gate(host: str | None) -> None:
    run = rehearse(plan(copies(1, "A"), step(2, "destroy", ("B",), requires=(replace(COPIED, host=host),))))
    assert run.statuses() == {"s1@A": "ok", "s2@B": "blocked"}
    assert ("s2", "B") not in run.world.applied


def test_the_own_copy_opens_it_and_so_does_one_from_elsewhere_that_was_asked_for() -> None:
    own = rehearse(plan(copies(1, "A", "B"), step(2, "destroy", ("B",), requires=(COPIED,))))
    assert own.statuses() == {"s1@A": "ok", "s1@B": "ok", "s2@B": "changed"}
    there = rehearse(plan(copies(1, "A"), step(2, "destroy", ("B",), requires=(replace(COPIED, host="A"),))))
    assert there.statuses() == {"s1@A": "ok", "s2@B": "changed"}


def test_one_server_that_has_proven_its_name_does_not_take_the_proof_of_another_away() -> None:
    estate = replace(COPIED, subject="estate")
    run = rehearse(plan(copies(1, "A", "B"), step(2, "destroy", ("A", "B"), requires=(COPIED, estate))))
    assert run.statuses() == {"s1@A": "ok", "s1@B": "ok", "s2@A": "changed", "s2@B": "changed"}


def test_the_estate_is_proven_only_with_every_name() -> None:
    the_plan = plan(copies(1, "A", names=("db", "other")), step(2, "destroy"))
    ended = StepRunEnded(
        at=2.0, step="s1", host="A", attempt=1, status=Status.OK, why="",
        proofs=(Proof(kind="copied", subject="db", observed_at=2.0, step="s1", host="A"),),
    )  # fmt: skip
    state = replay(the_plan, [StepRunStarted(at=1.0, step="s1", host="A", attempt=1)])
    some = apply(state, ended)
    estate = replace(COPIED, subject="estate")
    assert isinstance(check(the_plan, some, estate, 3.0), Missing)
    more = replace(ended.proofs[0], subject="other")
    assert isinstance(check(the_plan, apply(state, replace(ended, proofs=(*ended.proofs, more))), estate, 3.0), Held)


def test_a_stale_proof_is_looked_at_again_where_it_was_gained() -> None:
    world, clock = World(), FakeClock()
    the_plan = plan(
        copies(1, "A", "B"), step(2, "ask"), step(3, "destroy", ("B",), requires=(replace(COPIED, host="B"),))
    )
    parked = rehearse(the_plan, world=world, clock=clock)
    assert parked.stopped is not None
    assert parked.stopped.exit_code == 9
    clock.at += 7200
    run = rehearse(the_plan, world=world, clock=clock, before=parked.events, person=Person(answers=["yes"]))
    assert run.statuses()["s3@B"] == "changed"
    assert (world.looks[("s1", "A")], world.looks[("s1", "B")]) == (1, 2)


def test_a_proof_is_told_with_its_place() -> None:
    of_name = Proof(kind="copied", subject="db", observed_at=1.0, step="s1", host="A")
    told = [str(replace(of_name, **more)) for more in ({}, {"subject": "A"}, {"host": "-"}, {"host": None})]
    assert told == ["copied(db@A)", "copied(A)", "copied(db)", "copied(db)"]


def test_a_proof_of_a_person_is_of_no_host() -> None:
    consent = Requirement(kind="consent", subject="db", origin=HERE)
    the_plan = plan(step(1, "destroy", ("A", "B"), requires=(consent,)), step(2, "ask", yields=("consent",)))
    said = Proof(kind="consent", subject="db", observed_at=1.0, step="s2", host="-")
    state = replace(initial(the_plan), proofs=(said,))
    assert isinstance(check(the_plan, state, consent, 2.0, "A"), Held)
