"""What is in one log, one event log, one registry export: sightings, counts, and what could not be read of it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.evidence import diagnostic_tool as tool
from engine.evidence.copies import without_copies
from engine.evidence.encoding import TextReader
from engine.evidence.events import EventMatcher, EventRecord
from engine.evidence.events_csv import EventCsv
from engine.evidence.events_evtx import EventEvtx, cut_off
from engine.evidence.events_xml import EventXml
from engine.evidence.log_match import LogMatcher
from engine.evidence.notes import Notes
from engine.evidence.placing import Kind
from engine.evidence.prints import Print
from engine.evidence.registry import RegistryKey, read_registry
from engine.evidence.rotation import LogRead, chained
from engine.evidence.tree import Found, spooled
from engine.model.triage import Concern, Counts, Missing, Sighting, Signature

_LAST = 20


class Contents:
    """Takes file after file; ``sightings`` gives everything once all were taken."""

    def __init__(self, signatures: tuple[Signature, ...], note: Notes) -> None:
        self._note = note
        self._matcher = LogMatcher(signatures)
        self._events = EventMatcher(signatures)
        self._registry = [(one.id, text.lower()) for one in signatures for text in one.registry]
        self._logs: list[LogRead] = []
        self._seen: list[Sighting] = []
        self.loose: dict[str | None, tool.Collector] = {}
        self.counts = Counts()

    def sightings(self, collected_at: float | None) -> tuple[Sighting, ...]:
        """All of them; a log that was brought twice counts once, and logs that continue each other are read as one."""
        return (*chained(without_copies(self._logs, self._note), collected_at, self._note), *self._seen)

    def log(self, found: Found, host: str | None, offset_s: int | None) -> None:
        """A setup log."""
        with found.open() as stream:
            seen = Print(stream)
            result = self._matcher.search(seen, host, found.shown, offset_s)
        for one in result.missing:
            self._note(one)
        folder = (found.label, *found.parts[:-1])
        self._logs.append(
            LogRead(
                host=host, folder=folder, name=found.parts[-1], shown=found.shown, modified=found.modified,
                findings=result, print=seen.ended() if result.sightings or result.unbound else None,
            )
        )  # fmt: skip
        self.counts = replace(
            self.counts,
            log_files=self.counts.log_files + 1,
            log_lines=self.counts.log_lines + result.lines,
            bytes=self.counts.bytes + result.bytes,
        )

    def events(self, kind: Kind, found: Found, host: str | None, offset_s: int | None) -> None:
        """An event log, as XML, as a table or binary."""

        def problem(line: int | None, why: str) -> None:
            gap = Missing(what="an event log", host=host, file=found.shown, line=line, why=why)
            self._note(replace(gap, concerns=Concern.EVENTS))

        if found.size == 0:
            problem(None, "it is empty")
            return
        before = len(self._note)
        if kind is Kind.EVENTS_BINARY:
            if cut := cut_off(found.head(), found.size):
                problem(None, cut)
            binary = EventEvtx(self._events, problem)
            source = None if found.path else spooled(found)
            try:
                self._recognise(binary.records(str(found.path) if source is None else source), found, host)
            finally:
                if source is not None:
                    source.close()
            count = binary.count
        else:
            with found.open() as stream:
                reader = TextReader(stream)
                xml = kind is Kind.EVENTS_XML
                parser = EventXml(self._events, problem) if xml else EventCsv(self._events, problem, offset_s)
                self._recognise(parser.records(reader.pieces()), found, host)
            if reader.problem:
                problem(None, reader.problem)
            count = parser.count
        if count == 0 and len(self._note) == before:
            problem(None, "there is no event in it")
        self.counts = replace(self.counts, events=self.counts.events + count)

    def _recognise(self, records: Iterable[EventRecord], found: Found, host: str | None) -> None:
        kept: dict[str, list[Sighting]] = {}
        for record in records:
            for one in self._events.sightings(record, host or record.computer, found.shown):
                same = kept.setdefault(one.signature, [])
                same.append(one)
                del same[:-_LAST]
        for same in kept.values():
            self._seen.extend(same)

    def registry(self, found: Found, host: str | None, collector: tool.Collector | None) -> None:
        """A registry export."""

        def problem(line: int, why: str) -> None:
            gap = Missing(what="a registry export", host=host, file=found.shown, line=line, why=why)
            self._note(replace(gap, concerns=Concern.REGISTRY))

        if collector is None and host is None:
            problem(1, "it belongs to no host, so what it says of versions counts for none; put it under hosts/NAME")
        owner = collector or self.loose.setdefault(host, tool.Collector((), host=host or ""))
        with found.open() as stream:
            reader = TextReader(stream)
            keys = self._watched(read_registry(reader.pieces(), problem), found, host)
            tool.take_registry(owner, keys, found.shown, self._note)
        if reader.problem:
            problem(1, reader.problem)

    def _watched(self, keys: Iterable[RegistryKey], found: Found, host: str | None) -> Iterator[RegistryKey]:
        """The same keys; the first that each signature knows is a sighting."""
        first: dict[tuple[str, str], Sighting] = {}
        for key in keys:
            path = key.path.lower()
            for one in self._registry:
                if one not in first and one[1] in path and not path.startswith("-"):
                    first[one] = Sighting(signature=one[0], text=key.path, host=host, file=found.shown, line=key.line)
            yield key
        self._seen.extend(first[one] for one in self._registry if one in first)
