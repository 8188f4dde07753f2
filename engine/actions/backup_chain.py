"""The newest chain of backup sets that can be restored, and why every other set is not in it.

A chain is a full backup, at most one differential backup of exactly that full one, and log backups without a gap on one
recovery path. The newest chain is the one whose last set finished last, and which no other set goes on from: clocks are
set back, log sequence numbers are not. Of several, it is the one with the fewest sets. Sets from elsewhere count only
where the server has no full backup of its own database.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.actions.backup_set import DIFFERENTIAL, FULL, LOG, BackupSet, unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``chain`` in the order of the restore, empty if there is none; ``rejected`` is every other set and its reason."""

    chain: tuple[BackupSet, ...]
    rejected: tuple[tuple[BackupSet, str], ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a restore has come: the shortest way to the end of ``last``. Smaller ``cost`` is better."""

    cost: tuple[int, int, int]
    last: BackupSet
    previous: "_Place | None" = None

    def chain(self) -> tuple[BackupSet, ...]:
        """The sets from the full one on."""
        sets = []
        place: _Place | None = self
        while place is not None:
            sets.append(place.last)
            place = place.previous
        return tuple(reversed(sets))


def choose(sets: Sequence[BackupSet], before: float, server: Sequence[int] = ()) -> Choice:
    """The newest chain whose every set finished before ``before`` and that a server of that version can read."""
    reasons = {one.id: unusable(one, before, server) for one in sets}
    if any(one.kind == FULL and one.elsewhere is None and reasons[one.id] is None for one in sets):
        reasons |= {one.id: reasons[one.id] or one.elsewhere for one in sets}
    usable = [one for one in sets if reasons[one.id] is None]
    places, continued = _places(usable)
    last = [one for number, one in places.items() if number not in continued]
    ends = sorted(last, key=lambda one: (-one.last.finished, one.cost, -one.last.id))
    chain = ends[0].chain() if ends else ()
    taken = {one.id for one in chain}
    return Choice(
        chain=chain,
        rejected=tuple(
            (one, reasons[one.id] or _reason(one, usable, places, chain)) for one in sets if one.id not in taken
        ),
    )


def follows(log: BackupSet, fork: str, lsn: int) -> bool:
    """True if the log backup can be applied to a database restored to ``lsn`` on the recovery path ``fork``."""
    if not log.first_lsn <= lsn < log.last_lsn:
        return False
    if log.fork == log.fork_after:
        return fork == log.fork
    # A log across a fork continues its first path up to the fork, and its second from there on.
    if log.fork_point is None:
        return False
    return lsn <= log.fork_point if fork == log.fork else fork == log.fork_after and lsn >= log.fork_point


def is_based_on(differential: BackupSet, full: BackupSet) -> bool:
    """True if the differential backup holds the changes since exactly this full backup."""
    return differential.base == full.uuid != "" and not full.copy_only and full.last_lsn <= differential.last_lsn


def _places(usable: Sequence[BackupSet]) -> tuple[Mapping[int, _Place], set[int]]:
    """For each set that a chain can come to, the shortest such chain; and the sets that another one goes on from."""
    places = {one.id: _Place((1, -one.id, 0), one) for one in usable if one.kind == FULL}
    continued: set[int] = set()
    fulls = {one.uuid: one for one in usable if one.kind == FULL}
    for one in usable:
        full = fulls.get(one.base or "") if one.kind == DIFFERENTIAL else None
        if full is not None and is_based_on(one, full):
            places[one.id] = _Place((2, -full.id, -one.id), one, places[full.id])
            continued.add(full.id)
    continued |= _add_logs(places, [one for one in usable if one.kind == LOG])
    return places, continued


def _add_logs(places: dict[int, _Place], logs: Sequence[BackupSet]) -> set[int]:
    """Every step of a chain comes further in the log, so one pass in the order of the ends finds the shortest ways."""
    continued: set[int] = set()
    ends: dict[str, list[tuple[int, int, _Place]]] = {}
    for place in places.values():
        ends.setdefault(place.last.fork_after, []).append((place.last.last_lsn, place.last.id, place))
    for known in ends.values():
        known.sort(key=lambda one: one[:2])
    for log in sorted(logs, key=lambda one: (one.last_lsn, one.id)):
        before = [one for fork in {log.fork, log.fork_after} for one in _continued(log, fork, ends.get(fork, []))]
        if not before:
            continue
        continued |= {one.last.id for one in before}
        best = min(before, key=lambda one: (one.cost, -one.last.id))
        place = _Place((best.cost[0] + 1, *best.cost[1:]), log, best)
        places[log.id] = place
        reached = ends.setdefault(log.fork_after, [])
        reached.insert(bisect_left(reached, (log.last_lsn, log.id)), (log.last_lsn, log.id, place))
    return continued


def _continued(log: BackupSet, fork: str, known: Sequence[tuple[int, int, _Place]]) -> list[_Place]:
    """The places on one recovery path that the log continues, out of those in the order of their ends."""
    first, after = bisect_left(known, (log.first_lsn,)), bisect_left(known, (log.last_lsn,))
    return [one for _, _, one in known[first:after] if follows(log, fork, one.last.last_lsn)]


def _reason(
    one: BackupSet, usable: Sequence[BackupSet], places: Mapping[int, _Place], chain: Sequence[BackupSet]
) -> str:
    """Why a set that is good in itself is not in the chain."""
    if one.id not in places:
        return _no_base(one, usable) if one.kind == DIFFERENTIAL else _no_way(one, places)
    if one.finished < chain[-1].finished:
        return "the chosen chain reaches a later time"
    if one.finished > chain[-1].finished:
        return "a later backup goes on from it, although its clock shows a later time"
    return "the chosen chain reaches the same time with fewer sets"


def _no_base(one: BackupSet, usable: Sequence[BackupSet]) -> str:
    if one.base is None:
        return "it names no full backup that it is based on"
    base = next((full for full in usable if full.kind == FULL and full.uuid == one.base), None)
    if base is None:
        return "the full backup that it is based on is not among the usable ones"
    if base.copy_only:
        return "it names a copy-only backup as its base"
    return "its log sequence numbers lie before those of its base"


def _no_way(one: BackupSet, places: Mapping[int, _Place]) -> str:
    reachable = [place.last for place in places.values() if place.last.fork_after in (one.fork, one.fork_after)]
    if not reachable:
        return "it belongs to another recovery path than every usable full backup"
    if any(one.first_lsn <= last.last_lsn < one.last_lsn for last in reachable):
        return "the database was restored to an earlier time before it was made, so it continues another path"
    nearest = max((last.last_lsn for last in reachable if last.last_lsn < one.first_lsn), default=None)
    if nearest is None:
        return "it ends before the first usable full backup of its recovery path"
    return (
        f"the chain of logs is broken before it: it starts at {one.first_lsn}, and the sets before it end at {nearest}"
    )
