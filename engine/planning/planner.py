"""The plan of a runbook on an inventory: everything that can be known now, resolved and stamped, or why not.

Checked before anything is planned: all that ``runbook validate`` checks. Then inputs, hosts, arguments, the choice by
tags and start, and that every path of what was chosen passes its gates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.model.data import JsonValue
from engine.model.diagnostic import Diagnostic, has_errors
from engine.model.inventory import Inventory
from engine.model.plan import ENGINE_HOST, BoundParam, Plan, PlannedStep
from engine.model.runbook import RunbookSpec
from engine.model.status import Effect
from engine.planning.arguments import known_params
from engine.planning.drafting import Surroundings, draft, names_of
from engine.planning.effects import exits, point_of_no_return
from engine.planning.findings import error, listed, warning
from engine.planning.inputs import bind
from engine.planning.plan_json import frozen
from engine.planning.proofs import ESTATE, unproven
from engine.planning.references import reference_findings
from engine.planning.scope import Readable, namespaces, result_of
from engine.planning.selection import select
from engine.planning.stamp import inventory_digest, stamped
from engine.planning.targets import Targets, limited, lost_to_limit, whole_targets
from engine.planning.validate import check_runbook
from engine.planning.waypoints import of_plan, required
from engine.ports.action import ActionInfo
from engine.ports.edges import Catalogue

Found = tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What the later stages of one planning share."""

    spec: RunbookSpec
    inventory: Inventory
    infos: Mapping[str, ActionInfo]
    params: tuple[BoundParam, ...]
    whole: Targets
    targets: Targets
    baseline: JsonValue


def make_plan(  # noqa: PLR0913 - each is an input of its own, most by keyword
    spec: RunbookSpec,
    inventory: Inventory,
    catalogue: Catalogue,
    *,
    params: Mapping[str, JsonValue],
    limit: str | None = None,
    tags: Sequence[str] = (),
    start_at: str | None = None,
    baseline: JsonValue = None,
    engine_version: str,
) -> tuple[Plan | None, Found]:
    """The plan and what there is to say about it; no plan if any of that is an error."""
    found: list[Diagnostic] = list(check_runbook(spec, catalogue))
    bound, wrong = bind(spec, params)
    found.extend(wrong)
    infos = {name: action.info for name, action in catalogue.actions.items()}
    used = frozenset(name for step in spec.steps for name in step.hosts)
    whole, wrong = whole_targets(spec, inventory)
    found.extend(wrong)
    if has_errors(found):
        return None, tuple(found)
    targets, wrong = limited(spec, inventory, whole, limit, used)
    found.extend(wrong)
    if has_errors(found):
        return None, tuple(found)
    scene = _Scene(
        spec=spec, inventory=inventory, infos=infos, params=bound, whole=whole, targets=targets, baseline=baseline
    )
    steps, more = _steps(scene, tags, start_at)
    found.extend(one for one in more if one not in found)
    if has_errors(found):
        return None, tuple(found)
    return stamped(_plan(scene, steps, engine_version)), tuple(found)


def _steps(scene: _Scene, tags: Sequence[str], start_at: str | None) -> tuple[tuple[PlannedStep, ...], Found]:
    around = Surroundings(
        spec=scene.spec,
        inventory=scene.inventory,
        params=known_params(scene.params),
        targets=scene.targets,
        baseline=scene.baseline,
    )
    around = replace(around, names=names_of(around, scene.infos))
    found: list[Diagnostic] = []
    drafts = []
    for step in scene.spec.steps:
        planned, wrong = draft(around, step, scene.infos[step.action])
        drafts.append(planned)
        found.extend(wrong)
    chosen, wrong = select(tuple(drafts), tags, start_at)
    found.extend(wrong)
    if has_errors(wrong):
        return (), tuple(found)
    found.extend(_references(scene, chosen))
    found.extend(unproven(of_plan(chosen)))
    found.extend(_narrowed_gates(scene, chosen))
    ways_out = exits([step.effect for step in chosen])
    placed = tuple(
        replace(step, index=index, exits=one) for index, (step, one) in enumerate(zip(chosen, ways_out, strict=True))
    )
    return placed, tuple(found)


def _references(scene: _Scene, steps: tuple[PlannedStep, ...]) -> Iterator[Diagnostic]:
    """What a runbook alone cannot tell: whether a result read is of the same host, or of the only one."""
    earlier: list[Readable] = []
    for index, step in enumerate(steps):
        info = scene.infos[step.action]
        result = result_of(step.args, info)
        scope = namespaces(scene.spec.params, earlier, step.hosts, result)
        yield from reference_findings(step, scope, steps[index:])
        earlier.append(Readable(id=step.id, result=result, subjects=step.hosts, facts=info.facts, is_exact=True))


def _narrowed_gates(scene: _Scene, steps: tuple[PlannedStep, ...]) -> Iterator[Diagnostic]:
    """A limit must not make a proof about many hosts cheaper: said before a change, refused before a permanent one."""
    lost = lost_to_limit(scene.spec, scene.whole, scene.targets)
    written = {step.id: step for step in scene.spec.steps}
    for index, step in enumerate(steps):
        for one in required(written[step.id], scene.infos[step.action]):
            gates = [gate for gate in steps[:index] if one.subject == ESTATE and one.kind in gate.yields]
            sets = {name for gate in gates for name in written[gate.id].hosts} | {one.subject, one.host}
            missing = {host for name in sets if name is not None for host in lost.get(name, ())}
            if not missing:
                continue
            finding = error if step.effect is Effect.PERMANENT else warning
            yield finding(
                "P512",
                f"--limit leaves {listed(sorted(missing))} out of the proof {one}, which step {step.id} relies on",
                one.origin,
                "widen the limit, so that the proof speaks of every host it is meant for",
            )


def _plan(scene: _Scene, steps: tuple[PlannedStep, ...], engine_version: str) -> Plan:
    used = {host for step in steps for host in step.hosts if host != ENGINE_HOST}
    hosts = tuple(name for name in scene.inventory.hosts if name in used)
    known = {name: scene.inventory.hosts[name] for name in hosts}
    return Plan(
        runbook=scene.spec.name,
        version=scene.spec.version,
        title=scene.spec.title,
        file=scene.spec.file,
        engine_version=engine_version,
        runbook_digest=scene.spec.digest,
        inventory_file=scene.inventory.file,
        inventory_digest=inventory_digest(scene.inventory, hosts),
        params=scene.params,
        steps=steps,
        digest="",
        hosts=hosts,
        host_variables={name: frozen(host.variables) for name, host in known.items()},
        host_groups={name: host.groups for name, host in known.items()},
        host_platforms={name: host.platform for name, host in known.items()},
        point_of_no_return=point_of_no_return([step.effect for step in steps]),
        baseline=frozen(scene.baseline),
    )
