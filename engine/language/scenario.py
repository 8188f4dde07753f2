"""A scenario as a typed value: which estate, what people say, what goes wrong, and what must come out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.language.load import Text, load_scenario
from engine.model.data import JsonMap
from engine.model.diagnostic import Diagnostic, has_errors

APPROVE, DENY, NOBODY, TRUTH = "approve", "deny", "nobody", "truth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must hold at the end; None and empty mean that nothing is said about it."""

    exit_code: int | None
    status: str | None
    steps: Mapping[str, str]
    why: Mapping[str, str]
    machines: Mapping[str, JsonMap]
    contacted: tuple[str, ...] | None
    owed: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSpec:
    """One rehearsal as written. ``runbook`` is relative to the scenario's folder; ``estate`` is the name of a built-in
    one and ``changes`` are its settings that differ. ``situation`` is how its machines are at first, ``does`` what a
    person does to them when a step asks, and ``then`` what happens to them after the answer.
    """

    name: str
    title: str
    file: str
    runbook: str
    estate: str
    changes: JsonMap
    baseline: bool
    check: bool
    params: JsonMap
    answers: Mapping[str, str]
    approvals: str | Mapping[str, str]
    faults: Mapping[str, JsonMap]
    expect: Expectation
    situation: Mapping[str, JsonMap] = field(default_factory=dict)
    does: Mapping[str, Mapping[str, JsonMap]] = field(default_factory=dict)
    then: Mapping[str, Mapping[str, JsonMap]] = field(default_factory=dict)

    def approval(self, step: str) -> str:
        """``approve``, ``deny`` or ``nobody``."""
        if isinstance(self.approvals, str):
            return APPROVE if self.approvals == "all" else DENY
        return self.approvals.get(step, APPROVE)


def read_scenario(text: Text, file: str) -> tuple[ScenarioSpec | None, tuple[Diagnostic, ...]]:
    """The scenario, or None and what is wrong with it."""
    document, found = load_scenario(text, file)
    if document is None or has_errors(found):
        return None, found
    value: Mapping[str, Any] = document.value
    estate = value.get("estate", "upgrade-failed")
    changes = {} if isinstance(estate, str) else {key: one for key, one in estate.items() if key != "like"}
    return ScenarioSpec(
        name=value["name"],
        title=value["title"],
        file=file,
        runbook=value["runbook"],
        estate=estate if isinstance(estate, str) else estate["like"],
        changes=changes,
        baseline=value.get("baseline", True),
        check=value.get("check", False),
        params=value.get("params", {}),
        answers=value.get("answers", {}),
        approvals=value.get("approvals", "all"),
        faults=value.get("faults", {}),
        expect=_expectation(value["expect"]),
        situation=value.get("situation", {}),
        does=value.get("does", {}),
        then=value.get("then", {}),
    ), found


def _expectation(value: Mapping[str, Any]) -> Expectation:
    contacted, owed = value.get("contacted"), value.get("owed")
    return Expectation(
        exit_code=value.get("exit_code"),
        status=value.get("status"),
        steps=value.get("steps", {}),
        why=value.get("why", {}),
        machines=value.get("machines", {}),
        contacted=None if contacted is None else tuple(contacted),
        owed=None if owed is None else {host: tuple(words) for host, words in owed.items()},
    )
