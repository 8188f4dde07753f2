"""One Windows event as a value, and the signatures that know it."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.evidence.log_lines import shown
from engine.model.triage import EventPattern, Sighting, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An event: ``source`` is the provider, ``strings`` the insertion strings, ``at`` the times it may have."""

    event: int
    source: str = ""
    message: str = ""
    strings: tuple[str, ...] = ()
    at: tuple[float, ...] = ()
    line: int | None = None
    computer: str | None = None
    log: str = ""


class EventMatcher:
    """Recognises events."""

    def __init__(self, signatures: Iterable[Signature]) -> None:
        self._patterns = [(one.id, pattern) for one in signatures for pattern in one.events]
        # Event 0 in a pattern: any event that holds one of the names.
        self.wanted = frozenset(pattern.event for _, pattern in self._patterns)
        self.any_names = tuple(name for _, one in self._patterns if one.event == 0 for name in one.names)

    def worth_reading(self, event: int, raw: str) -> bool:
        """True if an event of this id, with this raw text, may match."""
        return event & 0xFFFF in self.wanted or any(one in raw for one in self.any_names)

    def sightings(self, record: EventRecord, host: str | None, file: str) -> tuple[Sighting, ...]:
        """What the event shows."""
        return tuple(
            Sighting(
                signature=name, text=_told(record), host=host, file=file, line=record.line, at=record.at, of_event=True
            )
            for name, pattern in self._patterns
            if _matches(pattern, record)
        )


def _matches(pattern: EventPattern, record: EventRecord) -> bool:
    if pattern.event and pattern.event != record.event & 0xFFFF:
        return False
    if pattern.source and pattern.source.lower() not in record.source.lower() and (record.source or not pattern.names):
        return False
    if pattern.log and record.log and pattern.log.lower() != record.log.strip().lower():
        return False
    if not pattern.names:
        return True
    text = record.message.lower()
    strings = {one.strip().lower() for one in record.strings}
    if pattern.event == 0:
        # No id says what the event is about: the name is looked for as in a message, for a string may be a sentence.
        text = "\n".join((text, *strings))
    return any(name.lower() in strings or name.lower() in text for name in pattern.names)


def _told(record: EventRecord) -> str:
    said = record.message or "; ".join(record.strings)
    return shown(f"{record.event & 0xFFFF} {record.source}: {' '.join(said.split())}")
