"""One written step on its hosts, with everything known now resolved; its place and its exits are given later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.language.evaluate import evaluate_condition
from engine.language.failure import ExpressionFailed
from engine.model.data import JsonValue
from engine.model.diagnostic import Diagnostic
from engine.model.inventory import Inventory
from engine.model.plan import ENGINE_HOST, Exits, PlannedStep
from engine.model.runbook import ArgValue, Requirement, RunbookSpec, StepSpec
from engine.planning.arguments import argument_findings, reads_host, resolve, with_defaults
from engine.planning.effects import FREE_FORM, nature
from engine.planning.findings import error, listed
from engine.planning.proofs import APPROVAL, ESTATE
from engine.planning.subjects import ABOUT, ANY, names_about, yielded
from engine.planning.waypoints import required
from engine.ports.action import ActionInfo, RunsOn

_LATER = Exits(before=(), after=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every step of one plan shares: inputs by name, hosts of each target set, the inventory, and the ``names``
    that proofs speak of besides hosts.
    """

    spec: RunbookSpec
    inventory: Inventory
    params: Mapping[str, Any]
    targets: Mapping[str, tuple[str, ...]]
    names: frozenset[str] = frozenset()
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
    own = nature(step, info)
    about = names_about(info, tuple(by_host.values()) or (args,))
    requires = tuple(_requires(around, required(step, info), about, found))
    planned = PlannedStep(
        index=0,
        id=step.id,
        name=step.name,
        action=step.action,
        effect=own.effect,
        rerun=own.rerun,
        disruptive=own.disruptive,
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
                step.origin,
                f"take {name} out of the step's hosts, or correct runbook_platform in the inventory",
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


def _requires(
    around: Surroundings,
    requirements: tuple[Requirement, ...],
    about: tuple[str, ...] | None,
    found: list[Diagnostic],
) -> Iterator[Requirement]:
    """A proof about a target set is one about each of its hosts; one about what the step is about, of each name that
    is not written out.
    """
    written = {(one.kind, one.subject) for one in requirements}
    for one in requirements:
        if one.kind == APPROVAL or one.subject == ESTATE or one.subject in around.inventory.hosts:
            yield one
        elif one.subject == ABOUT:
            if about is None or ANY in about:
                found.append(_nameless(one, about))
                continue
            for name in about:
                if (one.kind, name) not in written:
                    yield replace(one, subject=name)
        elif one.subject in around.names or ANY in around.names:
            yield one
        elif one.subject in around.targets:
            for host in around.targets[one.subject]:
                yield replace(one, subject=host)
        else:
            known = ", ".join((ESTATE, *around.spec.targets, *sorted(around.names)))
            found.append(
                error("P505", f'the proof {one} speaks of "{one.subject}", which nothing is called', one.origin, known)
            )


def _nameless(requirement: Requirement, about: tuple[str, ...] | None) -> Diagnostic:
    if about is None:
        return error(
            "P505",
            f"the proof {requirement} speaks of what the step is about, and its action is about nothing but its hosts",
            requirement.origin,
            "name the estate, a set of hosts, or what another step is about",
        )
    return error(
        "P513",
        f"the proof {requirement} is needed for each name, but the names are known only during the run",
        requirement.origin,
        "take them from params or from the host's variables, so that the plan can show and check them",
    )


def names_of(around: Surroundings, infos: Mapping[str, ActionInfo]) -> frozenset[str]:
    """All names that the steps' proofs speak of, as far as they are known now."""
    found: set[str] = set()
    for step in around.spec.steps:
        info = infos[step.action]
        args, by_host = _arguments(around, step, info, around.hosts_of(step, info), [])
        found.update(names_about(info, tuple(by_host.values()) or (args,)) or ())
    return frozenset(found)
