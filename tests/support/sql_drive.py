"""An action carried out on a lab machine without an engine around it: look, look again, decide."""

from typing import Any

from engine.actions import load_actions
from engine.lab.behaviours import BEHAVIOURS, PayloadError
from engine.lab.machine import Machine
from engine.model.command import Script
from engine.model.frame import decode_arguments, encode_arguments
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Decision, ScriptError


def look(machine: Machine, command: Script) -> CommandResult:
    """The machine's answer to one script."""
    arguments = decode_arguments(encode_arguments(command.arguments))
    try:
        return CommandResult(ok=True, value=BEHAVIOURS[command.name](machine, arguments))
    except PayloadError as problem:
        return CommandResult(ok=False, errors=(ScriptError(message=problem.message, category=problem.category),))


def carry_out(machine: Machine, name: str, args: dict[str, Any]) -> Decision:
    """What the action decides; a failed look that it does not tolerate is an error of the test."""
    action = load_actions()[name]
    host = HostView(name=machine.name, platform="windows")
    properties = action.info.arguments["properties"]
    assert isinstance(properties, dict)
    defaults = {key: one["default"] for key, one in properties.items() if "default" in one}
    seen: list[CommandResult] = []
    while (command := action.observe({**defaults, **args}, host, seen)) is not None:
        assert isinstance(command, Script)
        answer = look(machine, command)
        assert answer.ok or action.tolerates({**defaults, **args}, host, answer), answer
        seen.append(answer)
    return action.decide({**defaults, **args}, host, seen)
