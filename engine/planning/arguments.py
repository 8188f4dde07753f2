"""A step's arguments: checked against the action's schema, defaults filled in, and what is known now resolved.

Known at planning are ``params`` (but for secrets), ``host`` and, where one was given, ``run.baseline``; a template that
reads anything else stays a template.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.language.failure import ExpressionFailed
from engine.language.template import render
from engine.model.data import JsonMap, JsonValue
from engine.model.diagnostic import Diagnostic
from engine.model.expression import Template
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.plan import BoundParam
from engine.model.runbook import ArgValue, StepSpec
from engine.planning.findings import error
from engine.planning.fit import Misfit, misfits
from engine.planning.plan_json import frozen
from engine.ports.action import ActionInfo


def argument_findings(step: StepSpec, info: ActionInfo, args: Mapping[str, ArgValue]) -> tuple[Diagnostic, ...]:
    """What does not fit the action's arguments, each at the argument meant; what is not known yet is not judged."""
    return tuple(
        error(
            "R452",
            f"{info.name}: {one.place}: {one.message}" if one.path else f"{info.name}: {one.message}",
            _place(step, one),
            one.hint or f"runbook actions {info.name} shows its arguments",
        )
        for one in misfits(with_defaults(args, info.arguments), info.arguments)
    )


def _place(step: StepSpec, misfit: Misfit) -> Origin:
    """The place of the part meant, else of the nearest part around it that has one."""
    if misfit.is_key and f"{misfit.place}:" in step.arg_origins:
        return step.arg_origins[f"{misfit.place}:"]
    for length in range(len(misfit.path), 0, -1):
        dotted = ".".join(str(part) for part in misfit.path[:length])
        if dotted in step.arg_origins:
            return step.arg_origins[dotted]
    return step.at("action")


def with_defaults(args: Mapping[str, ArgValue], schema: JsonMap) -> dict[str, ArgValue]:
    """The arguments with the schema's defaults filled in, also inside mappings that were written."""
    properties: Any = schema.get("properties", {})
    filled: dict[str, ArgValue] = dict(args)
    for name, inner in properties.items():
        if not isinstance(inner, Mapping):
            continue
        if name not in filled and "default" in inner:
            filled[name] = frozen(inner["default"])
        written = filled.get(name)
        if isinstance(written, Mapping):
            filled[name] = with_defaults(written, inner)
    return filled


def known_params(params: tuple[BoundParam, ...]) -> dict[str, Any]:
    """The inputs that templates may be filled with now."""
    return {one.name: one.value for one in params if not one.secret}


def host_namespace(host: Host | None) -> dict[str, Any] | None:
    """``host`` as expressions see it."""
    if host is None:
        return None
    return {"name": host.name, "groups": list(host.groups), "vars": dict(host.variables)}


def reads_host(value: ArgValue) -> bool:
    """True if some template in the value reads ``host``."""
    if isinstance(value, Template):
        return any(path[0] == "host" for path in value.names)
    if isinstance(value, Mapping):
        return any(reads_host(item) for item in value.values())
    return isinstance(value, tuple) and any(reads_host(item) for item in value)


def resolve(
    value: ArgValue, params: Mapping[str, Any], host: Host | None, baseline: JsonValue = None
) -> tuple[ArgValue, tuple[Diagnostic, ...]]:
    """The value with every template filled in that can be, and a finding for each that should be and has no value."""
    found: list[Diagnostic] = []
    known: dict[str, Any] = {"params": params}
    if host is not None:
        known["host"] = host_namespace(host)
    if baseline is not None:
        known["run"] = {"baseline": baseline}
    return _resolved(value, known, found), tuple(found)


def _resolved(value: ArgValue, known: Mapping[str, Any], found: list[Diagnostic]) -> ArgValue:
    if isinstance(value, Template):
        return _filled(value, known, found)
    if isinstance(value, Mapping):
        return {key: _resolved(item, known, found) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_resolved(item, known, found) for item in value)
    return value


def _is_known(path: Sequence[str], known: Mapping[str, Any]) -> bool:
    if path[0] == "params":
        return len(path) > 1 and path[1] in known["params"]
    if path[0] == "run":
        return path[1:2] == ("baseline",) and len(path) > 2 and "run" in known  # noqa: PLR2004 - a part of it
    return path[0] == "host" and "host" in known


def _filled(template: Template, known: Mapping[str, Any], found: list[Diagnostic]) -> ArgValue:
    if not all(_is_known(path, known) for path in template.names):
        return template
    host = known.get("host")
    try:
        filled: ArgValue = frozen(render(template, known))
    except ExpressionFailed as failed:
        place = f" on {host['name']}" if host is not None and reads_host(template) else ""
        found.append(error("P509", f"a value cannot be worked out{place}: {failed}", template.origin, failed.remedy))
        return template
    return filled
