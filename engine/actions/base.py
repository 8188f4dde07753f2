"""The pieces every built-in action shares: its schemas, its scripts, and the usual ``tolerates`` and ``verify``.

To write an action: subclass ``BuiltIn``, give ``info``, ``observe`` and ``decide``, and name the class in ``BUILTIN``.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from engine.model.command import Argument, Command, Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.packaged import payload, schema_text
from engine.model.result import Change, CommandResult, Decision, Refuse
from engine.ports.action import ActionInfo, Arguments, Seen


@cache
def _definitions(name: str) -> Mapping[str, JsonMap]:
    definitions: Mapping[str, JsonMap] = json.loads(schema_text(f"actions/{name}"))["$defs"]
    return definitions


def describe(name: str, **declared: Any) -> ActionInfo:
    """An action's declaration; arguments and result come from ``schemas/actions/NAME.schema.json``."""
    definitions = _definitions(name)
    return ActionInfo(name=name, arguments=definitions["arguments"], result=definitions["result"], **declared)


def script(name: str, arguments: Arguments | None = None, *, changing: bool = False) -> Script:
    """The packaged PowerShell payload of that file name."""
    return Script(name=name, text=payload(name), arguments=arguments or {}, changing=changing)


def as_list(value: Argument) -> tuple[str, ...]:
    """A text or a list of texts, as a tuple."""
    if isinstance(value, (list, tuple)):
        return tuple(str(item) for item in value)
    return () if value is None else (str(value),)


def maps(value: JsonValue) -> tuple[JsonMap, ...]:
    """The mappings of a list that a host sent; anything else is left out, as an answer is data and never trusted."""
    items = value if isinstance(value, (list, tuple)) else ()
    return tuple(item for item in items if isinstance(item, Mapping))


def whole(value: object) -> int:
    """A whole number that a host sent, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


class BuiltIn:
    """Defaults of the action contract: no failed look is an answer; a change must leave nothing to do."""

    info: ClassVar[ActionInfo]

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """See the contract."""
        raise NotImplementedError

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """See the contract."""
        raise NotImplementedError

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """No failed look is an answer."""
        del args, host, failed
        return False

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """Decide again; a change that is still due did not take."""
        del before, applied
        decision = self.decide(args, host, after)
        if isinstance(decision, Change):
            return Refuse(why=f"The change did not take. {decision.why}", result=decision.result)
        return decision
