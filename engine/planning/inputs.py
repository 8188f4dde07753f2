"""Inputs bound: what was given or the default, typed by the declaration and never by guessing.

A secret input is given as a reference (``env:NAME``, ``file:PATH``, ``prompt:LABEL``, ``keyring:SERVICE/NAME``): its
value never stands on a command line, in a plan or in a record.
"""

import json
from collections.abc import Mapping
from typing import Any

from engine.language.nearest import did_you_mean
from engine.model.data import JsonValue
from engine.model.diagnostic import Diagnostic
from engine.model.plan import BoundParam
from engine.model.runbook import ParamSpec, RunbookSpec
from engine.planning.findings import error
from engine.planning.fit import misfits
from engine.planning.plan_json import frozen

GIVEN, DEFAULT = "command line", "default"
SECRET_SCHEMES = ("env", "file", "prompt", "keyring")


def bind(spec: RunbookSpec, given: Mapping[str, JsonValue]) -> tuple[tuple[BoundParam, ...], tuple[Diagnostic, ...]]:
    """Every declared input with its value, in the order of declaration, and what is wrong with the given ones."""
    found = [
        error(
            "P520", f'the runbook {spec.name} has no parameter "{name}"', spec.origin, did_you_mean(name, spec.params)
        )
        for name in given
        if name not in spec.params
    ]
    bound = []
    for param in spec.params.values():
        one, finding = _bind(param, given)
        if finding is not None:
            found.append(finding)
        if one is not None:
            bound.append(one)
    return tuple(bound), tuple(found)


def _bind(param: ParamSpec, given: Mapping[str, JsonValue]) -> tuple[BoundParam | None, Diagnostic | None]:
    if param.name not in given and not param.has_default:
        how = "env:NAME" if param.secret else "VALUE"
        about = f": {param.description}" if param.description else ""
        finding = error(
            "P521", f"the parameter {param.name} has no value{about}", param.origin, f"give it: -e {param.name}={how}"
        )
        return None, finding
    source = GIVEN if param.name in given else DEFAULT
    raw = given.get(param.name, param.default)
    if param.secret:
        return _secret(param, raw)
    value = typed(raw, param.schema) if source == GIVEN and isinstance(raw, str) else raw
    misfit = next(misfits(value, param.schema), None)
    if misfit is not None:
        where = f"{param.name}.{misfit.place}" if misfit.path else param.name
        return None, error("P522", f"the parameter {where}: {misfit.message}", param.origin, misfit.hint)
    return BoundParam(name=param.name, value=frozen(value), source=source), None


def _secret(param: ParamSpec, raw: JsonValue) -> tuple[BoundParam | None, Diagnostic | None]:
    scheme, colon, name = raw.partition(":") if isinstance(raw, str) else ("", "", "")
    if not (colon and name and scheme in SECRET_SCHEMES):
        return None, error(
            "P523",
            f"the parameter {param.name} is secret and takes a reference, not the value itself",
            param.origin,
            f"name the place it is kept in: -e {param.name}=env:NAME (or file:, prompt:, keyring:)",
        )
    return BoundParam(name=param.name, value=None, source=f"{scheme}:{name}", secret=True), None


def typed(text: str, schema: Mapping[str, Any]) -> JsonValue:
    """A text from the command line as the type that the schema names; text that is no such value stays text."""
    kinds = schema.get("type", "string")
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind == "string":
            return text
        value: JsonValue = _read(text)
        if value is not _UNREADABLE and not any(misfits(value, {"type": kind})):
            return value
    return text


_UNREADABLE: Any = object()


def _read(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _UNREADABLE


def _refuse(word: str) -> None:
    raise ValueError(word)
