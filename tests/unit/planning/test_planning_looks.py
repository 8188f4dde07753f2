"""An action that may change something only looks in a step that asks for no change."""

from typing import Any

import pytest

from engine.actions import load_actions
from engine.model.origin import Origin
from engine.model.runbook import StepSpec
from engine.model.status import Effect, Rerun
from engine.planning.effects import effect_findings, nature

HERE = Origin("x", 1, 1)


def step(action: str, args: dict[str, Any], effect: Effect | None = None) -> StepSpec:
    return StepSpec(id="s", name="S", action=action, origin=HERE, args=args, effect=effect)


@pytest.mark.parametrize(
    ("action", "args", "effect"),
    [
        ("windows.service", {"name": "OMCFG"}, Effect.OBSERVE),
        ("windows.service", {"name": "OMCFG", "expect_state": "running"}, Effect.OBSERVE),
        ("windows.service", {"name": "OMCFG", "state": "running"}, Effect.REVERSIBLE),
        ("windows.registry_value", {"key": "HKLM\\X", "name": "Y"}, Effect.OBSERVE),
        ("windows.registry_value", {"key": "HKLM\\X", "name": "Y", "at_least": 5}, Effect.REVERSIBLE),
        ("windows.file", {"path": "C:\\x"}, Effect.OBSERVE),
        ("windows.file", {"path": "C:\\x", "absent": True}, Effect.REVERSIBLE),
        ("windows.xml_element", {}, Effect.REVERSIBLE),
    ],
)
def test_effect_follows_what_is_asked_for(action: str, args: dict[str, Any], effect: Effect) -> None:
    info = load_actions()[action].info
    found = nature(step(action, args), info)
    assert found.effect is effect
    assert found.rerun is (Rerun.SAFE if effect is Effect.OBSERVE else info.rerun)


def test_a_look_may_be_called_a_look_and_a_change_may_not() -> None:
    info = load_actions()["windows.service"].info
    assert effect_findings(step("windows.service", {"name": "x"}, Effect.OBSERVE), info) == ()
    (finding,) = effect_findings(step("windows.service", {"name": "x", "state": "running"}, Effect.OBSERVE), info)
    assert finding.code == "P503"


def test_every_named_argument_exists() -> None:
    for action in load_actions().values():
        assert set(action.info.changes_with) <= set(action.info.arguments["properties"]), action.info.name
