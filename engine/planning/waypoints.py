"""Steps as the path analysis sees them, of a runbook as written and of a plan."""

from collections.abc import Iterable, Iterator

from engine.model.plan import PlannedStep
from engine.model.runbook import CONTINUE, FINDING, Requirement, StepSpec, leads_to
from engine.model.status import Effect
from engine.planning.effects import nature
from engine.planning.proofs import ESTATE, Waypoint
from engine.planning.subjects import names_about, placed_on, split_proof, yielded
from engine.ports.action import ActionInfo


def required(step: StepSpec, info: ActionInfo) -> tuple[Requirement, ...]:
    """What the step requires and what the changes of its action consume; a kind that only the action names is meant
    of the estate unless it says of what. What is written may say more of such a kind; of what the action itself speaks
    of, it adds to that and never takes its place; nor does a proof that was gained elsewhere.
    """
    if nature(step, info).effect is Effect.OBSERVE:
        return step.requires
    written = {(one.kind, one.subject) for one in step.requires if one.host is None}
    named = {one.kind for one in step.requires}
    consumed = (split_proof(one) for one in info.consumes)
    return (
        *step.requires,
        *(
            Requirement(kind=kind, subject=subject or ESTATE, origin=step.origin)
            for kind, subject in consumed
            if (kind, subject) not in written and (subject is not None or kind not in named)
        ),
    )


def _goes_on(step: StepSpec | PlannedStep) -> bool:
    """True if the next step may start although this one failed, on some host or on all."""
    return step.on_failure in (CONTINUE, FINDING) or step.max_failures > 0


def of_spec(step: StepSpec, info: ActionInfo) -> Waypoint:
    """A written step; its proofs speak of the names of its target sets, or of names that may be known only later."""
    about = names_about(info, step.args)
    return Waypoint(
        id=step.id,
        origin=step.origin,
        when=step.when,
        yields=yielded(step, info),
        subjects=step.hosts if about is None else about,
        requires=required(step, info),
        goes_on=_goes_on(step),
        forward=leads_to(step.on_failure),
    )


def _subjects(step: PlannedStep) -> Iterator[str]:
    for host in step.hosts:
        names = step.names_on(host)
        yield from (host,) if names is None else (placed_on(name, host) for name in names)


def of_plan(steps: Iterable[PlannedStep]) -> tuple[Waypoint, ...]:
    """Planned steps; their proofs speak of hosts, or of the names that the step is about on each of them."""
    return tuple(
        Waypoint(
            id=step.id,
            origin=step.origin,
            when=step.when,
            yields=step.yields,
            subjects=tuple(_subjects(step)),
            requires=step.requires,
            goes_on=_goes_on(step),
            forward=leads_to(step.on_failure),
        )
        for step in steps
    )
