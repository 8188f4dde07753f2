"""Look at one host with an action's own observation and decision, outside a run; nothing can be changed this way."""

from collections.abc import Mapping
from typing import Any

from engine.app.wiring import catalogue
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult
from engine.planning.arguments import with_defaults
from engine.ports.connection import Connection


class LookRefused(Exception):
    """The host answered, and the answer is no usable observation; the text is a sentence for people."""


def look(connection: Connection, host: str, action: str, arguments: Mapping[str, Any], timeout_s: float) -> JsonMap:
    """The result of the action's look; connection failures pass through, everything else is ``LookRefused``."""
    found = catalogue().actions[action]
    view = HostView(name=host, platform="windows")
    full: Mapping[str, Any] = with_defaults(arguments, found.info.arguments)
    seen: list[CommandResult] = []
    while (command := found.observe(full, view, seen)) is not None:
        if not isinstance(command, Script) or command.changing:
            raise LookRefused(f"{action} would do more than look")
        result = connection.run(command, timeout_s)
        if not result.ok and not found.tolerates(full, view, result):
            raise LookRefused(result.errors[0].message if result.errors else f"{command.name} failed")
        seen.append(result)
    decision = found.decide(full, view, seen)
    if isinstance(decision, Change):
        raise LookRefused(f"{action} would do more than look")
    return decision.result
