"""Reads whatever was brought into one ``Evidence``; contacts no host.

What cannot be read is in ``missing``, with its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.evidence import diagnostic_tool as tool
from engine.evidence.documents import (
    EvidenceDocument,
    read_baseline_document,
    read_evidence_document,
    read_host_document,
)
from engine.evidence.encoding import TextReader, whole_text
from engine.evidence.events import EventMatcher, EventRecord
from engine.evidence.events_csv import EventCsv
from engine.evidence.events_evtx import EventEvtx
from engine.evidence.events_xml import EventXml
from engine.evidence.hosts import merged
from engine.evidence.log_match import LogMatcher
from engine.evidence.placing import Kind, host_of, kind_of
from engine.evidence.registry import RegistryKey, read_registry
from engine.evidence.tree import Found, spooled, walk
from engine.model.triage import (
    Answers,
    Concern,
    Counts,
    Evidence,
    EvidenceHost,
    Missing,
    ParseText,
    Sighting,
    Signature,
    Upgrade,
)

DOCUMENT = 4 * 1024 * 1024
REGISTRY = 64 * 1024 * 1024
KEPT = 200


def read_evidence(paths: Sequence[Path], signatures: Iterable[Signature], parse: ParseText) -> Evidence:
    """Folders, zips or files, read together as one body of evidence."""
    reading = _Reading(tuple(signatures), parse, _labels(paths))
    for path in paths:
        reading.survey(path)
    for path in paths:
        reading.take(path)
    return reading.evidence()


def _labels(paths: Sequence[Path]) -> Mapping[Path, str]:
    """What tells the files of several roots apart: their names, or their whole paths where names are equal."""
    if len(paths) == 1:
        return {}
    names = [path.name for path in paths]
    return {path: path.name if names.count(path.name) == 1 else path.as_posix() for path in paths}


class _Reading:
    """The state of one reading; dropped afterwards."""

    def __init__(self, signatures: tuple[Signature, ...], parse: ParseText, labels: Mapping[Path, str]) -> None:
        self.parse = parse
        self.labels = labels
        self.logs = LogMatcher(signatures)
        self.events = EventMatcher(signatures)
        self.registry = [(one.id, text.lower()) for one in signatures for text in one.registry]
        self.document = EvidenceDocument(upgrade=Upgrade(), answers=Answers())
        self.document_file: str | None = None
        self.baseline: tuple[tuple[EvidenceHost, ...] | None, float | None, str | None] = (None, None, None)
        self.hosts: list[EvidenceHost] = []
        self.collectors: dict[tuple[Path, tuple[str, ...]], tool.Collector] = {}
        self.loose: dict[str | None, tool.Collector] = {}
        self.sightings: list[Sighting] = []
        self.missing: list[Missing] = []
        self.dropped = 0
        self.counts = Counts()
        self.placed: set[str] = set()

    # -- first pass: what must be known before logs are read ------------------------------------------------------

    def survey(self, root: Path) -> None:
        """Find the machines of the diagnostic tool and read ``evidence.yaml``; problems are told by the second pass."""
        pending: list[Found] = []
        for found in walk(root, _ignore, self.labels.get(root, "")):
            try:
                prefix = tool.prefix_of(found.parts)
                if prefix is not None:
                    self.collectors.setdefault((root, prefix), tool.Collector(prefix))
                name = found.parts[-1].lower()
                if name in ("evidence.yaml", "evidence.yml") and kind_of(found) is Kind.EVIDENCE:
                    self._take_document(found)
                elif found.path is not None:
                    pending.append(found)
                else:
                    self._identify(root, found)
            except Exception:  # noqa: BLE001, S112 - the second pass meets the same file and tells
                continue
        for found in pending:
            try:
                self._identify(root, found)
            except OSError:
                continue

    def _identify(self, root: Path, found: Found) -> None:
        # Files of the tool lie directly in its folder; in a zip the order may put them before the first marker.
        key = (root, found.parts[:-1])
        if found.parts[-1].lower() in (
            "hostname_fqdn.txt",
            "scsmrolesfound.txt",
            "get-utcdate.txt",
            "get-date.txt",
            "envvars.csv",
        ):
            collector = self.collectors.get(key) or tool.Collector(found.parts[:-1])
            tool.identify(collector, found)
            if key in self.collectors or any(one.lower().startswith("scsm_diag") for one in found.parts):
                self.collectors[key] = collector

    def _take_document(self, found: Found) -> None:
        if self.document_file is not None:
            self._note(
                Missing(
                    what="a second evidence.yaml", file=found.shown, why=f"{self.document_file} is the one that counts"
                )
            )
            return
        self.document_file = found.shown
        with found.open() as stream:
            text, problem = whole_text(stream, DOCUMENT)
        if problem:
            self._note(Missing(what="evidence.yaml", file=found.shown, why=problem))
        self.document = read_evidence_document(text, found.shown, self.parse, self._note)

    # -- second pass: every file ----------------------------------------------------------------------------------

    def take(self, root: Path) -> None:
        """Read every file of one root."""
        count = 0
        for found in walk(root, self._note, self.labels.get(root, "")):
            count += 1
            host = None
            try:
                host = self._host(root, found)
                self._one(root, found)
            except Exception as error:  # noqa: BLE001 - one bad file must not hide the others
                why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
                gap = Missing(what="a file", host=host, file=found.shown, why=f"it cannot be read: {why}")
                self._note(replace(gap, concerns=_concern(found)))
        if count == 0:
            self._note(
                Missing(
                    what="evidence", file=root.name, why="there is no readable file in it", concerns=Concern.ANYTHING
                )
            )

    def _one(self, root: Path, found: Found) -> None:
        collector = self._collector(root, found.parts)
        if collector is not None:
            if tool.take_table(collector, found, self._note):
                self._counted(found)
                return
            kind = kind_of(found)
            inside = tool.LOGS in [one.lower() for one in found.parts]
            if kind not in (Kind.EVENTS_BINARY, Kind.REGISTRY) and not inside:
                return
            if inside and kind is Kind.UNPLACED:
                kind = Kind.LOG
        else:
            kind = kind_of(found)
        self._read(kind, found, tool.named(collector) if collector else self._host(root, found), collector)

    def _read(self, kind: Kind, found: Found, host: str | None, collector: tool.Collector | None) -> None:
        if kind is Kind.UNPLACED:
            why = "it is neither a setup log nor an event log nor a registry export, and was not read"
            self._note(
                Missing(
                    what="a file that could not be placed",
                    host=host,
                    file=found.shown,
                    why=why,
                    concerns=Concern.ANYTHING,
                )
            )
            return
        self._counted(found)
        if host:
            self.placed.add(host)
        if kind is Kind.LOG:
            self._log(found, host, collector)
        elif kind is Kind.REGISTRY:
            self._registry_file(found, host, collector)
        elif kind in (Kind.EVENTS_XML, Kind.EVENTS_CSV, Kind.EVENTS_BINARY):
            self._event_file(kind, found, host, collector)
        elif kind is not Kind.EVIDENCE:
            self._written(kind, found, host)

    def _written(self, kind: Kind, found: Found, host: str | None) -> None:
        with found.open() as stream:
            text, problem = whole_text(stream, DOCUMENT)
        if problem:
            self._note(Missing(what=kind.value, host=host, file=found.shown, why=problem))
        if kind is Kind.HOST and host:
            self.hosts.append(read_host_document(text, found.shown, host, self.parse, self._note))
        elif self.baseline[2] is None:
            self.baseline = (*read_baseline_document(text, found.shown, self.parse, self._note), found.shown)
        else:
            why = f"{self.baseline[2]} is the one that counts"
            self._note(Missing(what="a second baseline.yaml", file=found.shown, why=why))

    def _offset(self, collector: tool.Collector | None) -> int | None:
        if collector is not None and collector.offset_s is not None:
            return collector.offset_s
        return self.document.offset_s

    def _log(self, found: Found, host: str | None, collector: tool.Collector | None) -> None:
        with found.open() as stream:
            result = self.logs.search(stream, host, found.shown, self._offset(collector))
        self.sightings.extend(result.sightings)
        for one in result.missing:
            self._note(one)
        self.counts = replace(
            self.counts,
            log_files=self.counts.log_files + 1,
            log_lines=self.counts.log_lines + result.lines,
            bytes=self.counts.bytes + result.bytes,
        )

    def _event_file(self, kind: Kind, found: Found, host: str | None, collector: tool.Collector | None) -> None:
        def problem(line: int | None, why: str) -> None:
            self._note(
                Missing(what="an event log", host=host, file=found.shown, line=line, why=why, concerns=Concern.EVENTS)
            )

        if found.size == 0:
            problem(None, "it is empty")
            return
        before = len(self.missing)
        if kind is Kind.EVENTS_BINARY:
            binary = EventEvtx(self.events, problem)
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
                parser = (
                    EventXml(self.events, problem)
                    if kind is Kind.EVENTS_XML
                    else EventCsv(self.events, problem, self._offset(collector))
                )
                self._recognise(parser.records(reader.pieces()), found, host)
            if reader.problem:
                problem(None, reader.problem)
            count = parser.count
        if count == 0 and len(self.missing) == before:
            problem(None, "there is no event in it")
        self.counts = replace(self.counts, events=self.counts.events + count)

    def _recognise(self, records: Iterable[EventRecord], found: Found, host: str | None) -> None:
        kept: dict[str, list[Sighting]] = {}
        for record in records:
            for one in self.events.sightings(record, host or record.computer, found.shown):
                same = kept.setdefault(one.signature, [])
                same.append(one)
                del same[:-20]
        for same in kept.values():
            self.sightings.extend(same)

    def _registry_file(self, found: Found, host: str | None, collector: tool.Collector | None) -> None:
        def problem(line: int, why: str) -> None:
            gap = Missing(what="a registry export", host=host, file=found.shown, line=line, why=why)
            self._note(replace(gap, concerns=Concern.REGISTRY))

        with found.open() as stream:
            text, wrong = whole_text(stream, REGISTRY)
        if wrong:
            problem(1, wrong)
        keys = read_registry(text, problem)
        self._search_registry(keys, found, host)
        if collector is None and host is None:
            problem(1, "it belongs to no host, so what it says of versions counts for none; put it under hosts/NAME")
        owner = collector or self.loose.setdefault(host, tool.Collector((), host=host or ""))
        tool.take_registry(owner, keys, found.shown, self._note)

    def _search_registry(self, keys: list[RegistryKey], found: Found, host: str | None) -> None:
        for name, wanted in self.registry:
            for key in keys:
                if wanted in key.path.lower() and not key.path.startswith("-"):
                    sighting = Sighting(signature=name, text=key.path, host=host, file=found.shown, line=key.line)
                    self.sightings.append(sighting)
                    break

    # -- where a file belongs -------------------------------------------------------------------------------------

    def _collector(self, root: Path, parts: tuple[str, ...]) -> tool.Collector | None:
        for length in range(len(parts) - 1, -1, -1):
            found = self.collectors.get((root, parts[:length]))
            if found is not None:
                return found
        return None

    def _host(self, root: Path, found: Found) -> str | None:
        collector = self._collector(root, found.parts)
        if collector is not None:
            return tool.named(collector)
        placed = host_of(found.parts)
        return placed[0] if placed else None

    def _note(self, missing: Missing) -> None:
        if missing in self.missing:
            return
        if len(self.missing) < KEPT:
            self.missing.append(missing)
        else:
            self.dropped += 1

    def _counted(self, found: Found) -> None:
        del found
        self.counts = replace(self.counts, files=self.counts.files + 1)

    # -- the result -----------------------------------------------------------------------------------------------

    def evidence(self) -> Evidence:
        """Everything, merged by host."""
        tools = list(self.collectors.values())
        found = [
            *self.hosts,
            *(tool.as_host(one) for one in (*tools, *(one for name, one in self.loose.items() if name))),
        ]
        found.extend(EvidenceHost(name=name) for name in sorted(self.placed))
        hosts = merged(found, self._note)
        if self.dropped:
            self.missing.append(
                Missing(what="more problems", why=f"{self.dropped} more are not listed", concerns=Concern.ANYTHING)
            )
        collected = self.document.collected_at
        return Evidence(
            hosts=hosts,
            baseline=self.baseline[0],
            baseline_at=self.baseline[1],
            baseline_file=self.baseline[2],
            collected_at=max((one.collected_at for one in tools if one.collected_at), default=None)
            if collected is None
            else collected,
            upgrade=self.document.upgrade,
            answers=self.document.answers,
            sightings=tuple(self.sightings),
            missing=tuple(self.missing),
            counts=replace(self.counts, hosts=len(hosts)),
            warehouse_databases=frozenset().union(
                *(tool.warehouse_names(one) for one in (*tools, *self.loose.values()))
            ),
        )


def _concern(found: Found) -> Concern:
    """What a file that cannot be opened would have spoken of, by where it lies."""
    placed = host_of(found.parts)
    folder = placed[1][0].lower() if placed and len(placed[1]) > 1 else ""
    return {"logs": Concern.LOGS, "events": Concern.EVENTS, "registry": Concern.REGISTRY}.get(folder, Concern.ANYTHING)


def _ignore(missing: Missing) -> None:
    del missing
