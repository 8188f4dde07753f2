"""One written step on its hosts, with everything known now resolved; its place and its exits are given later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.language.evaluate import evaluate_condition
from engine.language.failure import ExpressionFailed
from engine.model.data import JsonValue
from engine.model.diagnostic import Diagnostic
from engine.model.inventory import Inventory
from engine.model.plan import ENGINE_HOST, Exits, PlannedStep
from engine.model.runbook import ArgValue, RunbookSpec, StepSpec, leads_to
from engine.planning.arguments import argument_findings, reads_host, resolve, with_defaults
from engine.planning.effects import FREE_FORM, nature
from engine.planning.findings import error, listed
from engine.planning.needed import needed
from engine.planning.subjects import names_about, yielded
from engine.planning.waypoints import required
from engine.ports.action import ActionInfo, RunsOn

_LATER = Exits(before=(), after=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every step of one plan shares: inputs by name, hosts of each target set, the inventory, and of which
    ``names`` (besides hosts) the proofs of each kind speak, with the hosts they are gained on.
    """

    spec: RunbookSpec
    inventory: Inventory
    params: Mapping[str, Any]
    targets: Mapping[str, tuple[str, ...]]
    names: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    baseline: JsonValue = None

    def hosts_of(self, step: StepSpec, info: ActionInfo) -> tuple[str, ...]:
        """The hosts of a step, each once, in the order written."""
        if info.runs_on is not RunsOn.HOST:
            return (ENGINE_HOST,)
        return tuple(dict.fromkeys(host for name in step.hosts for host in self.targets.get(name, ())))


def draft(around: Surroundings, step: StepSpec, info: ActionInfo) -> tuple[PlannedStep, tuple[Diagnostic, ...]]:
    """The planned step without index and exits, and what does not fit."""
    hosts = around.hosts_of(step, info)
    found = list(_platform_findings(around, step, info, hosts))
    args, by_host = _arguments(around, step, info, hosts, [] if is_left_out(around.params, step) else found)
    kind = nature(step, info)
    about_by_host = {host: names for host, each in by_host.items() if (names := names_about(info, each)) is not None}
    about = names_about(info, args)
    if about_by_host:
        about = tuple(dict.fromkeys(name for names in about_by_host.values() for name in names))
    own = {host: about_by_host.get(host, about) for host in hosts}
    requires = tuple(needed(around, required(step, info), own, found))
    found.extend(_budget_findings(step, hosts))
    planned = PlannedStep(
        index=0,
        id=step.id,
        name=step.name,
        action=step.action,
        effect=kind.effect,
        rerun=kind.rerun,
        disruptive=kind.disruptive,
        hosts=hosts,
        origin=step.origin,
        timeout_s=info.timeout_s if step.timeout_s is None else step.timeout_s,
        exits=_LATER,
        why=step.why,
        args=args,
        args_by_host=by_host,
        when=step.when,
        requires=requires,
        yields=yielded(step, info),
        retry=step.retry,
        wait=step.wait,
        serial=step.serial,
        max_failures=step.max_failures,
        on_failure=step.on_failure,
        tags=step.tags,
        facts=info.facts,
        runs_on=info.runs_on.value,
        about=about,
        about_by_host=about_by_host,
        always=step.always,
    )
    return planned, tuple(dict.fromkeys(found))


def is_left_out(params: Mapping[str, Any], step: StepSpec) -> bool:
    """True for a step whose condition reads only inputs, and is false: what it would need does not have to be there."""
    if step.when is None or any(
        path[0] != "params" or (path[1:2] and path[1] not in params) for path in step.when.names
    ):
        return False
    try:
        return not evaluate_condition(step.when, {"params": params})
    except ExpressionFailed:
        return False


def _platform_findings(
    around: Surroundings, step: StepSpec, info: ActionInfo, hosts: tuple[str, ...]
) -> Iterator[Diagnostic]:
    if info.runs_on is not RunsOn.HOST:
        return
    for name in hosts:
        platform = around.inventory.hosts[name].platform
        if platform not in info.platforms:
            yield error(
                "P508",
                f"step {step.id}: {info.name} runs on {listed(info.platforms)}, but {name} is {platform}",
                step.at("hosts"),
                f"take {name} out of the step's hosts, or correct runbook_platform in the inventory",
            )


def _budget_findings(step: StepSpec, hosts: tuple[str, ...]) -> Iterator[Diagnostic]:
    target = leads_to(step.on_failure)
    if target is not None and 0 < len(hosts) <= step.max_failures:
        yield error(
            "P525",
            f"step {step.id} leads to {target} once more than {step.max_failures} hosts failed, but has {len(hosts)}",
            step.at("max_failures"),
            "write on_failure: finding if a failure is no failure of the run, or lower max_failures",
        )


def _arguments(
    around: Surroundings, step: StepSpec, info: ActionInfo, hosts: tuple[str, ...], found: list[Diagnostic]
) -> tuple[dict[str, ArgValue], dict[str, dict[str, ArgValue]]]:
    """The arguments for all hosts, and for each host where one of them reads ``host``."""
    written = with_defaults(step.args, info.arguments)
    if info.name in FREE_FORM:
        written["effect"] = nature(step, info).effect.value
    shared = _resolved(around, written, None, found)
    if not any(reads_host(value) for value in written.values()):
        found.extend(argument_findings(step, info, shared))
        return shared, {}
    by_host = {host: _resolved(around, written, host, found) for host in hosts if host != ENGINE_HOST}
    for args in by_host.values():
        found.extend(argument_findings(step, info, args))
    return shared, by_host


def _resolved(
    around: Surroundings, args: Mapping[str, ArgValue], host: str | None, found: list[Diagnostic]
) -> dict[str, ArgValue]:
    resolved: dict[str, ArgValue] = {}
    for name, value in args.items():
        known = None if host is None else around.inventory.hosts[host]
        resolved[name], wrong = resolve(value, around.params, known, around.baseline)
        found.extend(wrong)
    return resolved


def names_of(around: Surroundings, infos: Mapping[str, ActionInfo]) -> dict[str, dict[str, tuple[str, ...]]]:
    """By kind of proof: the names that the steps' proofs speak of, as far as they are known now, and on which hosts."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for step in around.spec.steps:
        info = infos[step.action]
        hosts = around.hosts_of(step, info)
        args, by_host = _arguments(around, step, info, hosts, [])
        for host in hosts:
            for name in names_about(info, by_host.get(host, args)) or ():
                for kind in yielded(step, info):
                    known = found.setdefault(kind, {})
                    known[name] = tuple(dict.fromkeys((*known.get(name, ()), host)))
    return found
