"""A finding is no failure; a host that failed within the budget is left out; what led on is forgiven, nothing else."""

import pytest
from rehearsal import Person, World, plan, rehearse, step

from engine.conduct.apply import replay
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.runbook import Requirement

HERE = Origin("x", 1, 1)
BOTH = ("A", "B")


def refusing(*hosts: str, fault: str = "refuse", step_id: str = "s1") -> World:
    return World(faults={(step_id, host): [fault] for host in hosts})


def code(run) -> int:
    assert run.stopped is not None
    return run.stopped.exit_code


@pytest.mark.parametrize("hosts", [(), ("A",), BOTH])
def test_what_a_look_finds_neither_fails_the_run_nor_leaves_the_host_out(hosts: tuple[str, ...]) -> None:
    the_plan = plan(step(1, "look", BOTH, on_failure="finding"), step(2, "change", BOTH))
    run = rehearse(the_plan, world=refusing(*hosts))
    assert {host for host in BOTH if run.statuses()[f"s1@{host}"] == "failed"} == set(hosts)
    assert {run.statuses()[f"s2@{host}"] for host in BOTH} == {"changed"}
    assert code(run) == 0
    assert run.stopped is not None
    assert ("found at s1@A" in run.stopped.reason) == ("A" in hosts)


def test_a_later_condition_reads_the_finding() -> None:
    again = Expression("steps.s1.status == 'failed'", HERE, (("steps", "s1", "status"),))
    the_plan = plan(step(1, "look", BOTH, on_failure="finding"), step(2, "look", BOTH, when=again))
    assert rehearse(the_plan, world=refusing("A")).statuses() == {
        "s1@A": "failed", "s1@B": "ok", "s2@A": "ok", "s2@B": "skipped",
    }  # fmt: skip


@pytest.mark.parametrize(("fault", "exit_code"), [("lost at look", 4), ("broken look", 1), ("bug", 1)])
def test_where_nothing_could_be_looked_at_nothing_was_found(fault: str, exit_code: int) -> None:
    the_plan = plan(step(1, "look", BOTH, on_failure="finding"), step(2, "change", BOTH))
    run = rehearse(the_plan, world=refusing("A", fault=fault))
    assert {run.statuses()[f"s2@{host}"] for host in BOTH} == {"cancelled"}
    assert code(run) == exit_code


def test_a_finding_is_no_proof() -> None:
    proven = Requirement(kind="proven", subject="estate", origin=HERE)
    the_plan = plan(step(1, "prove", BOTH, on_failure="finding"), step(2, "destroy", requires=(proven,)))
    assert rehearse(the_plan, world=refusing("B")).statuses()["s2@A"] == "blocked"


def test_a_kill_after_a_finding_changes_nothing() -> None:
    the_plan = plan(step(1, "look", BOTH, on_failure="finding"), step(2, "change", BOTH))
    whole = rehearse(the_plan, world=refusing("A"))
    for kill_after in range(1, len(whole.events)):
        world = refusing("A")
        killed = rehearse(the_plan, world=world, kill_after=kill_after)
        replay(the_plan, killed.events)
        assert rehearse(the_plan, world=world, before=killed.events).stopped is not None


def test_a_failure_within_the_budget_of_a_jump_leaves_the_host_out_and_fails_the_run() -> None:
    the_plan = plan(
        step(1, "change", BOTH, max_failures=1, on_failure="s3"), step(2, "change", BOTH), step(3, "change", BOTH)
    )
    run = rehearse(the_plan, world=refusing("A", fault="error"))
    assert run.statuses() == {
        "s1@A": "failed", "s1@B": "changed", "s2@A": "cancelled", "s2@B": "changed",
        "s3@A": "cancelled", "s3@B": "changed",
    }  # fmt: skip
    assert code(run) == 1


def test_a_jump_is_one_of_all_hosts_and_forgives_the_failures_that_led_to_it() -> None:
    hosts = ("A", "B", "C")
    the_plan = plan(
        step(1, "change", hosts, max_failures=1, on_failure="s3"), step(2, "change", hosts), step(3, "change", hosts)
    )
    run = rehearse(the_plan, world=refusing("A", "B", fault="error"))
    assert {run.statuses()[f"s2@{host}"] for host in hosts} == {"skipped"}
    assert {run.statuses()[f"s3@{host}"] for host in hosts} == {"changed"}
    assert code(run) == 0


def test_a_finding_is_told_in_check_mode_too() -> None:
    run = rehearse(plan(step(1, "look", BOTH, on_failure="finding")), world=refusing("A"), check=True)
    assert code(run) == 0
    assert run.stopped is not None
    assert "found at s1@A" in run.stopped.reason


def test_a_run_of_nothing_but_findings_did_something() -> None:
    run = rehearse(plan(step(1, "look", on_failure="finding")), world=refusing("A"), person=Person())
    assert code(run) == 0
