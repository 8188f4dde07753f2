"""An event without secrets, and still the same event.

What hosts, people and rendered texts said is masked. The engine's own words are not: kinds, statuses, times, digests
and the names of steps and hosts. They never come out of a secret, and a record in which they are stars cannot be read
again. A secret of four digits sooner or later stands in a time or in a digest.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from engine.model import event as ev
from engine.model.data import JsonMap, JsonValue

Mask = Callable[[JsonValue], JsonValue]
Event = TypeVar("Event", bound=ev.RunEvent)

SAID_FIELDS = frozenset(
    {"title", "operator", "jump_host", "why", "before", "after", "commands", "result", "undo", "remedy", "pays"}
    | {"show", "question", "by", "reason", "summary", "text", "name", "exits_before", "exits_after"}
)
# Of the parts of an event; their other fields are the engine's own words.
_SAID_IN: Mapping[str, frozenset[str]] = {
    "proofs": frozenset({"subject"}),
    "evidence": frozenset({"caption"}),
    "errors": frozenset({"message", "category", "position", "types"}),
    "owes": frozenset({"key", "what", "how"}),
}


def masked(event: Event, mask: Mask) -> Event:
    """The event as it may be recorded and shown."""
    data = ev.event_to_json(event)
    if mask(data) == data:  # nearly always: one search, and nothing to build
        return event
    shown = ev.event_from_json({name: _field(name, value, mask) for name, value in data.items()})
    return cast("Event", shown)  # the kind is never masked


def _field(name: str, value: JsonValue, mask: Mask) -> JsonValue:
    if name in SAID_FIELDS:
        return mask(value)
    if name in _SAID_IN and isinstance(value, (list, tuple)):
        return [_part(one, _SAID_IN[name], mask) for one in value if isinstance(one, Mapping)]
    if name == "answers" and isinstance(value, Mapping):
        return {key: mask(label) for key, label in value.items()}
    return value


def _part(part: JsonMap, said: frozenset[str], mask: Mask) -> JsonMap:
    # A proof about its own host names it as the event does.
    known = (part.get("host"), "estate")
    return {name: mask(value) if name in said and value not in known else value for name, value in part.items()}
