"""Arguments worked out during the run are held to the action's schema before anything is sent."""

from dataclasses import replace
from typing import Any

import pytest
from rehearsal import ACTIONS, FakeClock, Rehearsal, World, plan, rehearse, step

from engine.model.event import ChangeIntended
from engine.model.expression import Template
from engine.model.origin import Origin
from engine.model.plan import PlannedStep
from engine.model.runbook import RetrySpec
from engine.model.secret import Secret
from engine.planning.fit import is_known, misfits, shown

HERE = Origin("rehearsal", 1, 1)
PORTS = {"type": "object", "properties": {"port": {"type": "integer", "minimum": 1}}}


@pytest.fixture(autouse=True)
def an_action_that_takes_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("look", "change"):
        info = replace(ACTIONS[name].info, arguments=PORTS)
        monkeypatch.setattr(ACTIONS[name], "info", info)


def taking(index: int, action: str, text: str, **more: Any) -> PlannedStep:
    names = (tuple(text.split(".")),)
    return step(index, action, args={"step": f"s{index}", "port": Template(f"{{{{ {text} }}}}", HERE, names)}, **more)


def ended(run: Rehearsal) -> tuple[str, str]:
    one = run.state.of("s2", "A").ended
    assert one is not None
    return one.status, one.why


@pytest.mark.parametrize("action", ["look", "change"])
def test_a_value_of_another_type_fails_the_step_and_nothing_is_sent(action: str) -> None:
    retry = RetrySpec(attempts=3, delay_s=1)
    run = rehearse(plan(step(1, "look"), taking(2, action, "steps.s1.done", retry=retry)))
    assert ended(run) == ("failed", f"{action}: port: false is not a whole number (worked out during the run)")
    assert run.world.looks["s2", "A"] == 0
    assert run.kinds().count("step_run_started") == 2, "trying again would not change it"


def test_a_value_that_fits_is_taken() -> None:
    run = rehearse(plan(step(1, "look"), taking(2, "change", "params.port"), params={"port": 5}))
    assert ended(run)[0] == "changed"


def test_a_change_on_record_whose_argument_no_longer_fits_is_in_doubt() -> None:
    world, clock = World(), FakeClock()
    before = plan(step(1, "look"), step(2, "change", args={"step": "s2", "port": 5}))
    killed = rehearse(before, world=world, clock=clock, kill_after=4)
    assert isinstance(killed.events[-1], ChangeIntended)
    after = plan(step(1, "look"), taking(2, "change", "steps.s1.done"))
    assert ended(rehearse(after, world=world, clock=clock, before=killed.events))[0] == "in doubt"


def test_a_secret_fits_and_is_not_shown() -> None:
    assert not list(misfits({"port": Secret("hunter2")}, PORTS))
    assert not is_known([Secret("hunter2")])
    assert shown({"a": [Secret("hunter2")]}) == '{"a": ["********"]}'
