"""Steps as the path analysis sees them, of a runbook as written and of a plan."""

from collections.abc import Iterable

from engine.model.origin import Origin
from engine.model.plan import PlannedStep
from engine.model.runbook import Requirement, StepSpec
from engine.planning.proofs import ESTATE, Waypoint
from engine.ports.action import ActionInfo


def required(step: StepSpec, info: ActionInfo) -> tuple[Requirement, ...]:
    """What the step requires and what its action consumes; a kind that only the action names is meant of the estate."""
    written = {one.kind for one in step.requires}
    consumed = (kind for kind in info.consumes if kind not in written)
    return (*step.requires, *(_of_estate(kind, step.origin) for kind in consumed))


def _of_estate(kind: str, origin: Origin) -> Requirement:
    return Requirement(kind=kind, subject=ESTATE, origin=origin)


def _forward(on_failure: str) -> str | None:
    return None if on_failure in ("abort", "continue") else on_failure


def of_spec(step: StepSpec, info: ActionInfo) -> Waypoint:
    """A written step; its proofs speak of the names of its target sets."""
    return Waypoint(
        id=step.id,
        origin=step.origin,
        when=step.when,
        yields=info.yields,
        subjects=step.hosts,
        requires=required(step, info),
        goes_on=step.on_failure == "continue" or step.max_failures > 0,
        forward=_forward(step.on_failure),
    )


def of_plan(steps: Iterable[PlannedStep]) -> tuple[Waypoint, ...]:
    """Planned steps; their proofs speak of hosts."""
    return tuple(
        Waypoint(
            id=step.id,
            origin=step.origin,
            when=step.when,
            yields=step.yields,
            subjects=step.hosts,
            requires=step.requires,
            goes_on=step.on_failure == "continue" or step.max_failures > 0,
            forward=_forward(step.on_failure),
        )
        for step in steps
    )
