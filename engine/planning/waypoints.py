"""Steps as the path analysis sees them, of a runbook as written and of a plan."""

from collections.abc import Iterable

from engine.model.plan import PlannedStep
from engine.model.runbook import Requirement, StepSpec
from engine.model.status import Effect
from engine.planning.effects import nature
from engine.planning.proofs import ESTATE, Waypoint
from engine.planning.subjects import names_about, split_proof, yielded
from engine.ports.action import ActionInfo


def required(step: StepSpec, info: ActionInfo) -> tuple[Requirement, ...]:
    """What the step requires and what the changes of its action consume; a kind that only the action names is meant
    of the estate unless it says of what. What is written may say more of such a kind; of what the action itself speaks
    of, it adds to that and never takes its place.
    """
    if nature(step, info).effect is Effect.OBSERVE:
        return step.requires
    written = {(one.kind, subject) for one in step.requires for subject in (one.subject, None)}
    consumed = (split_proof(one) for one in info.consumes)
    return (
        *step.requires,
        *(
            Requirement(kind=kind, subject=subject or ESTATE, origin=step.origin)
            for kind, subject in consumed
            if (kind, subject) not in written
        ),
    )


def _forward(on_failure: str) -> str | None:
    return None if on_failure in ("abort", "continue") else on_failure


def of_spec(step: StepSpec, info: ActionInfo) -> Waypoint:
    """A written step; its proofs speak of the names of its target sets, or of names that may be known only later."""
    about = names_about(info, (step.args,))
    return Waypoint(
        id=step.id,
        origin=step.origin,
        when=step.when,
        yields=yielded(step, info),
        subjects=step.hosts if about is None else about,
        requires=required(step, info),
        goes_on=step.on_failure == "continue" or step.max_failures > 0,
        forward=_forward(step.on_failure),
    )


def of_plan(steps: Iterable[PlannedStep]) -> tuple[Waypoint, ...]:
    """Planned steps; their proofs speak of hosts, or of the names that the step is about."""
    return tuple(
        Waypoint(
            id=step.id,
            origin=step.origin,
            when=step.when,
            yields=step.yields,
            subjects=step.hosts if step.about is None else step.about,
            requires=step.requires,
            goes_on=step.on_failure == "continue" or step.max_failures > 0,
            forward=_forward(step.on_failure),
        )
        for step in steps
    )
