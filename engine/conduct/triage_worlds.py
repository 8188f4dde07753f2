"""What a missing piece of evidence may turn out to say: each possibility as values of findings. Pure.

Only what the table asks for is considered. A piece that the table does not ask for has no possibilities.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from engine.conduct.triage_findings import Findings, version_of, version_values
from engine.conduct.triage_table import Table
from engine.conduct.triage_versions import CHANGED, EQUAL, Item, short
from engine.model.triage import UNKNOWN, Concern, Evidence, Missing, Signature, TriageSpec

_MOST = 6


@dataclass(frozen=True, slots=True)
class World:
    """One possibility: what the evidence would say, and the findings it would change. ``plain``: fit to be listed."""

    says: str
    values: dict[str, str]
    plain: bool = True


class Worlds:
    """The possibilities of every kind of gap in one body of evidence."""

    def __init__(self, evidence: Evidence, spec: TriageSpec, found: Findings, table: Table) -> None:
        self._evidence, self._spec, self._found = evidence, spec, found
        self._signatures = [one for one in spec.signatures if one.id in table.asked]

    def of(self, gap: Missing) -> tuple[World, ...]:
        """What the gap may hide."""
        match gap.concerns:
            case Concern.NOTHING:
                found: Iterable[World] = ()
            case Concern.LOGS:
                found = self._sighted([one for one in self._signatures if one.logs], gap)
            case Concern.EVENTS:
                found = self._sighted([one for one in self._signatures if one.events], gap)
            case Concern.REGISTRY:
                found = tuple(self._sided()) or self._sighted([one for one in self._signatures if one.registry], gap)
            case Concern.ANYTHING:
                found = (*self._sighted(self._signatures, gap), *self._compared(gap))
            case Concern.VERSIONS:
                found = self._compared(gap)
            case Concern.BASELINE:
                found = self._baseline() if not self._found.compared else ()
            case Concern.STARTED_AT:
                found = self._older()
            case _:
                found = self._answered(gap.concerns)
        return tuple(found)

    def _answered(self, concern: Concern) -> Iterator[World]:
        now = self._found.values.get(concern.value, UNKNOWN)
        if now not in (UNKNOWN, "none"):
            return
        if concern is Concern.EXIT_CODE:
            for group in self._spec.exit_codes:
                yield World(f"an exit code of the group {group.name}", {concern.value: group.name})
        elif concern is Concern.PREREQUISITE_PAGE:
            yield World("an item is marked as failed", {concern.value: "failed"})
            yield World("no item is marked as failed", {concern.value: "clear"})
        else:
            yield from (World(word, {concern.value: word}) for word in ("yes", "no"))

    def _sighted(self, signatures: list[Signature], gap: Missing) -> Iterator[World]:
        """Any signature may be there; one seen only in this very file may have been overtaken by what is not there."""
        now = self._found.values
        domains = [(one, self._states(one, gap)) for one in signatures]
        domains = [(one, states) for one, states in domains if len(states) > 1 or now[one.id] == UNKNOWN]
        if not domains:
            return
        first = {one.id: states[0] for one, states in domains}
        yield World("nothing of what the table asks for", first)
        for one, states in domains:
            yield from (World(_shows(one, state), {**first, one.id: state}) for state in states[1:])
        if len(domains) <= _MOST:
            for states in product(*(states for _, states in domains)):
                yield World("several", dict(zip(first, states, strict=True)), plain=False)
        else:
            for (one, left), (two, right) in product(domains, domains):
                yield World("several", {**first, one.id: left[-1], two.id: right[-1]}, plain=False)

    def _states(self, signature: Signature, gap: Missing) -> tuple[str, ...]:
        if self._found.values.get(signature.id) != "found":
            return ("absent", "found")
        counted = {one.file for one in self._found.seen if one.signature == signature.id and one.superseded is None}
        bound = any(one.service for one in signature.logs)
        return ("found", "absent") if bound and gap.file and counted == {gap.file} else ("found",)

    def _sided(self) -> Iterator[World]:
        """What changed and may be of a management server or of the warehouse."""
        odd = {one.kind for one in self._found.compared if one.nameless and one.state == CHANGED}
        for kind, main, other in (
            ("database", "service_manager", "data_warehouse"),
            ("binaries", "management_server", "warehouse_server"),
        ):
            if kind in odd:
                yield World("it is of a management server", {main: CHANGED})
                yield World("it is of the warehouse", {other: CHANGED, main: EQUAL})

    def _older(self) -> Iterator[World]:
        """Sightings with a time may be older than the upgrade."""
        timed = {
            one.id
            for one in self._signatures
            if (mine := [s for s in self._found.seen if s.signature == one.id and s.superseded is None])
            and all(s.at or s.since for s in mine)
        }
        if timed:
            yield World("all of it belongs to this upgrade", dict.fromkeys(timed, "found"))
            yield World("what bears a time is older than the upgrade", dict.fromkeys(timed, "absent"))

    def _compared(self, gap: Missing) -> Iterator[World]:
        mine = [one for one in self._found.compared if one.state == UNKNOWN and _concerned(one, gap)]
        if mine:
            yield from self._told(mine, {})

    def beside(self, gap: Missing) -> Iterator[tuple[World, ...]]:
        """What the gap may hide, for everything that the other unknown versions may be."""
        unknown = [one for one in self._found.compared if one.state == UNKNOWN]
        mine = [one for one in unknown if _concerned(one, gap)]
        others = [one for one in unknown if one not in mine]
        if mine and others:
            for states in _assignments(len(others)):
                known = {id(one): state for one, state in zip(others, states, strict=True)}
                yield tuple(self._told(mine, known))

    def _told(self, mine: list[Item], known: dict[int, str]) -> Iterator[World]:
        for states in _assignments(len(mine)):
            told = {**known, **{id(one): state for one, state in zip(mine, states, strict=True)}}
            world = [replace(one, state=told.get(id(one), one.state)) for one in self._found.compared]
            changed = [one.name for one, state in zip(mine, states, strict=True) if state == CHANGED]
            says = f"changed: {', '.join(changed)}" if changed else "as in the baseline"
            yield World(says, version_values(world))

    def _baseline(self) -> Iterator[World]:
        """Versions of today against any baseline; what no host tells today stays unknown."""
        # What varies first is named where several changes lead to the same answer.
        kinds = {
            "binaries": "the binaries",
            "data_warehouse": "the data warehouse",
            "service_manager": "ServiceManager",
        }
        for states in product((EQUAL, CHANGED), repeat=3):
            values = dict(zip(kinds, states, strict=True))
            inside = {values["service_manager"], values["data_warehouse"]}
            changed = [kinds[name] for name, state in values.items() if state == CHANGED]
            says = f"changed: {', '.join(changed)}" if changed else "everything is as in the baseline"
            servers = {"management_server": values["binaries"], "warehouse_server": EQUAL}
            yield World(says, {**values, **servers, "databases": CHANGED if CHANGED in inside else EQUAL})


def _shows(signature: Signature, state: str) -> str:
    return signature.title if state == "found" else f"no longer counts: {signature.title}"


def _concerned(item: Item, gap: Missing) -> bool:
    if gap.host is not None and short(gap.host) != short(item.host):
        return False
    return not gap.what.startswith("the version of ") or gap.what == version_of(item)


def _assignments(count: int) -> Iterator[tuple[str, ...]]:
    """All of them, or where they are too many: nothing, any one, and everything changed."""
    if count <= _MOST:
        yield from product((EQUAL, CHANGED), repeat=count)
        return
    yield (EQUAL,) * count
    for index in range(count):
        yield tuple(CHANGED if one == index else EQUAL for one in range(count))
    yield (CHANGED,) * count
