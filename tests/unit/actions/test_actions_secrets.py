"""A secret stays one: what an action would write into a file, a command line or a text of its own is refused."""

from typing import Any

import pytest

from engine.actions import load_actions
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Refuse
from engine.model.secret import Secret

HOST = HostView(name="SM01", platform="windows")
SEEN = CommandResult(ok=True, value={"there": False, "boot_id": "2013-03-02T10:00:00Z"})


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("windows.scheduled_task", {"name": "x", "command": Secret("hostname"), "account": "SYSTEM"}),
        ("windows.script", {"script": Secret("hostname")}),
        ("windows.script", {"script": Secret("hostname"), "effect": "observe"}),
        ("windows.reboot", {"comment": Secret("hunter2")}),
    ],
)
def test_a_secret_is_no_command_line_and_no_script(name: str, args: dict[str, Any]) -> None:
    """As a text it is stars, and those would be run; as an argument of a program others on the host could read it."""
    action = load_actions()[name]
    assert action.observe(args, HOST, []) is None
    decision = action.decide(args, HOST, [])
    assert isinstance(decision, Refuse), decision
    assert "secret" in decision.why
    assert decision.remedy


def test_a_secret_is_no_registry_value() -> None:
    action = load_actions()["windows.registry_value"]
    args = {"key": r"HKLM\SOFTWARE\C", "name": "Password", "type": "string", "value": Secret("hunter2")}
    decision = action.decide(args, HOST, [CommandResult(ok=True, value={"key_found": False, "found": False})])
    assert isinstance(decision, Refuse), decision
    assert "A secret cannot be a registry value" in decision.why


def test_a_secret_is_an_argument_of_a_script() -> None:
    action = load_actions()["windows.script"]
    args: dict[str, Any] = {"script": "param($Arguments)\n@{ a = 1 }", "arguments": {"word": Secret("hunter2")}}
    assert not isinstance(action.decide(args, HOST, [SEEN]), Refuse)
