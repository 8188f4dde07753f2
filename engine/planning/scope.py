"""Which names a step may read, as JSON Schemas: the same table for a runbook as written and for a plan.

``subjects`` of a step are the names of its target sets (a runbook as written) or its hosts (a plan). A step's result is
readable directly if the reader runs on its subjects or it has only one; else only ``hosts`` of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.model.data import JsonMap
from engine.model.runbook import ParamSpec
from engine.model.status import Status
from engine.ports.action import ActionInfo, RunsOn

TEXT: JsonMap = {"type": "string"}
FLAG: JsonMap = {"type": "boolean"}
BASELINE: JsonMap = {"type": ["object", "null"]}  # none, if none was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """A step as others read it: its id, the schema of its result, its subjects. ``is_exact`` is true of a plan."""

    id: str
    result: JsonMap
    subjects: tuple[str, ...]
    facts: bool = False
    is_exact: bool = False


def result_of(args: Mapping[str, Any], info: ActionInfo) -> JsonMap:
    """The schema of a step's result; the answer of a question is one of the keys that the step offers."""
    answers = args.get("answers")
    properties: Any = info.result.get("properties", {})
    if info.runs_on is not RunsOn.OPERATOR or not isinstance(answers, Mapping) or not answers:
        return info.result
    return {**info.result, "properties": {**properties, "answer": {"type": "string", "enum": list(answers)}}}


def closed(properties: Mapping[str, Any]) -> JsonMap:
    """A mapping with these names and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": sorted(properties),
        "additionalProperties": False,
    }


def namespaces(
    params: Mapping[str, ParamSpec],
    earlier: Sequence[Readable],
    subjects: Sequence[str],
    result: JsonMap | None = None,
) -> dict[str, JsonMap]:
    """Schemas by namespace for a step on ``subjects``; ``result`` is given for its wait."""
    known: dict[str, JsonMap] = {
        "params": closed({name: one.schema for name, one in params.items()}),
        "host": closed({"name": TEXT, "groups": {"type": "array", "items": TEXT}, "vars": {"type": "object"}}),
        "facts": _facts(earlier, subjects),
        "steps": closed({one.id: _step(one, subjects) for one in earlier}),
        "run": closed({"id": TEXT, "check": FLAG, "operator": TEXT, "baseline": BASELINE}),
    }
    if result is not None:
        known["result"] = result
    return known


def _facts(earlier: Sequence[Readable], subjects: Sequence[str]) -> JsonMap:
    """The fields of every fact-giving step before, on these subjects; a plan wants all of them covered."""
    merged: dict[str, Any] = {}
    is_open = False
    for one in earlier:
        covers = set(subjects) <= set(one.subjects) if one.is_exact else set(subjects) & set(one.subjects)
        if one.facts and covers:
            properties: Any = one.result.get("properties", {})
            merged.update(properties)
            is_open = is_open or one.result.get("additionalProperties", True) is not False
    return {"type": "object", "properties": merged, "additionalProperties": is_open}


def _step(one: Readable, subjects: Sequence[str]) -> JsonMap:
    own = {"status": {"type": "string", "enum": [status.value for status in Status]}, "changed": FLAG, "skipped": FLAG}
    properties: Any = one.result.get("properties", {})
    whole = {**one.result, "type": "object", "properties": {**properties, **own}}
    by_host: JsonMap = {"type": "object", "additionalProperties": whole}
    if not _is_direct(one, subjects):
        return closed({"hosts": by_host})
    return {**whole, "properties": {**properties, **own, "hosts": by_host}}


def _is_direct(one: Readable, subjects: Sequence[str]) -> bool:
    """Read on the same host, or the only one; of names of target sets only a plan can tell for sure."""
    if not one.is_exact or len(one.subjects) == 1:
        return True
    return bool(subjects) and set(subjects) <= set(one.subjects)
