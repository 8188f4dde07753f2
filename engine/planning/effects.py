"""What a step may do to the world, and which ways out are left at each step.

A runbook may raise the effect of an action, never lower it. Free-form scripts are the exception: nobody but their
author knows what they do, so what the runbook declares counts, and undeclared means permanent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.model.diagnostic import Diagnostic
from engine.model.plan import Exits
from engine.model.runbook import StepSpec
from engine.model.status import Effect, Rerun
from engine.planning.findings import error
from engine.ports.action import ActionInfo

FREE_FORM = frozenset({"windows.script", "posix.command"})

RETRY, UNDO, RESTORE, CONTINUE = "retry", "undo", "restore", "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nature:
    """A step's effect as it counts: of the action, as raised by the runbook."""

    effect: Effect
    rerun: Rerun
    disruptive: bool


def declared(step: StepSpec) -> Effect | None:
    """What a free-form step says of itself: its ``effect``, or the argument of that name."""
    written = step.args.get("effect")
    known = [one for one in Effect if one.value == written]
    return step.effect or (known[0] if known else None)


def own_effect(step: StepSpec, info: ActionInfo) -> Effect:
    """The action's effect as the step uses it: without the arguments that ask for a change it only looks."""
    looks = bool(info.changes_with) and not any(name in step.args for name in info.changes_with)
    return Effect.OBSERVE if looks else info.effect


def nature(step: StepSpec, info: ActionInfo) -> Nature:
    """The effect that counts; what the runbook may not say is ignored here and found by ``effect_findings``."""
    own = own_effect(step, info)
    effect = own if step.effect is None else max(own, step.effect, key=lambda one: one.weight)
    if info.name in FREE_FORM:
        effect = declared(step) or info.effect
    harmless = effect is Effect.OBSERVE
    return Nature(
        effect=effect,
        rerun=Rerun.SAFE if harmless else info.rerun,
        disruptive=info.disruptive or bool(step.disruptive),
    )


def effect_findings(step: StepSpec, info: ActionInfo) -> tuple[Diagnostic, ...]:
    """What a runbook says of a step's effect and may not say."""
    found = []
    if step.effect is not None and step.effect.weight < own_effect(step, info).weight and info.name not in FREE_FORM:
        found.append(
            error(
                "P503",
                f"step {step.id} calls itself {step.effect}, but {info.name} is {info.effect}",
                step.at("effect"),
                "a runbook may raise the effect of an action, never lower it: take the line out",
            )
        )
    if info.name in FREE_FORM and step.effect is not None and step.args.get("effect", step.effect) != step.effect:
        found.append(
            error(
                "P503",
                f"step {step.id} calls itself {step.effect} and its script {step.args['effect']}",
                step.at("effect"),
                "say it once",
            )
        )
    if step.disruptive is False and info.disruptive:
        found.append(
            error(
                "P503",
                f"step {step.id} calls itself not disruptive, but {info.name} is",
                step.at("disruptive"),
                "take the line disruptive: false out",
            )
        )
    if step.retry is not None and nature(step, info).effect is Effect.PERMANENT:
        found.append(
            error(
                "P504",
                f"step {step.id} is permanent and has a retry: a second attempt could do the damage twice",
                step.at("retry"),
                "take retry out; after a failure a person decides",
            )
        )
    return tuple(found)


def point_of_no_return(effects: Sequence[Effect]) -> int | None:
    """The index of the first permanent step, or None."""
    return next((index for index, effect in enumerate(effects) if effect is Effect.PERMANENT), None)


def exits(effects: Sequence[Effect]) -> tuple[Exits, ...]:
    """For each step the ways out before and after it.

    ``retry`` (the failed upgrade) ends with the first permanent step; so does ``undo``, which exists once there is a
    reversible change; ``restore`` stays; ``continue`` stays while a step follows.
    """
    states = [_ways_out(effects[:done], is_last=done == len(effects)) for done in range(len(effects) + 1)]
    return tuple(Exits(before=before, after=after) for before, after in pairwise(states))


def _ways_out(done: Sequence[Effect], *, is_last: bool) -> tuple[str, ...]:
    words = []
    if Effect.PERMANENT not in done:
        words.append(RETRY)
        if Effect.REVERSIBLE in done:
            words.append(UNDO)
    words.append(RESTORE)
    if not is_last:
        words.append(CONTINUE)
    return tuple(words)
