"""What of a scenario's expectations was missed, each in one sentence with both values."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from engine.app.children import asked_within
from engine.conduct.state import RunState
from engine.execute.messages import Stopped
from engine.lab.estate import Estate
from engine.lab.machine import Machine
from engine.language.nearest import nearest
from engine.language.scenario import NOBODY, TRUTH, Expectation, ScenarioSpec
from engine.model.exit_code import ExitCode
from engine.model.plan import Plan
from engine.ports.journal import OwedRecord


def misses(
    expect: Expectation, stopped: Stopped, state: RunState | None, estate: Estate, contacted: Collection[str]
) -> Iterator[str]:
    """One sentence for each expectation that does not hold."""
    if expect.exit_code is not None and stopped.exit_code != expect.exit_code:
        yield f"exit code {stopped.exit_code} instead of {expect.exit_code}: {stopped.reason}"
    ended = _status(stopped, state)
    if expect.status is not None and ended != expect.status:
        yield f"the run is {ended} instead of {expect.status}: {stopped.reason}"
    yield from _steps(expect, state, stopped.reason)
    for name, wanted in expect.machines.items():
        if name not in estate.machines:
            yield f"the lab has no host {name}"
        else:
            yield from _machine(name, estate.machines[name], wanted)
    if expect.contacted is not None and (others := set(contacted) - set(expect.contacted)):
        yield f"{', '.join(sorted(others))} was contacted"


def owed_misses(expect: Expectation, owed: Sequence[OwedRecord]) -> Iterator[str]:
    """One sentence for each host at which something else is owed in the end."""
    if expect.owed is None:
        return
    for host in sorted({*expect.owed, *(one.host for one in owed)}):
        found = sorted(one.what for one in owed if one.host == host)
        wanted = sorted(expect.owed.get(host, ()))
        if found != wanted:
            yield f"owed on {host} is {'; '.join(found) or 'nothing'} instead of {'; '.join(wanted) or 'nothing'}"


def unknown_steps(spec: ScenarioSpec, plans: Sequence[Plan]) -> Iterator[str]:
    """One sentence for each step that people are to act at and no runbook has, and for each answer that its question
    does not offer. The last plan is the scenario's own; of what it runs, also what was not reached is known.
    """
    if not plans or (within := asked_within(plans[-1])) is None:
        return
    known = {step.id for plan in plans for step in plan.steps} | within
    approvals = spec.approvals if isinstance(spec.approvals, Mapping) else {}
    for what, steps in (("answers", spec.answers), ("does", spec.does), ("then", spec.then), ("approvals", approvals)):
        for step in steps:
            if step not in known:
                near = nearest(step, sorted(known))
                yield f"{what} names the step {step}, and the runbook has no such step" + (
                    f"; did you mean {near}?" if near else ""
                )
    offered = {step.id: step.args.get("answers") for plan in plans for step in plan.steps}
    for step, answer in spec.answers.items():
        keys = offered.get(step)
        if isinstance(keys, Mapping) and answer not in (*keys, TRUTH, NOBODY):
            yield f"answers gives {answer} to the step {step}, whose answers are {', '.join(keys)}"


def _status(stopped: Stopped, state: RunState | None) -> str:
    if state is not None and state.finished is not None:
        return state.finished.status
    return "parked" if stopped.exit_code == ExitCode.WAITING_FOR_PERSON else "refused"


def _steps(expect: Expectation, state: RunState | None, reason: str) -> Iterator[str]:
    for name, wanted in expect.steps.items():
        found = {one.status.value for one in _runs(state, name)}
        if found != {wanted}:
            yield f"step {name} is {' and '.join(sorted(found)) or 'not there'} instead of {wanted}"
    for name, words in expect.why.items():
        told = " | ".join(one.ended.why for one in _runs(state, name) if one.ended is not None) or reason
        if words.lower() not in told.lower():
            yield f"step {name} ended with {told!r}, which does not hold {words!r}"


def _runs(state: RunState | None, name: str) -> list[Any]:
    """The step runs of ``STEP`` or ``STEP@HOST``."""
    if state is None:
        return []
    return [one for key, one in state.step_runs.items() if name in (key.step, str(key))]


def _machine(name: str, machine: Machine, wanted: Mapping[str, Any]) -> Iterator[str]:
    with machine.lock:
        machine.settle()
        for path, value in wanted.get("registry", {}).items():
            key, _, leaf = path.rpartition("\\")
            yield from _differs(f"{name}: {path}", machine.registry.data(key, leaf), value)
        for service, state in wanted.get("services", {}).items():
            found = machine.services.get(service)
            yield from _differs(f"{name}: service {service}", found and found.state.lower(), state.lower())
        for what, version in wanted.get("versions", {}).items():
            yield from _differs(f"{name}: version of {what}", _version(machine, what), version)
        for database, state in wanted.get("databases", {}).items():
            yield from _differs(f"{name}: database {database}", _state(machine, database), state)
        if "boots" in wanted:
            yield from _differs(f"{name}: boots", machine.boots, wanted["boots"])


def _version(machine: Machine, what: str) -> str | None:
    if machine.sql is not None and what in machine.sql.databases:
        return machine.sql.databases[what].product_version
    file = machine.files.get(what)
    return file.version if file else None


def _state(machine: Machine, database: str) -> str | None:
    known = machine.sql.databases if machine.sql is not None else {}
    return known[database].state if database in known else None


def _differs(what: str, found: object, wanted: object) -> Iterator[str]:
    if found != wanted:
        yield f"{what} is {'absent' if found is None else found} instead of {'absent' if wanted is None else wanted}"
