"""Can a step be reached without the proofs it needs? Every path is looked at: conditions, failures, forward jumps.

The steps are seen as waypoints in order. A waypoint may run, be skipped by its condition, or fail; a failure ends the
run, goes on, or jumps forward. A proof stands on a path if a waypoint that yields it ran to its end. A condition that
reads only ``params`` and ``run`` has one answer for the whole run, so a gate and a change under the same such condition
belong together; every other condition may come out either way at any waypoint. A run asks the same question again.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.model.diagnostic import Diagnostic
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.runbook import Requirement
from engine.planning.findings import error
from engine.planning.subjects import ABOUT, ANY, placed_on

APPROVAL = "approval"
ESTATE = "estate"
_CONSTANT = frozenset({"params", "run"})


class Outcome(StrEnum):
    """What became of a waypoint on a path."""

    RAN = "ran"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """A step as far as paths are concerned. ``subjects`` are the names its proofs speak of, besides the estate, in a
    plan with the host (``NAME@HOST``); ``goes_on`` is true if the next step starts although this one failed, on some
    host or on all.
    """

    id: str
    origin: Origin
    when: Expression | None = None
    yields: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] = ()
    goes_on: bool = False
    forward: str | None = None

    @property
    def constant(self) -> str | None:
        """The text of a condition that has one answer for the whole run."""
        if self.when is None or not self.when.names:
            return None
        return self.when.text if all(path[0] in _CONSTANT for path in self.when.names) else None

    def gives(self, requirement: Requirement) -> bool:
        """True if the requirement stands once this step has run to its end."""
        if requirement.kind not in self.yields:
            return False
        if requirement.subject in (ESTATE, ABOUT):
            return True
        known = (requirement.subject, ANY)  # names that are not known yet are looked at when the plan is made
        here = () if requirement.host is None else tuple(placed_on(name, requirement.host) for name in known)
        return any(name in self.subjects for name in (*known, *here))


@dataclass(frozen=True, slots=True)
class Passed:
    """One waypoint on a path and what became of it."""

    id: str
    outcome: Outcome

    def __str__(self) -> str:
        return self.id if self.outcome is Outcome.RAN else f"{self.id} ({self.outcome})"


Path = tuple[Passed, ...]
_Assumed = frozenset[tuple[str, bool]]
_Place = tuple[int, _Assumed]


def path_without_proof(waypoints: Sequence[Waypoint], index: int, requirement: Requirement) -> Path | None:
    """The shortest path to ``waypoints[index]`` on which ``requirement`` does not stand; None if there is none."""
    shared = _shared_conditions(waypoints)
    start: _Place = (0, frozenset())
    came_from: dict[_Place, tuple[_Place, Passed]] = {}
    queue, seen = deque([start]), {start}
    while queue:
        place = queue.popleft()
        if place[0] == index:
            if _may_run(waypoints[index], place[1]):
                return (*_trace(came_from, place), Passed(waypoints[index].id, Outcome.RAN))
            continue
        for following, passed in _onward(waypoints, place, requirement, shared):
            if following[0] <= index and following not in seen:
                seen.add(following)
                came_from[following] = (place, passed)
                queue.append(following)
    return None


def unproven(waypoints: Sequence[Waypoint]) -> tuple[Diagnostic, ...]:
    """A diagnostic for each requirement that some path leaves unproven, with the shortest such path."""
    found = []
    for index, waypoint in enumerate(waypoints):
        for requirement in waypoint.requires:
            if requirement.kind == APPROVAL:
                continue
            if not any(one.gives(requirement) for one in waypoints[:index]):
                found.append(_nothing_yields(waypoints, index, requirement))
                continue
            path = path_without_proof(waypoints, index, requirement)
            if path is not None:
                found.append(_path_around(waypoint, requirement, path))
    return tuple(found)


def _path_around(waypoint: Waypoint, requirement: Requirement, path: Path) -> Diagnostic:
    return error(
        "P501",
        f"step {waypoint.id} needs the proof {requirement}, but this path reaches it without: "
        + " -> ".join(str(one) for one in path),
        requirement.origin,
        "let the step that yields the proof run on every path: no condition, no on_failure that goes on past it",
    )


def _nothing_yields(waypoints: Sequence[Waypoint], index: int, requirement: Requirement) -> Diagnostic:
    later = next((one for one in waypoints[index:] if one.gives(requirement)), None)
    elsewhere = next((one for one in waypoints[:index] if requirement.kind in one.yields), None)
    path = " -> ".join(one.id for one in waypoints[: index + 1])
    hint = "add a step before it whose action yields this proof"
    if later is not None:
        hint = f"step {later.id} yields it, but comes too late: move it up"
    elif elsewhere is not None:
        about = ", ".join((*elsewhere.subjects, ESTATE))
        hint = f"step {elsewhere.id} yields {requirement.kind} about: {about}"
    step = waypoints[index].id
    return error(
        "P502",
        f"step {step} needs the proof {requirement}, but no step before it yields it: {path}",
        requirement.origin,
        hint,
    )


def _shared_conditions(waypoints: Sequence[Waypoint]) -> frozenset[str]:
    """Constant conditions written at more than one waypoint: only these tie waypoints together."""
    counted = Counter(one.constant for one in waypoints if one.constant is not None)
    return frozenset(text for text, times in counted.items() if times > 1)


def _may_run(waypoint: Waypoint, assumed: _Assumed) -> bool:
    return waypoint.constant is None or (waypoint.constant, False) not in assumed


def _may_be_skipped(waypoint: Waypoint, assumed: _Assumed) -> bool:
    return waypoint.when is not None and (waypoint.constant is None or (waypoint.constant, True) not in assumed)


def _onward(
    waypoints: Sequence[Waypoint], place: _Place, requirement: Requirement, shared: frozenset[str]
) -> Iterator[tuple[_Place, Passed]]:
    """Where a path may go on from ``place`` without the proof."""
    index, assumed = place
    waypoint = waypoints[index]

    def after(answer: bool) -> _Assumed:  # noqa: FBT001 - the answer of the condition
        text = waypoint.constant
        return assumed if text is None or text not in shared else assumed | {(text, answer)}

    if _may_run(waypoint, assumed):
        if not waypoint.gives(requirement):
            yield (index + 1, after(True)), Passed(waypoint.id, Outcome.RAN)
        elif waypoint.goes_on:
            yield (index + 1, after(True)), Passed(waypoint.id, Outcome.FAILED)
        target = _index_of(waypoints, waypoint.forward)
        if target is not None and target > index:
            yield (target, after(True)), Passed(waypoint.id, Outcome.FAILED)
    if _may_be_skipped(waypoint, assumed):
        yield (index + 1, after(False)), Passed(waypoint.id, Outcome.SKIPPED)


def _index_of(waypoints: Sequence[Waypoint], step_id: str | None) -> int | None:
    if step_id is None:
        return None
    return next((index for index, one in enumerate(waypoints) if one.id == step_id), None)


def _trace(came_from: dict[_Place, tuple[_Place, Passed]], place: _Place) -> Path:
    path: list[Passed] = []
    while place in came_from:
        place, passed = came_from[place]
        path.append(passed)
    return tuple(reversed(path))
