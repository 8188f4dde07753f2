"""Every data case of every action: what it decides on what it has seen, and the commands that follow."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from engine.actions import load_actions
from engine.model.command import Detached, Reboot, Script
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Refuse, ScriptError, Unchanged
from engine.ports.action import Action

CASES = Path(__file__).parents[2] / "cases" / "actions"
KINDS = {"unchanged": Unchanged, "change": Change, "refuse": Refuse}


def all_cases() -> list[Any]:
    return [
        pytest.param(file.parent.name, case, id=f"{file.parent.name}/{file.stem}: {case['case']}")
        for file in sorted(CASES.glob("*/*.yaml"))
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))
    ]


def with_defaults(action: Action, args: dict[str, Any]) -> dict[str, Any]:
    """Arguments as the engine hands them over: valid, the schema's defaults filled in."""
    jsonschema.Draft202012Validator(action.info.arguments).validate(args)
    properties = action.info.arguments.get("properties", {})
    return {**{name: one["default"] for name, one in properties.items() if "default" in one}, **args}


def answers(raw: list[Any]) -> list[CommandResult]:
    return [
        CommandResult(
            ok="error" not in one,
            value=one.get("value"),
            errors=(ScriptError(message=one["error"]),) if "error" in one else (),
            truncated=one.get("cut", False),
        )
        for one in raw
    ]


def command(one: Any) -> dict[str, Any]:
    if isinstance(one, Reboot):
        return {"reboot": command(one.script), "before": one.before}
    if isinstance(one, Detached) and one.start.name == "mssql_job.start.ps1":
        data: Any = one.start.arguments["data"]
        return {"job": one.start.arguments["key"], "text": data["text"], "params": data["params"]}
    if isinstance(one, Detached):
        return {"start": command(one.start), "poll": command(one.poll)}
    assert isinstance(one, Script)
    return {"script": one.name, "arguments": dict(one.arguments)}


def check(action: Action, decision: Decision, expect: dict[str, Any]) -> None:
    assert type(decision) is KINDS[expect["decision"]], decision
    assert expect.get("why", "") in decision.why
    assert not decision.why.endswith(".")
    if "result" in expect:
        jsonschema.Draft202012Validator(action.info.result).validate(decision.result)
        assert {key: decision.result[key] for key in expect["result"]} == expect["result"]
    if isinstance(decision, Change):
        jsonschema.Draft202012Validator(action.info.result).validate(decision.result)
        assert [command(one) for one in decision.commands] == expect["commands"]
        assert [command(one) for one in decision.undo] == expect.get("undo", [])
        assert all(one.changing for one in decision.commands)
        assert [one.key for one in decision.owes] == expect.get("owes", [one.key for one in decision.owes])
    if isinstance(decision, Unchanged):
        assert decision.examined == expect.get("examined", 1)
        assert list(decision.proofs) == expect.get("proofs", [])
        assert set(decision.proofs) <= set(action.info.yields)
        assert list(decision.pays) == expect.get("pays", list(decision.pays))


@pytest.mark.parametrize(("name", "case"), all_cases())
def test_case(name: str, case: dict[str, Any]) -> None:
    action = load_actions()[name]
    host = HostView(name="SM01", platform="windows")
    args, seen = with_defaults(action, case.get("args", {})), answers(case["seen"])
    looks = [action.observe(args, host, seen[:count]) for count in range(len(seen) + 1)]
    assert looks[-1] is None
    assert all(one is not None and not one.changing for one in looks[:-1])
    check(action, action.decide(args, host, seen), case["expect"])
    if "after" in case:
        check(action, action.verify(args, host, seen, [], answers(case["after"])), case["verified"])
