"""Every path that a step reads, looked up in what is known at that step; and conditions that are not true or false."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.language.expression import place_in
from engine.language.nearest import did_you_mean, nearest
from engine.model.data import JsonMap
from engine.model.diagnostic import Diagnostic
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.plan import PlannedStep
from engine.model.runbook import StepSpec
from engine.planning.findings import error
from engine.planning.fit import kind_of
from engine.planning.reading import Reading, readings

Scope = Mapping[str, JsonMap]
_WORDS: Mapping[str, str] = {
    "null": "nothing",
    "integer": "a number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
}


def reference_findings(step: StepSpec | PlannedStep, scope: Scope, later: Sequence[str]) -> Iterator[Diagnostic]:
    """What the step reads and cannot; ``later`` are the ids of this step and those after it."""
    until = step.wait.until if step.wait is not None else None
    for one in dict.fromkeys(readings(step)):
        known = scope if one is until else {name: schema for name, schema in scope.items() if name != "result"}
        for path in one.names:
            yield from _path(step.id, one, path, known, later)
    for condition in (step.when, until):
        if condition is not None:
            yield from _boolean(step.id, condition, scope)


def _path(step: str, one: Reading, path: tuple[str, ...], scope: Scope, later: Sequence[str]) -> Iterator[Diagnostic]:
    if path[0] not in scope:
        place = _place(one, path)
        yield error("R470", f"step {step}: {path[0]} cannot be read here", place, "result is read in wait.until only")
        return
    schema: Any = scope[path[0]]
    for depth, name in enumerate(path[1:], start=1):
        if not isinstance(schema, Mapping):
            return
        found = _below(schema, name)
        if found is None:
            yield _unknown(step, one, path[: depth + 1], schema, later)
            return
        schema = found


def _below(schema: Mapping[str, Any], name: str) -> Any:
    """The schema of a member; ``{}`` where anything may be; None where there is no such member."""
    named: Mapping[str, Any] = schema.get("properties", {})
    if name in named:
        return named[name]
    kinds = schema.get("type", "object")
    if "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        return {} if "array" in kinds else None
    rest = schema.get("additionalProperties", True)
    if rest is False:
        return {} if "patternProperties" in schema else None
    return {} if rest is True else rest


def _unknown(
    step: str, one: Reading, path: tuple[str, ...], schema: Mapping[str, Any], later: Sequence[str]
) -> Diagnostic:
    name, place = path[-1], _place(one, path)
    known: Mapping[str, Any] = schema.get("properties", {})
    hint = did_you_mean(name, known)
    match path:
        case ("steps", _) if name in later:
            when = "itself" if name == later[0] else f"step {name}, which comes later"
            return error("R472", f"step {step} reads the result of {when}", place, "read only steps that come before")
        case ("steps", _):
            near = nearest(name, later[1:])
            hint = (
                f'"{near}" comes later: read only steps that come before'
                if nearest(name, known) is None and near
                else hint
            )
            return error("R471", f'step {step}: there is no step "{name}"', place, hint)
        case ("steps", other, _) if set(known) == {"hosts"}:
            return error(
                "R474",
                f"step {step}: step {other} ran on several hosts, so {'.'.join(path)} does not say which",
                place,
                f"read steps.{other}.hosts, or run this step on the same hosts",
            )
        case ("steps", other, _):
            return error("R473", f'step {step}: the result of step {other} has no "{name}"', place, hint)
        case ("facts", _):
            if not known:
                hint = "add a step before it whose action gives facts, such as windows.host, on the same hosts"
            return error("R475", f'step {step}: no step before it gathers the fact "{name}" of its hosts', place, hint)
    return error("R476", f'step {step}: {".".join(path[:-1])} has no "{name}"', place, hint)


def _place(one: Reading, path: tuple[str, ...]) -> Origin:
    offset = one.text.find(".".join(path))
    return place_in(one.origin, one.text, max(offset, 0))


def _boolean(step: str, condition: Expression, scope: Scope) -> Iterator[Diagnostic]:
    """Found where the whole condition is one path whose type is known; a run refuses every other."""
    kind = _kind_of_path(condition, scope)
    if kind is not None and kind != "boolean":
        yield error(
            "R477",
            f"step {step}: the condition {condition.text} is {_WORDS[kind]}, not true or false",
            condition.origin,
            "compare it with something, such as == 1",
        )


def _kind_of_path(condition: Expression, scope: Scope) -> str | None:
    if len(condition.names) != 1 or ".".join(condition.names[0]) != condition.text.strip():
        return None
    path = condition.names[0]
    schema: Any = scope.get(path[0])
    for name in path[1:]:
        if not isinstance(schema, Mapping):
            return None
        schema = _below(schema, name)
    if not isinstance(schema, Mapping):
        return None
    if "const" in schema:
        return kind_of(schema["const"])
    kind = schema.get("type")
    return kind if isinstance(kind, str) else None
