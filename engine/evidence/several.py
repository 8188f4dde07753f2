"""Several documents of one kind, as one: of each root those that lie least deep count, and these have to agree.

Where they contradict each other nothing is known, and it is told; a choice between them would be a guess.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.evidence.documents import EvidenceDocument
from engine.evidence.hosts import short
from engine.model.triage import UNKNOWN, Answers, Concern, EvidenceHost, Missing, Upgrade

_T = TypeVar("_T")
_V = TypeVar("_V")
Note = Callable[[Missing], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Generic[_T]):
    """One document: the number of the root it came from, how deep it lay there, and its name as shown."""

    root: int
    depth: int
    file: str
    value: _T


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline that was read; ``hosts`` is None if it cannot be a measure."""

    hosts: tuple[EvidenceHost, ...] | None
    recorded_at: float | None = None


def foremost(found: Sequence[Written[_T]], what: str, note: Note) -> tuple[Written[_T], ...]:
    """Those that lie least deep in their root; the others are told."""
    kept: list[Written[_T]] = []
    for one in found:
        first = min((other for other in found if other.root == one.root), key=lambda other: other.depth)
        if one.depth == first.depth:
            kept.append(one)
        else:
            why = f"{first.file} lies less deep and is the one that counts"
            note(Missing(what=f"a second {what}", file=one.file, why=why))
    return tuple(kept)


def one_document(found: Sequence[Written[EvidenceDocument]], note: Note) -> EvidenceDocument:
    """All that count of ``evidence.yaml``, field by field."""
    counted = foremost(found, "evidence.yaml", note)
    if not counted:
        return EvidenceDocument(upgrade=Upgrade(), answers=Answers())
    if len(counted) == 1:
        return counted[0].value

    def agreed(name: str, concerns: Concern, values: Iterable[_V], nothing: _V) -> _V:
        told = [(value, one.file) for value, one in zip(values, counted, strict=True) if value != nothing]
        if len({value for value, _ in told}) > 1:
            why = f"the documents disagree: {', '.join(f'{file} says {value}' for value, file in told)}"
            note(Missing(what=name, file=told[1][1], why=why, concerns=concerns))
            return nothing
        return told[0][0] if told else nothing

    upgrades, answers = [one.value.upgrade for one in counted], [one.value.answers for one in counted]
    start = agreed("started_at", Concern.STARTED_AT, [one.started_at for one in upgrades], None)
    offsets = {one.value.offset_s for one in counted} - {None}
    return EvidenceDocument(
        collected_at=max((one.value.collected_at for one in counted if one.value.collected_at), default=None),
        offset_s=offsets.pop() if len(offsets) == 1 else None,
        upgrade=Upgrade(
            from_version=agreed("upgrade.from", Concern.NOTHING, [one.from_version for one in upgrades], None),
            to_version=agreed("upgrade.to", Concern.NOTHING, [one.to_version for one in upgrades], None),
            started_at=start,
            offset_s=next((one.offset_s for one in upgrades if start is not None and one.started_at == start), None),
        ),
        answers=Answers(
            setup_running=agreed(
                "setup_running", Concern.SETUP_RUNNING, [one.setup_running for one in answers], UNKNOWN
            ),
            retry_button=agreed("retry_button", Concern.RETRY_BUTTON, [one.retry_button for one in answers], UNKNOWN),
            exit_code=agreed("exit_code", Concern.EXIT_CODE, [one.exit_code for one in answers], None),
            prerequisite_page=tuple(dict.fromkeys(item for one in answers for item in one.prerequisite_page)),
            file=counted[0].file,
        ),
    )


def one_baseline(found: Sequence[Written[Baseline]], note: Note) -> tuple[Baseline, str | None]:
    """All that count of ``baseline.yaml``, host by host, and the first of their files."""
    counted = [one for one in foremost(found, "baseline.yaml", note) if one.value.hosts is not None]
    hosts: dict[str, tuple[EvidenceHost, str]] = {}
    for one in counted:
        for host in one.value.hosts or ():
            known, file = hosts.setdefault(short(host.name), (host, one.file))
            if not _same(known, host):
                why = f"it contradicts {file} about {host.name}, so neither is a measure"
                note(Missing(what="the baseline", file=one.file, why=why, concerns=Concern.BASELINE))
                return Baseline(hosts=None), None
    times = [one.value.recorded_at for one in counted if one.value.recorded_at is not None]
    if not hosts:
        return Baseline(hosts=None), found[0].file if found else None
    return Baseline(hosts=tuple(host for host, _ in hosts.values()), recorded_at=max(times, default=None)), counted[
        0
    ].file


def _same(left: EvidenceHost, right: EvidenceHost) -> bool:
    return _told(left) == _told(right)


def _told(host: EvidenceHost) -> tuple[object, ...]:
    versions = host.versions
    databases = {name.lower(): version for name, version in versions.databases.items() if version != UNKNOWN}
    return (host.role, versions.binaries, versions.management_packs, databases)
