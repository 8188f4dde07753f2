"""Part of a plan: ``--tags`` and ``--start-at``. What the chosen steps rely on stays in, or the choice is refused.

An observing step that yields a needed proof, gathers needed facts or has a result that is read is kept although it was
not chosen, and the plan says so: looking again harms nobody. A changing step is never brought back; a chosen step that
reads its result cannot be planned without it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.language.nearest import did_you_mean
from engine.model.diagnostic import Diagnostic
from engine.model.plan import PlannedStep
from engine.model.runbook import leads_to
from engine.model.status import Effect
from engine.planning.findings import error, note, warning
from engine.planning.proofs import APPROVAL
from engine.planning.reading import facts_read, steps_read
from engine.planning.waypoints import of_plan

Steps = tuple[PlannedStep, ...]
Found = tuple[Diagnostic, ...]


def select(steps: Steps, tags: Sequence[str], start_at: str | None) -> tuple[Steps, Found]:
    """The steps to plan, in order, and what was added, changed or refused."""
    ids = [step.id for step in steps]
    if start_at is not None and start_at not in ids:
        hint = did_you_mean(start_at, ids, show=len(ids))
        return (), (error("P515", f'--start-at: there is no step "{start_at}"', None, hint),)
    known = {tag for step in steps for tag in step.tags}
    if strange := [tag for tag in tags if tag not in known]:
        return (), (_no_tag(", ".join(strange), known),)
    begin = 0 if start_at is None else ids.index(start_at)
    chosen = {step.id for step in steps[begin:] if not tags or set(tags) & set(step.tags)}
    if not chosen:
        return (), (_no_tag(", ".join(tags), known),)
    if len(chosen) == len(steps):
        return steps, ()
    found = list(_keep_needed(steps, chosen))
    kept = tuple(step for step in steps if step.id in chosen)
    kept, redirected = _without_lost_jumps(kept, chosen)
    return kept, (*found, *redirected)


def _no_tag(wrong: str, known: set[str]) -> Diagnostic:
    hint = did_you_mean(wrong, known, show=len(known)) if known else "no step of this runbook has a tag"
    return error("P515", f"--tags: no step is tagged {wrong}", None, hint)


def _keep_needed(steps: Steps, chosen: set[str]) -> Iterator[Diagnostic]:
    """Add to ``chosen`` what its steps rely on, the last step first, so that one pass is enough."""
    for index in reversed(range(len(steps))):
        step = steps[index]
        if step.id not in chosen:
            continue
        for other, why in _needs(steps[:index], step):
            if other.id in chosen:
                continue
            if other.effect is Effect.OBSERVE:
                chosen.add(other.id)
                yield note("P516", f"step {other.id} stays in the plan: {why}", other.origin)
            elif other.id in steps_read(step):
                yield error(
                    "P517",
                    f"step {other.id} was left out, but {why}",
                    step.origin,
                    f"choose step {other.id} too, or begin earlier",
                )


def _needs(earlier: Steps, step: PlannedStep) -> Iterator[tuple[PlannedStep, str]]:
    read = steps_read(step)
    reads_facts = facts_read(step)
    waypoints = of_plan(earlier)
    for other, waypoint in zip(earlier, waypoints, strict=True):
        if other.id in read:
            yield other, f"step {step.id} reads its result"
        elif reads_facts and other.facts and set(other.hosts) & set(step.hosts):
            yield other, f"step {step.id} reads the facts it gathers"
        for one in step.requires:
            if one.kind != APPROVAL and waypoint.gives(one):
                yield other, f"step {step.id} needs its proof {one}"


def _without_lost_jumps(kept: Steps, chosen: set[str]) -> tuple[Steps, Found]:
    found = []
    steps = []
    for step in kept:
        if leads_to(step.on_failure) is None or step.on_failure in chosen:
            steps.append(step)
            continue
        steps.append(replace(step, on_failure="abort"))
        found.append(
            warning(
                "P518",
                f"step {step.id} leads to {step.on_failure} when it fails, which was left out: it ends the run instead",
                step.origin,
            )
        )
    return tuple(steps), tuple(found)
