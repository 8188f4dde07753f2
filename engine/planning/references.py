"""Everything that a step reads, checked against what is known at that step: names, fields, kinds, conditions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.language.expression import place_in
from engine.language.typecheck import Scope, check_types
from engine.model.data import JsonMap
from engine.model.diagnostic import Diagnostic
from engine.model.origin import Origin
from engine.model.plan import ENGINE_HOST, PlannedStep
from engine.model.runbook import StepSpec
from engine.planning.findings import error
from engine.planning.reading import Reading, readings

Step = StepSpec | PlannedStep


def reference_findings(step: Step, known: Mapping[str, JsonMap], others: Sequence[Step]) -> Iterator[Diagnostic]:
    """What the step reads and cannot; ``others`` are this step and those after it. ``result`` is for the wait alone."""
    until = step.wait.until if step.wait is not None else None
    later = {one.id: one.origin for one in others}
    outside = {name: schema for name, schema in known.items() if name != "result"}
    for one in dict.fromkeys(readings(step)):
        vague = [*_hostless(step, one), *_vague(step.id, one, known)]
        yield from vague
        if not vague:
            scope = Scope(namespaces=known if one is until else outside, later=later)
            yield from check_types(one, scope, condition=one is until or one is step.when)


def _hostless(step: Step, one: Reading) -> Iterator[Diagnostic]:
    """``host`` in a step of the operator or of the engine, which has none: it would read as a host in no group."""
    if step.hosts not in ((), (ENGINE_HOST,)):
        return
    for path in one.names:
        if path[0] == "host":
            name = ".".join(path)
            yield error(
                "R475",
                f"step {step.id} runs on no host, so {name} says nothing",
                _place(one, path),
                "read what an earlier step found on its hosts: steps.ID.hosts",
            )


def _vague(step: str, one: Reading, known: Mapping[str, JsonMap]) -> Iterator[Diagnostic]:
    """Results of steps that ran on several hosts, none of them this step's."""
    steps: Any = known["steps"]["properties"]
    for path in one.names:
        if path[0] != "steps" or len(path) < 3 or path[1] not in steps:  # noqa: PLR2004 - steps.ID.FIELD
            continue
        if set(steps[path[1]]["properties"]) == {"hosts"} and path[2] != "hosts":
            yield error(
                "R474",
                f"step {step}: step {path[1]} ran on several hosts, so {'.'.join(path)} does not say which",
                _place(one, path),
                f"read steps.{path[1]}.hosts, or run this step on the same hosts",
            )


def _place(one: Reading, path: tuple[str, ...]) -> Origin:
    return place_in(one.origin, one.text, max(one.text.find(".".join(path)), 0))
