"""What missing evidence weighs, and which of it would decide: found by asking the table with all it may say. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, product

from engine.conduct.triage_table import UNDETERMINED, Table
from engine.conduct.triage_worlds import World, Worlds
from engine.model.triage import Concern, Deciding, Missing, Outcome, Weight

Values = Mapping[str, str]
_LISTED = 6
_MOST_WORLDS = 4000
# Where several pieces would do as well, the one that is surest and easiest to get is named.
_ORDER = (
    Concern.RETRY_BUTTON, Concern.BASELINE, Concern.VERSIONS, Concern.LOGS, Concern.EXIT_CODE,
    Concern.PREREQUISITE_PAGE, Concern.REGISTRY, Concern.EVENTS, Concern.ANYTHING, Concern.SETUP_RUNNING,
    Concern.STARTED_AT, Concern.NOTHING,
)  # fmt: skip
HOW = {
    Concern.RETRY_BUTTON: "Look whether setup offers Retry, and write it as answers.retry_button.",
    Concern.BASELINE: "Bring the baseline recorded before the upgrade (baseline.yaml); "
    "no version can be compared without it.",
    Concern.VERSIONS: "Read the versions named under Missing and write them into host.yaml.",
    Concern.LOGS: "Bring SCSM*.log from the temporary folders of all accounts, under hosts/NAME/logs.",
    Concern.EXIT_CODE: "Find the exit code that setup ended with, and write it as answers.exit_code.",
    Concern.PREREQUISITE_PAGE: "Copy what the prerequisite page marks as failed into answers.prerequisite_page.",
    Concern.REGISTRY: "Bring a registry export, under hosts/NAME/registry.",
    Concern.EVENTS: "Bring the event logs System, Application and Operations Manager, under hosts/NAME/events.",
    Concern.SETUP_RUNNING: "Look whether setup is still running, and write it as answers.setup_running.",
    Concern.ANYTHING: "Bring again, readable, what is named under Missing.",
    Concern.STARTED_AT: "Write when the upgrade started, with its offset, as upgrade.started_at.",
}
_VERSIONS = Missing(what="the versions that are not known", why="", concerns=Concern.VERSIONS)
_SOUGHT = (
    Missing(what="the exit code of setup", why="nobody has told it", concerns=Concern.EXIT_CODE),
    Missing(what="the prerequisite page", why="nobody has told what it shows", concerns=Concern.PREREQUISITE_PAGE),
)


@dataclass(frozen=True, slots=True)
class _Piece:
    gap: Missing
    worlds: tuple[World, ...]

    @property
    def name(self) -> str:
        return f"{self.gap.what} of {self.gap.host}" if self.gap.host else self.gap.what


def weighed(missing: Iterable[Missing], values: Values, worlds: Worlds, table: Table) -> tuple[Missing, ...]:
    """Each gap with what it could do to the verdict."""
    pieces = [_Piece(one, worlds.of(one)) for one in missing]
    known: dict[tuple[object, ...], Weight] = {}

    def weight(piece: _Piece) -> Weight:
        # Hundreds of gaps may hide the same; of a version it also counts which others are unknown beside it.
        versions = piece.gap.concerns is Concern.VERSIONS
        key = (piece.gap.concerns, piece.gap if versions else None, tuple(map(_hidden, piece.worlds)))
        if key not in known:
            known[key] = _weight(piece, pieces, values, worlds, table)
        return known[key]

    return tuple(replace(one.gap, weight=weight(one)) for one in pieces)


def _hidden(world: World) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(world.values.items()))


def _weight(piece: _Piece, pieces: Sequence[_Piece], values: Values, worlds: Worlds, table: Table) -> Weight:
    if not piece.worlds:
        return Weight.NEVER
    if _matters(piece, values, table):
        return Weight.ALONE
    others = _joined([one for one in pieces if one.gap.concerns != piece.gap.concerns], worlds)
    forms = [piece]
    if piece.gap.concerns is Concern.VERSIONS:
        forms += [_Piece(piece.gap, one) for one in worlds.beside(piece.gap)]
    tried = ((form, other) for form in forms for other in _backgrounds(others, values))
    for count, (form, other) in enumerate(tried):
        # Versions beside it are part of each possibility, so these are set against the first of them.
        base = {**other, **form.worlds[0].values} if form is not piece else other
        # Beyond so many combinations it is not ruled out, and must not be called harmless.
        if count >= _MOST_WORLDS or _matters(form, base, table):
            return Weight.TOGETHER
    return Weight.NEVER


def _joined(pieces: Sequence[_Piece], worlds: Worlds) -> list[_Piece]:
    """The pieces, with all unknown versions as one: what each may be must not overwrite what another is. Of several
    that may hide the same the first is enough.
    """
    versions = [one for one in pieces if one.gap.concerns is Concern.VERSIONS]
    alike = {(one.gap.concerns, tuple(map(_hidden, one.worlds))): one for one in reversed(pieces)}
    others = [one for one in reversed(alike.values()) if one.gap.concerns is not Concern.VERSIONS]
    return [*others, _Piece(_VERSIONS, worlds.of(_VERSIONS))] if versions else others


def _matters(piece: _Piece, values: Values, table: Table) -> bool:
    now = table.row(values)
    others = (table.row({**values, **one.values}) for one in piece.worlds)
    return any((one.verdict, one.runbook) != (now.verdict, now.runbook) for one in others)


def _backgrounds(others: Sequence[_Piece], values: Values) -> Iterator[Values]:
    """Values of the other gaps together: answers and versions in every combination, with one more gap at a time."""
    firm = (Concern.RETRY_BUTTON, Concern.BASELINE, Concern.VERSIONS)
    joint = [one.worlds for one in others if one.worlds and one.gap.concerns in firm]
    loose = [one for other in others if other.gap.concerns not in firm for one in other.worlds]
    for mixed in product(*((World("", {}), *one) for one in joint)):
        base = {**values}
        for one in mixed:
            base |= one.values
        for extra in (World("", {}), *loose):
            yield {**base, **extra.values}


def possible(missing: Sequence[Missing], values: Values, worlds: Worlds, table: Table) -> tuple[str, ...]:
    """The phases that the table may still name, whatever the missing evidence says."""
    pieces = [_Piece(one, worlds.of(one)) for one in (*missing, *_SOUGHT)]
    rows = {table.row(one).verdict for one in islice(_backgrounds(_joined(pieces, worlds), values), _MOST_WORLDS)}
    return tuple(sorted(rows - {UNDETERMINED, "setup-running"}))


def deciding(missing: Sequence[Missing], values: Values, worlds: Worlds, table: Table) -> Deciding | None:
    """The least evidence that would decide, or None where nothing that is missing would."""
    pieces = [_Piece(one, worlds.of(one)) for one in (*missing, *_SOUGHT)]
    pieces = sorted((one for one in pieces if one.worlds), key=lambda one: _ORDER.index(one.gap.concerns))
    single = _best(((one,) for one in pieces), values, table)
    if single is not None:
        return single
    kinds = list({one.gap.concerns: one for one in reversed(_joined(pieces, worlds)) if one.worlds}.values())[::-1]
    kinds.sort(key=lambda one: _ORDER.index(one.gap.concerns))
    return _best(combinations(kinds, 2), values, table)


def _best(groups: Iterable[tuple[_Piece, ...]], values: Values, table: Table) -> Deciding | None:
    first: Deciding | None = None
    for group in groups:
        found = _decided(group, values, table)
        if found is not None and found.surely:
            return found
        first = first or found
    return first


def _decided(group: tuple[_Piece, ...], values: Values, table: Table) -> Deciding | None:
    outcomes: dict[tuple[str, str | None], Outcome] = {}
    surely, some = True, False
    for mixed in product(*([one for one in piece.worlds if one.plain] for piece in group)):
        world = {**values}
        for one in mixed:
            world |= one.values
        row = table.row(world)
        decided = row.verdict not in (UNDETERMINED, "setup-running")
        surely, some = surely and decided, some or decided
        says = "; ".join(dict.fromkeys(one.says for one in mixed))
        outcome = Outcome(says=says, verdict=row.verdict, row=row.id, suspected=table.suspected(world))
        outcomes.setdefault((row.verdict, outcome.suspected), outcome)
    if not some:
        return None
    return Deciding(
        pieces=tuple(one.name for one in group),
        surely=surely,
        outcomes=tuple(outcomes.values())[:_LISTED],
        how=tuple(dict.fromkeys(HOW[one.gap.concerns] for one in group)),
    )
