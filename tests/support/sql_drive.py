"""An action carried out on a lab machine without an engine around it: look, look again, decide."""

from typing import Any

from engine.actions import load_actions
from engine.lab.behaviours import BEHAVIOURS, PayloadError
from engine.lab.machine import Machine
from engine.model.command import Command, Detached, Script
from engine.model.frame import decode_arguments, encode_arguments
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Decision, ScriptError, value_map


def look(machine: Machine, command: Script) -> CommandResult:
    """The machine's answer to one script."""
    arguments = decode_arguments(encode_arguments(command.arguments))
    try:
        return CommandResult(ok=True, value=BEHAVIOURS[command.name](machine, arguments))
    except PayloadError as problem:
        return CommandResult(ok=False, errors=(ScriptError(message=problem.message, category=problem.category),))


def send(machine: Machine, command: Command) -> CommandResult:
    """One command to its end, in lab time."""
    if isinstance(command, Script):
        return look(machine, command)
    assert isinstance(command, Detached)
    started = machine.clock.now()
    begun = look(machine, command.start)
    if not begun.ok:
        return begun
    while (told := value_map(look(machine, command.poll)))["state"] == "running":
        machine.clock.advance(0.5)
    errors = () if told["state"] == "done" else (ScriptError(message=str(told["message"])),)
    return CommandResult(ok=not errors, value=told, errors=errors, duration_s=machine.clock.now() - started)


def filled(name: str, args: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the schema's defaults."""
    properties = load_actions()[name].info.arguments["properties"]
    assert isinstance(properties, dict)
    return {**{key: one["default"] for key, one in properties.items() if "default" in one}, **args}


def looks(machine: Machine, name: str, args: dict[str, Any]) -> list[CommandResult]:
    """All that the action looks at; a failed look that it does not tolerate is an error of the test."""
    action, given, host = load_actions()[name], filled(name, args), HostView(name=machine.name, platform="windows")
    seen: list[CommandResult] = []
    while (command := action.observe(given, host, seen)) is not None:
        answer = send(machine, command)
        assert answer.ok or action.tolerates(given, host, answer), answer
        seen.append(answer)
    return seen


def carry_out(machine: Machine, name: str, args: dict[str, Any]) -> Decision:
    """What the action decides."""
    host = HostView(name=machine.name, platform="windows")
    return load_actions()[name].decide(filled(name, args), host, looks(machine, name, args))
