"""One action as a page of text: what it does, its arguments, its result."""

import textwrap
from collections.abc import Mapping
from typing import Any


def action_text(action: Mapping[str, Any]) -> str:
    """The page, at most 100 columns wide."""
    by = {"operator": "done by: a person", "engine": "done by: the engine, on no host"}
    where = by.get(action["runs_on"], f"on: {', '.join(action['platforms'])}")
    traits = [f"effect: {action['effect']}", f"again: {action['rerun']}", where]
    traits += ["disruptive"] if action["disruptive"] else []
    traits += ["gives facts"] if action["facts"] else []
    traits += [f"yields {', '.join(action['yields'])}"] if action["yields"] else []
    traits += [f"needs {', '.join(action['consumes'])}"] if action["consumes"] else []
    lines = [f"{action['name']}: {action['summary']}", "  " + "; ".join(traits)]
    for title in ("arguments", "result"):
        lines += ["", title.capitalize(), *_properties(action[title])]
    return "\n".join(lines)


def _properties(schema: Mapping[str, Any]) -> list[str]:
    properties = schema.get("properties", {})
    required = set(schema.get("required", ()))
    lines: list[str] = []
    for name, part in properties.items():
        notes = [_kind(part)]
        notes += ["required"] if name in required else []
        notes += [f"default {part['default']!r}"] if "default" in part else []
        lines.append(f"  {name} ({', '.join(notes)})")
        lines += textwrap.wrap(part.get("description", ""), 96, initial_indent="      ", subsequent_indent="      ")
    return lines or ["  none"]


def _kind(part: Mapping[str, Any]) -> str:
    if "enum" in part:
        return " | ".join(str(one) for one in part["enum"])
    kind = part.get("type")
    if isinstance(kind, list):
        return " or ".join(kind)
    return str(kind) if kind else "any of several kinds"
