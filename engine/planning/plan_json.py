"""A plan as plain data and back, exactly: a saved plan is what runs.

A value that is not known yet is ``{"$template": TEXT, "names": [..], "at": [file, line, column]}``; a written mapping
that could be mistaken for one is wrapped as ``{"$map": {..}}``.
"""

from collections.abc import Mapping
from typing import Any

from engine.model.data import JsonMap, JsonValue
from engine.model.expression import Expression, Template
from engine.model.origin import Origin
from engine.model.plan import BoundParam, Exits, Plan, PlannedStep
from engine.model.runbook import ArgValue, Requirement, RetrySpec, WaitSpec
from engine.model.status import Effect, Rerun

FORMAT = "plan/v1"
_TEMPLATE, _MAP = "$template", "$map"


def plan_to_json(plan: Plan) -> JsonMap:
    """The plan as JSON data; the inverse of ``plan_from_json``."""
    return {
        "schema": FORMAT,
        "runbook": plan.runbook,
        "version": plan.version,
        "title": plan.title,
        "file": plan.file,
        "engine_version": plan.engine_version,
        "runbook_digest": plan.runbook_digest,
        "inventory_file": plan.inventory_file,
        "inventory_digest": plan.inventory_digest,
        "digest": plan.digest,
        "params": [_param(one) for one in plan.params],
        "hosts": list(plan.hosts),
        "host_variables": {name: _plain(value) for name, value in plan.host_variables.items()},
        "host_groups": {name: list(groups) for name, groups in plan.host_groups.items()},
        "host_platforms": dict(plan.host_platforms),
        "point_of_no_return": plan.point_of_no_return,
        "baseline": _plain(plan.baseline),
        "steps": [_step(one) for one in plan.steps],
    }


def plan_from_json(data: JsonMap) -> Plan:
    """The plan that ``plan_to_json`` wrote; other data is a ``KeyError``, ``TypeError`` or ``ValueError``."""
    raw: Mapping[str, Any] = data
    if raw["schema"] != FORMAT:
        raise ValueError(f"this engine reads {FORMAT}, not {raw['schema']}")
    return Plan(
        runbook=raw["runbook"],
        version=raw["version"],
        title=raw["title"],
        file=raw["file"],
        engine_version=raw["engine_version"],
        runbook_digest=raw["runbook_digest"],
        inventory_file=raw["inventory_file"],
        inventory_digest=raw["inventory_digest"],
        digest=raw["digest"],
        params=tuple(BoundParam(**{**one, "value": frozen(one["value"])}) for one in raw["params"]),
        hosts=tuple(raw["hosts"]),
        host_variables={name: frozen(value) for name, value in raw["host_variables"].items()},
        host_groups={name: tuple(groups) for name, groups in raw["host_groups"].items()},
        host_platforms=dict(raw["host_platforms"]),
        point_of_no_return=raw["point_of_no_return"],
        baseline=frozen(raw["baseline"]),
        steps=tuple(_step_from(one) for one in raw["steps"]),
    )


def frozen(value: Any) -> Any:
    """JSON data with tuples in place of lists."""
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    if isinstance(value, Mapping):
        return {key: frozen(item) for key, item in value.items()}
    return value


def _plain(value: Any) -> JsonValue:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    plain: JsonValue = value
    return plain


# --- parts ------------------------------------------------------------------------------------------


def _param(one: BoundParam) -> JsonMap:
    return {"name": one.name, "value": _plain(one.value), "source": one.source, "secret": one.secret}


def _place(origin: Origin) -> JsonValue:
    return [origin.file, origin.line, origin.column]


def _names(names: tuple[tuple[str, ...], ...]) -> JsonValue:
    return [list(path) for path in names]


def _names_from(raw: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(path) for path in raw)


def _expression(one: Expression) -> JsonMap:
    return {"text": one.text, "names": _names(one.names), "at": _place(one.origin)}


def _expression_from(raw: Any) -> Expression:
    return Expression(raw["text"], Origin(*raw["at"]), _names_from(raw["names"]))


def argument_to_json(value: ArgValue) -> JsonValue:
    """One argument, its templates marked."""
    if isinstance(value, Template):
        return {_TEMPLATE: value.text, "names": _names(value.names), "at": _place(value.origin)}
    if isinstance(value, tuple | list):
        return [argument_to_json(item) for item in value]
    if isinstance(value, Mapping):
        inner = {key: argument_to_json(item) for key, item in value.items()}
        return {_MAP: inner} if _TEMPLATE in value or _MAP in value else inner
    return value


