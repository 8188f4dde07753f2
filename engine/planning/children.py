"""Steps that run another runbook: what is said of one that cannot, and what the other does, counted as their own."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.model.diagnostic import Diagnostic
from engine.model.plan import Plan, PlannedStep
from engine.model.runbook import RunbookSpec
from engine.model.status import Effect
from engine.planning.effects import exits, nature, point_of_no_return
from engine.planning.findings import error
from engine.planning.stamp import stamped
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


def with_effects(plan: Plan, of_children: Mapping[str, Effect]) -> Plan:
    """The plan in which a step that runs a permanent runbook is permanent: the point of no return may lie there."""
    raised = [replace(step, effect=worst((step.effect, of_children.get(step.id, step.effect)))) for step in plan.steps]
    if all(old.effect is new.effect for old, new in zip(plan.steps, raised, strict=True)):
        return plan
    effects = [step.effect for step in raised]
    steps = tuple(replace(step, exits=one) for step, one in zip(raised, exits(effects), strict=True))
    return stamped(replace(plan, steps=steps, point_of_no_return=point_of_no_return(effects)))
