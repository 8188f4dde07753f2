"""Runbooks that a runbook runs: planned together with it, so that what they lack is known before a host is touched, and
covered by its plan, so that what runs is what was planned.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from engine.app import documents
from engine.app.request import PlanRequest
from engine.app.wiring import catalogue
from engine.conduct.state import RunState
from engine.model.diagnostic import Diagnostic, Severity
from engine.model.errors import DocumentsRejected, EngineError, PlanOutdated
from engine.model.expression import Template
from engine.model.inventory import Inventory
from engine.model.plan import Plan, PlannedStep
from engine.model.runbook import RunbookSpec, StepSpec
from engine.model.status import Effect, Status
from engine.planning.children import Nested, permanent_always, tree_digest, unplannable, worst, worst_written
from engine.planning.drafting import is_left_out
from engine.planning.findings import listed
from engine.planning.proofs import APPROVAL
from engine.planning.waypoints import required
from engine.ports.action import ActionInfo, RunsOn

ACTION = "runbook"
_DEEPEST = 5


def beside(runbook: str, name: str) -> Path:
    """The runbook of that name in the same folder, else the shipped one."""
    from engine.model.packaged import root

    found = Path(runbook).parent / f"{name}.yaml"
    return found if found.exists() else next(iter(sorted(root("runbooks").glob(f"*/{name}.yaml"))), found)


def request_of(request: PlanRequest, name: str, params: Mapping[str, Any], limit: str | None) -> PlanRequest:
    """What a step asks for, on the same inventory and with the same baseline."""
    return replace(
        request,
        runbook=str(beside(request.runbook, name)),
        params=(json.dumps(dict(params)),) if params else (),
        limit=limit or request.limit,
        tags=None,
        start_at=None,
    )


class Planned(Protocol):
    """What planning gives; here only the plan counts."""

    @property
    def plan(self) -> Plan:
        """The plan."""


Make: TypeAlias = Callable[[PlanRequest, int], Planned]


def child_findings(
    plan: Plan, spec: RunbookSpec, request: PlanRequest, make: Make, depth: int
) -> tuple[tuple[Diagnostic, ...], Mapping[str, Nested]]:
    """What is wrong with the runbooks that this one runs, each at the step that runs it; and what the plan has to say
    of them.
    """
    params = {one.name: one.value for one in plan.params if not one.secret}
    written = {step.id: step for step in spec.steps}
    found: list[Diagnostic] = []
    nested: dict[str, Nested] = {}
    for step in plan.steps:
        if step.action == ACTION and not is_left_out(params, written[step.id]):
            effect = _one(step, request, make, depth, found)
            if step.always and effect is Effect.PERMANENT:
                found.append(permanent_always(step))
            nested[step.id] = Nested(effect, None if found else covered(request, str(step.args["name"])))
    return tuple(found), nested


def covered(request: PlanRequest, name: str) -> str:
    """The digest of the runbook of that name and of all that it runs, as the files are now."""
    return _tree(request.runbook, name, documents.inventory(request.inventory), 0) or ""


def _tree(runbook: str, name: str, inventory: Inventory, depth: int) -> str | None:
    """None for what cannot be read or has no end: a step that is left out may name it."""
    if depth > _DEEPEST:
        return None
    try:
        spec = documents.runbook(str(beside(runbook, name))).spec
    except EngineError:
        return None
    steps = [one for one in spec.steps if one.action == ACTION]
    return tree_digest(
        spec, inventory, {one.id: _tree(spec.file, str(one.args.get("name")), inventory, depth + 1) for one in steps}
    )


def asked_within(plan: Plan) -> frozenset[str] | None:
    """The ids of the steps that ask a person something in the runbooks that this plan runs, in their whole depth; None
    if that cannot be known, as one of them cannot be read.
    """
    within = (step for step in plan.steps if step.action == ACTION)
    return _all(_asking(step.origin.file, str(step.args["name"]), 0) for step in within)


def _asking(runbook: str, name: str, depth: int) -> frozenset[str] | None:
    try:
        spec = documents.runbook(str(beside(runbook, name))).spec if depth <= _DEEPEST else None
    except EngineError:
        return None
    if spec is None:
        return None
    infos = {key: one.info for key, one in catalogue().actions.items()}
    own = (one.id for one in spec.steps if one.action in infos and _asks(one, infos[one.action]))
    within = (one for one in spec.steps if one.action == ACTION)
    return _all((frozenset(own), *(_asking(spec.file, str(one.args["name"]), depth + 1) for one in within)))


def _asks(step: StepSpec, info: ActionInfo) -> bool:
    return info.runs_on is RunsOn.OPERATOR or any(one.kind == APPROVAL for one in required(step, info))


def _all(found: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    each = list(found)
    return None if None in each else frozenset().union(*(one for one in each if one is not None))


def refuse_changed(step: PlannedStep, request: PlanRequest) -> None:
    """``PlanOutdated`` if the runbook that the step runs is not what was planned. A plan made before plans covered that
    says nothing of it.
    """
    name = str(step.args["name"])
    if step.runs is not None and covered(request, name) != step.runs:
        raise PlanOutdated(
            f"the runbook {name} is not what step {step.id} was planned to run: since then its content changed, or "
            "that of a runbook it runs, or an entry of their hosts in the inventory",
            remedy="put it back as it was, or make a new plan, review it, and run that one",
        )


def _one(step: PlannedStep, request: PlanRequest, make: Make, depth: int, found: list[Diagnostic]) -> Effect:
    name, given, limit = step.args.get("name"), step.args.get("params"), step.args.get("limit")
    assert isinstance(name, str), "validation refuses a name that is an expression"
    if depth >= _DEEPEST:
        hint = "take one of them out"
        found.append(unplannable(step, f"runs {name}, and runbooks run each other without an end", hint))
        return step.effect
    params = dict(given) if isinstance(given, Mapping) else {}
    asked = request_of(request, name, {}, limit if isinstance(limit, str) else None)
    try:
        if not _has_template(params):
            planned = make(replace(asked, params=(json.dumps(_plain(params)),)), depth + 1)
            return worst(one.effect for one in planned.plan.steps)
        child = documents.runbook(asked.runbook).spec
        found.extend(_names(step, child, params))
        return worst_written(child, {key: one.info for key, one in catalogue().actions.items()})
    except DocumentsRejected as rejected:
        first = next(one for one in rejected.diagnostics if one.severity is Severity.ERROR)
        found.append(unplannable(step, f"runs {name}, which cannot be planned: {first}", first.hint))
    except EngineError as failure:
        found.append(unplannable(step, f"runs {name}: {failure.message}", failure.remedy))
    return step.effect


def _names(step: PlannedStep, child: RunbookSpec, params: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Values are not known yet, but names are."""
    known = child.params
    unknown = sorted(set(params) - set(known))
    missing = sorted(one.name for one in known.values() if not one.has_default and one.name not in params)
    if unknown:
        message = f"gives {listed(unknown)} to {child.name}, which has no such parameter"
        yield unplannable(step, message, f"it has: {listed(tuple(known))}")
    if missing:
        message = f"runs {child.name} without {listed(missing)}, which it needs"
        yield unplannable(step, message, "give it under params")


def _has_template(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_template(one) for one in value.values())
    return isinstance(value, Template) or (isinstance(value, (tuple, list)) and any(map(_has_template, value)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (tuple, list)) else value


def to_be_run(plan: Plan, state: RunState) -> Iterator[PlannedStep]:
    """The steps of a run whose runbooks have not been begun; one that was has its own plan on record."""
    for step in plan.steps:
        if step.runs is not None and any(state.of(step.id, host).status is Status.PENDING for host in step.hosts):
            yield step
