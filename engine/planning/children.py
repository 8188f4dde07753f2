"""Steps that run another runbook: what is said of one that cannot, and what the other does, counted as their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from engine.model.data import digest
from engine.model.diagnostic import Diagnostic
from engine.model.inventory import Inventory
from engine.model.plan import Plan, PlannedStep
from engine.model.runbook import RunbookSpec
from engine.model.status import Effect
from engine.planning.effects import exits, nature, point_of_no_return
from engine.planning.findings import error
from engine.planning.stamp import inventory_digest, stamped
from engine.planning.targets import whole_targets
from engine.ports.action import ActionInfo


def unplannable(step: PlannedStep, why: str, hint: str | None) -> Diagnostic:
    """``why`` goes on from the step's name."""
    return error("P524", f"step {step.id} {why}", step.origin, hint)


def permanent_always(step: PlannedStep) -> Diagnostic:
    """As for a step that is permanent by itself."""
    why = f"step {step.id} always runs, but the runbook that it runs is permanent"
    return error("P514", why, step.origin, "take always out, or let it run a runbook that can be undone")


def worst(effects: Iterable[Effect]) -> Effect:
    """The gravest of them."""
    return max(effects, key=lambda one: one.weight, default=Effect.OBSERVE)


def worst_written(spec: RunbookSpec, infos: Mapping[str, ActionInfo]) -> Effect:
    """The gravest effect of a runbook that is known only as it is written."""
    return worst(nature(step, infos[step.action]).effect for step in spec.steps if step.action in infos)


@dataclass(frozen=True, slots=True)
class Nested:
    """What a plan has to say of a runbook that a step runs: the gravest thing it does, and its digest."""

    effect: Effect
    digest: str | None


def tree_digest(spec: RunbookSpec, inventory: Inventory, nested: Mapping[str, str | None]) -> str:
    """Of a runbook as written, the entries of all hosts it may name, and what its own steps run (by step)."""
    targets, _ = whole_targets(spec, inventory)
    hosts = tuple(sorted({host for each in targets.values() for host in each}))
    return digest([spec.name, spec.digest, inventory_digest(inventory, hosts), dict(nested)])


def with_nested(plan: Plan, nested: Mapping[str, Nested]) -> Plan:
    """The plan that covers what its steps run. A step that runs a permanent runbook is permanent: the point of no
    return may lie there.
    """
    if not nested:
        return plan
    covered = [
        replace(step, effect=worst((step.effect, nested[step.id].effect)), runs=nested[step.id].digest)
        if step.id in nested
        else step
        for step in plan.steps
    ]
    effects = [step.effect for step in covered]
    steps = tuple(replace(step, exits=one) for step, one in zip(covered, exits(effects), strict=True))
    return stamped(replace(plan, steps=steps, point_of_no_return=point_of_no_return(effects)))
