"""The proofs that a planned step needs, each of exactly one subject: the estate, a host, or a name on a host.

A proof about a target set is one about each of its hosts. A name is one of the step's own hosts unless it says where:
another server may have a database of the same name, and a proof of that one is none of this one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from engine.model.diagnostic import Diagnostic
from engine.model.inventory import Inventory
from engine.model.plan import ENGINE_HOST
from engine.model.runbook import Requirement, RunbookSpec
from engine.planning.findings import error
from engine.planning.proofs import APPROVAL, ESTATE
from engine.planning.subjects import ABOUT, ANY


class Around(Protocol):
    """What is known of the whole plan."""

    @property
    def spec(self) -> RunbookSpec:
        """The runbook as written."""

    @property
    def inventory(self) -> Inventory:
        """All hosts."""

    @property
    def targets(self) -> Mapping[str, tuple[str, ...]]:
        """The hosts of each target set."""

    @property
    def names(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """By kind of proof the names it speaks of, with the hosts it is gained on."""


Names = Mapping[str, tuple[str, ...] | None]
"""What the step is about on each of its hosts; None: its proofs speak of the host."""


def needed(
    around: Around, requirements: tuple[Requirement, ...], own: Names, found: list[Diagnostic]
) -> Iterator[Requirement]:
    """The requirements with every subject resolved. A name that is written out keeps what is written of it."""
    written = {
        (each.kind, each.subject, each.host)
        for one in requirements
        if one.subject != ABOUT
        for each in _resolved(around, one, own, [])
    }
    for one in requirements:
        if one.subject != ABOUT:
            yield from _resolved(around, one, own, found)
            continue
        for each in _about(around, one, own, found):
            if (each.kind, each.subject, each.host) not in written:
                yield each


def _resolved(around: Around, one: Requirement, own: Names, found: list[Diagnostic]) -> Iterator[Requirement]:
    names = around.names.get(one.kind, {})
    if one.kind == APPROVAL or one.subject == ESTATE:
        yield one
    elif one.subject in names or (ANY in names and one.subject not in around.targets):
        yield from _of_name(around, one, one.subject, tuple(own))
    elif one.subject in around.inventory.hosts:
        yield one
    elif one.subject in around.targets:
        for host in around.targets[one.subject]:
            yield replace(one, subject=host, host=None)
    elif any(one.subject in each for each in around.names.values()):
        yield one  # a name, of which no proof of this kind speaks: the paths say so
    else:
        spoken = {name for each in around.names.values() for name in each}
        known = ", ".join((ESTATE, *around.spec.targets, *sorted(spoken - {ANY})))
        found.append(
            error("P505", f'the proof {one} speaks of "{one.subject}", which nothing is called', one.origin, known)
        )


def _about(around: Around, one: Requirement, own: Names, found: list[Diagnostic]) -> Iterator[Requirement]:
    unnamed = [names for names in own.values() if names is None or ANY in names]
    if unnamed:
        found.append(_nameless(one, unnamed[0]))
        return
    for host, names in own.items():
        for name in names or ():
            yield from _of_name(around, one, name, (host,))


def _of_name(around: Around, one: Requirement, name: str, own: tuple[str, ...]) -> Iterator[Requirement]:
    """The name on each host that is meant. A person's word is of no host, and a person who needs a proof of a name
    needs it of every host that has one.
    """
    names = around.names.get(one.kind, {})
    spoken = tuple(host for host in (*names.get(name, ()), *names.get(ANY, ())) if host != ENGINE_HOST)
    if one.host is not None:
        places = around.targets.get(one.host, ())
    elif name in names and not spoken:
        places = ()
    else:
        places = tuple(host for host in own if host != ENGINE_HOST) or tuple(dict.fromkeys(spoken))
    if not places:
        yield replace(one, subject=name, host=None)
    for host in places:
        yield replace(one, subject=name, host=host)


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
