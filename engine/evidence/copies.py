"""The same log brought several times, whole or as it was at an earlier moment: it counts once."""

from collections.abc import Callable, Iterable

from engine.evidence.rotation import LogRead, family
from engine.model.triage import Concern, Missing

Note = Callable[[Missing], None]
_FIRST = 64


def without_copies(logs: Iterable[LogRead], note: Note) -> list[LogRead]:
    """The logs in the order given, without those of one host that another log begins with; each of these is told."""
    every = list(logs)
    telling = [one for one in every if one.print is not None and one.print.bytes]
    kept: dict[bytes, list[LogRead]] = {}
    dropped: set[int] = set()
    # The longest first, of equal ones that whose host is known: it is the one that counts.
    for one in sorted(telling, key=lambda log: (-log.findings.bytes, log.host is None)):
        alike = kept.setdefault(one.print.head[:_FIRST] if one.print else b"", [])
        same = next((other for other in alike if _apart(one, other) and _copied(one, other)), None)
        if same is not None and _of_one_host(one, same):
            dropped.add(id(one))
            note(_told(one, same))
            continue
        if same is not None:
            note(_of_two_hosts(one, same))
        alike.append(one)
    return [one for one in every if id(one) not in dropped]


def _apart(one: LogRead, other: LogRead) -> bool:
    """Logs of one row continue each other, and what that means is judged there."""
    return (one.host, one.folder, family(one.name)) != (other.host, other.folder, family(other.name))


def _copied(one: LogRead, other: LogRead) -> bool:
    """Whatever is seen in the one is also seen in the other, on the same lines, so nothing is lost without it."""
    if one.print is None or other.print is None or not other.print.begins_with(one.print):
        return False
    return _signs(one) <= _signs(other)


def _signs(log: LogRead) -> set[tuple[str, int | None, str]]:
    found = log.findings
    every = (*found.sightings, *(one.sighting for one in found.unbound))
    return {(one.signature, one.line, one.text) for one in every}


def _of_one_host(one: LogRead, other: LogRead) -> bool:
    return one.host is None or other.host is None or one.host.lower() == other.host.lower()


def _told(one: LogRead, same: LogRead) -> Missing:
    whole = one.findings.bytes == same.findings.bytes
    why = f"it is {'the same as' if whole else 'the beginning of'} {same.shown}, and that one counts"
    return Missing(what="a copy of a log", host=one.host, file=one.shown, why=why)


def _of_two_hosts(one: LogRead, same: LogRead) -> Missing:
    why = f"all of it is also in {same.shown} of {same.host}, and setup wrote it on one host only"
    return Missing(what="the host of a log", host=one.host, file=one.shown, why=why, concerns=Concern.LOGS)
