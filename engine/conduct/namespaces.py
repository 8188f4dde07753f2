"""The five namespaces that an expression may read, for one step run; they never merge."""

from collections.abc import Mapping
from typing import Any

from engine.conduct.effects import UNKNOWN_IN_CHECK
from engine.conduct.state import RunState, StepRunState
from engine.model.expression import Template
from engine.model.plan import ENGINE_HOST, Plan, PlannedStep
from engine.model.runbook import ArgValue
from engine.model.secret import STARS, Secret
from engine.model.status import GOOD, Status

Namespaces = Mapping[str, Any]


def has_template(value: ArgValue) -> bool:
    """True if some part of an argument has to be rendered: only then are the namespaces worth putting together."""
    if isinstance(value, Mapping):
        return any(has_template(one) for one in value.values())
    return any(has_template(one) for one in value) if isinstance(value, tuple) else isinstance(value, Template)


def holds_stars(value: Any) -> bool:
    """True if a text in it has stars where the record hides a secret."""
    if isinstance(value, Mapping):
        return any(holds_stars(one) for one in value.values())
    if isinstance(value, (list, tuple)):
        return any(holds_stars(one) for one in value)
    return isinstance(value, str) and STARS in value


def namespaces(
    plan: Plan, state: RunState, host: str, secret_params: Mapping[str, Secret], before: str | None = None
) -> dict[str, Any]:
    """What is known for a step run on ``host``; ``before`` limits ``steps`` to those before that id."""
    earlier = _steps_before(plan, before)
    return {
        "params": {one.name: secret_params.get(one.name) if one.secret else one.value for one in plan.params},
        "host": _host(plan, host),
        "facts": facts_of(plan, state, host),
        "steps": {step.id: _step(state, step, host) for step in earlier},
        "run": _run(plan, state),
    }


def _steps_before(plan: Plan, step_id: str | None) -> tuple[PlannedStep, ...]:
    if step_id is None:
        return plan.steps
    return plan.steps[: next(n for n, step in enumerate(plan.steps) if step.id == step_id)]


def _host(plan: Plan, host: str) -> dict[str, Any]:
    return {
        "name": host,
        "groups": list(plan.host_groups.get(host, ())),
        "vars": dict(plan.host_variables.get(host, {})),
    }


def _run(plan: Plan, state: RunState) -> dict[str, Any]:
    started = state.started
    return {
        "id": started.run_id if started else "",
        "check": bool(started and started.check),
        "operator": started.operator if started else "",
        "baseline": plan.baseline,
    }


def facts_of(plan: Plan, state: RunState, host: str) -> dict[str, Any]:
    """The merged results of the fact-giving steps that ended well on this host, in plan order."""
    facts: dict[str, Any] = {}
    for step in plan.steps:
        if step.facts and host in step.hosts:
            ended = state.of(step.id, host).ended
            if ended is not None and ended.status in GOOD:
                facts.update(ended.result)
    return facts


def _result(one: StepRunState) -> dict[str, Any]:
    """Check mode: a step run that would change something reads as if it had; one that is not known has no field."""
    status, changed = one.status, bool(one.ended and one.ended.changed)
    if one.ended is not None and status is Status.SKIPPED:
        if one.ended.why.startswith(UNKNOWN_IN_CHECK):
            return {}
        status = Status.CHANGED if changed else status
    own = {"status": status.value, "changed": changed, "skipped": status is Status.SKIPPED}
    return {**(dict(one.ended.result) if one.ended else {}), **own}


def _step(state: RunState, step: PlannedStep, host: str) -> dict[str, Any]:
    """The result on this host, else that of the only host, else nothing but ``hosts``."""
    by_host = {name: _result(state.of(step.id, name)) for name in step.hosts if name != ENGINE_HOST}
    if host in step.hosts:
        own = _result(state.of(step.id, host))
    elif len(step.hosts) == 1:
        own = _result(state.of(step.id, step.hosts[0]))
    else:
        own = {}
    return {**own, "hosts": by_host}
