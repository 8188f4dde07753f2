"""Use case: what actions there are, read from what they declare."""

from difflib import get_close_matches
from typing import Any

from engine.app.wiring import catalogue
from engine.model.errors import UsageMistake


def listed() -> list[dict[str, str]]:
    """Name, effect and summary of each, in the order of names."""
    actions = catalogue().actions
    return [
        {"name": name, "effect": actions[name].info.effect.value, "summary": actions[name].info.summary}
        for name in sorted(actions)
    ]


def described(name: str) -> dict[str, Any]:
    """One action, whole."""
    actions = catalogue().actions
    if name not in actions:
        near = get_close_matches(name, actions, n=1)
        remedy = f"did you mean {near[0]}?" if near else "runbook actions lists them"
        raise UsageMistake(f"there is no action {name}", remedy=remedy)
    info = actions[name].info
    return {
        "name": info.name,
        "summary": info.summary,
        "effect": info.effect.value,
        "rerun": info.rerun.value,
        "platforms": list(info.platforms),
        "runs_on": info.runs_on.value,
        "disruptive": info.disruptive,
        "yields": list(info.yields),
        "consumes": list(info.consumes),
        "facts": info.facts,
        "timeout_s": info.timeout_s,
        "arguments": info.arguments,
        "result": info.result,
    }
