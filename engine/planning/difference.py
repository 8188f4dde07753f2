"""Why a saved plan no longer holds: the differences of two plans as sentences, the widest first."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.model.data import canonical_json
from engine.model.plan import BoundParam, Plan, PlannedStep
from engine.planning.plan_json import plan_to_json
from engine.planning.unplaced import without_places

_STEP_WORDS: Mapping[str, str] = {
    "name": "name",
    "action": "action",
    "effect": "effect",
    "rerun": "rerun class",
    "disruptive": "disruption",
    "timeout_s": "timeout",
    "exits": "exits",
    "why": "reason",
    "when": "condition",
    "requires": "required proofs",
    "yields": "proofs it yields",
    "retry": "retry",
    "wait": "wait",
    "serial": "batch size",
    "max_failures": "failures allowed",
    "on_failure": "what follows a failure",
    "tags": "tags",
    "facts": "facts",
    "runs_on": "place it runs on",
    "about": "names its proofs speak of",
    "about_by_host": "names its proofs speak of on each host",
    "always": "whether it always runs",
    "runs": "nested runbook (its content, one that it runs, or an entry of their hosts)",
}


def differences(saved: Plan, now: Plan) -> tuple[str, ...]:
    """Sentences without full stops, empty for plans that mean the same. Places in files do not count."""
    return tuple(
        sentence
        for part in (_documents, _params, _hosts, _steps)
        for sentence in part(saved, now)
    )  # fmt: skip


def _documents(saved: Plan, now: Plan) -> Iterator[str]:
    if saved.runbook != now.runbook:
        yield f"the runbook is {now.runbook}, the plan was made of {saved.runbook}"
    elif saved.version != now.version:
        yield f"the runbook's version is {now.version}, it was {saved.version}"
    elif saved.runbook_digest != now.runbook_digest:
        yield f"the text of the runbook {now.runbook} {now.version} changed"
    if saved.engine_version != now.engine_version:
        yield f"the engine's version is {now.engine_version}, it was {saved.engine_version}"
    if canonical_json(saved.baseline) != canonical_json(now.baseline):
        yield "the baseline changed"


def _params(saved: Plan, now: Plan) -> Iterator[str]:
    before = {one.name: one for one in saved.params}
    after = {one.name: one for one in now.params}
    for name in (*before, *(name for name in after if name not in before)):
        if name not in after:
            yield f"the input {name} no longer exists"
        elif name not in before:
            yield f"the input {name} is new: {_shown(after[name])}"
        elif before[name] != after[name]:
            yield from _param(before[name], after[name])


def _param(before: BoundParam, after: BoundParam) -> Iterator[str]:
    if _shown(before) != _shown(after):
        yield f"the input {after.name} is {_shown(after)}, it was {_shown(before)}"
    else:
        yield f"the input {after.name} comes from {after.source}, it came from {before.source}"


def _shown(one: BoundParam) -> str:
    return f"secret, kept in {one.source}" if one.secret else canonical_json(one.value)


def _hosts(saved: Plan, now: Plan) -> Iterator[str]:
    yield from (f"the host {name} is new" for name in now.hosts if name not in saved.hosts)
    yield from (f"the host {name} is gone" for name in saved.hosts if name not in now.hosts)
    told = set(saved.hosts) != set(now.hosts)
    for name in now.hosts:
        if name not in saved.hosts:
            continue
        for word, before, after in (
            ("platform", saved.host_platforms, now.host_platforms),
            ("groups", saved.host_groups, now.host_groups),
            ("variables", saved.host_variables, now.host_variables),
        ):
            if before.get(name) != after.get(name):
                told = True
                yield f"the {word} of the host {name} changed"
    if not told and saved.inventory_digest != now.inventory_digest:
        yield f"the connection settings of a host changed in {now.inventory_file}"


def _steps(saved: Plan, now: Plan) -> Iterator[str]:
    before = {one.id: one for one in saved.steps}
    after = {one.id: one for one in now.steps}
    yield from (f"the step {name} is new" for name in after if name not in before)
    yield from (f"the step {name} is gone" for name in before if name not in after)
    both = [name for name in after if name in before]
    if both != [name for name in before if name in after]:
        yield "the steps stand in another order"
    old, new = _plain_steps(saved), _plain_steps(now)
    for name in both:
        yield from _hosts_of(before[name], after[name])
        yield from _step(name, old[name], new[name])


def _hosts_of(before: PlannedStep, after: PlannedStep) -> Iterator[str]:
    if before.hosts != after.hosts:
        yield f"the step {after.id} runs on {', '.join(after.hosts)}, it ran on {', '.join(before.hosts)}"


def _step(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key, word in _STEP_WORDS.items():
        if before[key] != after[key]:
            values = "" if key == "runs" else _values(before[key], after[key])
            yield f"the {word} of the step {name} changed{values}"
    if before["args"] != after["args"]:
        names = sorted(
            one for one in {*before["args"], *after["args"]} if before["args"].get(one) != after["args"].get(one)
        )
        yield f"the step {name} has other arguments: {', '.join(names)}"
    if before["args_by_host"] != after["args_by_host"]:
        yield f"the step {name} has other arguments for some host"


def _values(before: Any, after: Any) -> str:
    simple = (str, int, float, bool)
    return f": {after}, it was {before}" if isinstance(before, simple) and isinstance(after, simple) else ""


def _plain_steps(plan: Plan) -> dict[str, dict[str, Any]]:
    steps: Any = plan_to_json(without_places(plan))["steps"]
    return {one["id"]: one for one in steps}
