"""Logs that continue each other: which of them is older, by what that is known, and what it means for their lines.

The order comes from time stamps on lines, else from names whose meaning is certain, else from the times of the files.
Where these are silent or disagree there is no order, nothing is overtaken, and that is told if it could matter.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.evidence.log_match import LogFindings
from engine.evidence.prints import Print
from engine.model.triage import Concern, Missing, Sighting

_NUMBERED = re.compile(r"(?P<base>.+\.log)[._-](?P<number>\d{1,3})\Z")
_KEPT = re.compile(r"(?P<base>.+?)(?:\.log)?\.(?:lo_|old|bak)\Z")
_STEM = re.compile(r"(?P<stem>.+?)[._-]?\d{1,3}\.log\Z")
_APART_S = 2.0

Note = Callable[[Missing], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRead:
    """One log that was read: the host, the folders and the name it lies under, when the file was last written.

    ``print``: what tells a copy of it, where it shows a sign.
    """

    host: str | None
    folder: tuple[str, ...]
    name: str
    shown: str
    modified: float | None
    findings: LogFindings
    print: Print | None = None


def chained(logs: Iterable[LogRead], collected_at: float | None, note: Note) -> tuple[Sighting, ...]:
    """The sightings of all logs; those of a start that a later log of the same row tried again are superseded."""
    rows: dict[tuple[object, ...], list[LogRead]] = {}
    for one in logs:
        rows.setdefault((one.host, one.folder, family(one.name)), []).append(one)
    found: list[Sighting] = []
    for row in rows.values():
        found.extend(_row(row, collected_at, note))
    return tuple(found)


def family(name: str) -> str:
    """What the logs of one row share: ``scsminstall`` for SCSMInstall.log, .log.1, .lo_ and SCSMInstall01.log."""
    lowered = name.lower()
    for pattern in (_NUMBERED, _KEPT):
        if match := pattern.match(lowered):
            lowered = match.group("base")
            break
    lowered = lowered if lowered.endswith(".log") else f"{lowered}.log"
    match = _STEM.match(lowered)
    return match.group("stem") if match else lowered.removesuffix(".log")


def age(name: str) -> int | None:
    """How many logs came after it, as far as its name says: 0 for the current one. None: the name does not say.

    Of a number before the suffix (SCSMInstall01.log) it is not known whether it counts up or down.
    """
    lowered = name.lower()
    if match := _NUMBERED.match(lowered):
        return None if _STEM.match(match.group("base")) else int(match.group("number"))
    if match := _KEPT.match(lowered):
        return None if _STEM.match(f"{match.group('base')}.log") else 1
    return None if not lowered.endswith(".log") or _STEM.match(lowered) else 0


def _row(row: list[LogRead], collected_at: float | None, note: Note) -> list[Sighting]:
    ordered, by = order(row, collected_at) if len(row) > 1 else (row, "")
    if not ordered:
        if sum(bool(one.findings.starts or one.findings.unbound) for one in row) > 1:
            note(_disordered(row, by))
        return [sighting for one in row for sighting in _alone(one, note)]
    found: list[Sighting] = []
    before: LogRead | None = None
    for index, one in enumerate(ordered):
        sightings = _alone(one, note) if before is None else _bound(one, before, by, note)
        found += [_overtaken(sighting, one, ordered[index + 1 :], by) for sighting in sightings]
        before = one if one.findings.announced else before
    return found


def order(row: Sequence[LogRead], collected_at: float | None) -> tuple[list[LogRead], str]:
    """Oldest first and by what; without an order nothing, and why."""
    stamped = [one.findings.stamped for one in row]
    # Where the zone is not known, times of one form may still be compared with each other.
    if all(stamped) and len({one[-1] - one[0] for one in stamped}) == 1 and len(set(stamped)) == len(row):
        return sorted(row, key=lambda one: one.findings.stamped), "the times of their lines"
    ages = [age(one.name) for one in row]
    named = None not in ages and len(set(ages)) == len(row)
    times = [one.modified for one in row if one.modified is not None]
    # A file that is younger than the collection was written by a copy, and tells when it was copied.
    known = len(times) == len(row) and all(collected_at is None or one <= collected_at for one in times)
    timed = known and all(right - left >= _APART_S for left, right in pairwise(sorted(times)))
    by_time = sorted(row, key=lambda one: one.modified or 0.0)
    if not named:
        return (by_time, "the times of the files") if timed else ([], "neither names nor times of the files tell")
    by_name = sorted(row, key=lambda one: -(age(one.name) or 0))
    if timed and collected_at is not None and by_time != by_name:
        return [], "their names and the times of the files disagree"
    return by_name, "their names"


def _disordered(row: list[LogRead], why: str) -> Missing:
    names = ", ".join(sorted(one.name for one in row))
    first = row[0]
    return Missing(
        what=f"the order of the logs {names}", host=first.host, file=first.shown, concerns=Concern.LOGS,
        why=f"{why}, so none counts as later than another; write the time of the collection into evidence.yaml "
        "and bring the files with their times",
    )  # fmt: skip


def _alone(one: LogRead, note: Note) -> tuple[Sighting, ...]:
    for gap in one.findings.unbound_gaps:
        note(gap)
    return one.findings.sightings


def _bound(one: LogRead, before: LogRead, by: str, note: Note) -> tuple[Sighting, ...]:
    """Lines at the start of a log belong to the start that the log before it announced last."""
    announced = before.findings.announced
    if announced is None:
        return _alone(one, note)
    place = f"line {announced[1]} of {before.name}, the log before it by {by}"
    return (*one.findings.bound_to(announced[0], place), *one.findings.sightings)


def _overtaken(sighting: Sighting, log: LogRead, later: Sequence[LogRead], by: str) -> Sighting:
    service = log.findings.service_of(sighting)
    if service is None or sighting.superseded is not None:
        return sighting
    for one in later:
        line = one.findings.starts.get(service)
        # A start on the very last line has no outcome yet: the outcome before it still stands.
        if line is not None and (line < one.findings.last_line or one is not later[-1]):
            why = f"the service was started again on line {line} of {one.name}, a later log by {by}"
            return replace(sighting, superseded=why)
    return sighting