def _argument_from(raw: Any) -> ArgValue:
    if isinstance(raw, list):
        return tuple(_argument_from(item) for item in raw)
    if isinstance(raw, Mapping):
        if _TEMPLATE in raw:
            return Template(raw[_TEMPLATE], Origin(*raw["at"]), _names_from(raw["names"]))
        inner: Mapping[str, Any] = raw.get(_MAP, raw)
        return {key: _argument_from(item) for key, item in inner.items()}
    plain: ArgValue = raw
    return plain


def _arguments(args: Mapping[str, ArgValue]) -> JsonMap:
    return {name: argument_to_json(value) for name, value in args.items()}


def _arguments_from(raw: Any) -> dict[str, ArgValue]:
    return {name: _argument_from(value) for name, value in raw.items()}


def _requirement(one: Requirement) -> JsonMap:
    return {
        "kind": one.kind,
        "subject": one.subject,
        "host": one.host,
        "max_age_s": one.max_age_s,
        "at": _place(one.origin),
    }


def _requirement_from(raw: Any) -> Requirement:
    return Requirement(
        kind=raw["kind"],
        subject=raw["subject"],
        host=raw.get("host"),
        max_age_s=raw["max_age_s"],
        origin=Origin(*raw["at"]),
    )


def _retry(one: RetrySpec) -> JsonMap:
    return {
        "attempts": one.attempts,
        "delay_s": one.delay_s,
        "backoff": one.backoff,
        "max_delay_s": one.max_delay_s,
    }


def _wait(one: WaitSpec) -> JsonMap:
    return {"until": _expression(one.until), "every_s": one.every_s, "timeout_s": one.timeout_s}


def _wait_from(raw: Any) -> WaitSpec:
    return WaitSpec(until=_expression_from(raw["until"]), every_s=raw["every_s"], timeout_s=raw["timeout_s"])


def _step(one: PlannedStep) -> JsonMap:
    return {
        "index": one.index,
        "id": one.id,
        "name": one.name,
        "action": one.action,
        "effect": one.effect.value,
        "rerun": one.rerun.value,
        "disruptive": one.disruptive,
        "hosts": list(one.hosts),
        "at": _place(one.origin),
        "timeout_s": one.timeout_s,
        "exits": {"before": list(one.exits.before), "after": list(one.exits.after)},
        "why": one.why,
        "args": _arguments(one.args),
        "args_by_host": {host: _arguments(args) for host, args in one.args_by_host.items()},
        "when": None if one.when is None else _expression(one.when),
        "requires": [_requirement(each) for each in one.requires],
        "yields": list(one.yields),
        "retry": None if one.retry is None else _retry(one.retry),
        "wait": None if one.wait is None else _wait(one.wait),
        "serial": one.serial,
        "max_failures": one.max_failures,
        "on_failure": one.on_failure,
        "tags": list(one.tags),
        "facts": one.facts,
        "runs_on": one.runs_on,
        "about": None if one.about is None else list(one.about),
        "about_by_host": {host: list(names) for host, names in one.about_by_host.items()},
        "always": one.always,
        "runs": one.runs,
    }


def _step_from(raw: Mapping[str, Any]) -> PlannedStep:
    return PlannedStep(
        index=raw["index"],
        id=raw["id"],
        name=raw["name"],
        action=raw["action"],
        effect=Effect(raw["effect"]),
        rerun=Rerun(raw["rerun"]),
        disruptive=raw["disruptive"],
        hosts=tuple(raw["hosts"]),
        origin=Origin(*raw["at"]),
        timeout_s=raw["timeout_s"],
        exits=Exits(before=tuple(raw["exits"]["before"]), after=tuple(raw["exits"]["after"])),
        why=raw["why"],
        args=_arguments_from(raw["args"]),
        args_by_host={host: _arguments_from(args) for host, args in raw["args_by_host"].items()},
        when=None if raw["when"] is None else _expression_from(raw["when"]),
        requires=tuple(_requirement_from(each) for each in raw["requires"]),
        yields=tuple(raw["yields"]),
        retry=None if raw["retry"] is None else RetrySpec(**raw["retry"]),
        wait=None if raw["wait"] is None else _wait_from(raw["wait"]),
        serial=raw["serial"],
        max_failures=raw["max_failures"],
        on_failure=raw["on_failure"],
        tags=tuple(raw["tags"]),
        facts=raw["facts"],
        runs_on=raw["runs_on"],
        about=None if raw.get("about") is None else tuple(raw["about"]),
        about_by_host={host: tuple(names) for host, names in raw.get("about_by_host", {}).items()},
        always=raw.get("always", False),
        runs=raw.get("runs"),
    )
