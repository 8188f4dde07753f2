"""Reads whatever was brought into one ``Evidence``; contacts no host.

What cannot be read is in ``missing``, with its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from engine.evidence import diagnostic_tool as tool
from engine.evidence.contents import Contents
from engine.evidence.documents import (
    EvidenceDocument,
    Fault,
    read_baseline_document,
    read_evidence_document,
    read_host_document,
)
from engine.evidence.encoding import whole_text
from engine.evidence.hosts import merged
from engine.evidence.notes import Notes
from engine.evidence.placing import Kind, host_of, kind_of
from engine.evidence.several import Baseline, Written, one_baseline, one_document
from engine.evidence.tree import Found, walk
from engine.model.triage import Concern, Evidence, EvidenceHost, Missing, ParseText, Signature

DOCUMENT = 4 * 1024 * 1024
_T = TypeVar("_T")


def no_fault(document: object) -> None:
    """Every baseline is taken as it stands."""
    del document


def read_evidence(
    paths: Sequence[Path], signatures: Iterable[Signature], parse: ParseText, fault: Fault = no_fault
) -> Evidence:
    """Folders, zips or files, read together as one body of evidence. ``fault``: what makes a baseline no measure."""
    paths = list({path.resolve(): path for path in paths}.values())
    reading = _Reading(tuple(signatures), parse, _labels(paths), fault)
    for path in paths:
        reading.survey(path)
    reading.surveyed()
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

    def __init__(
        self, signatures: tuple[Signature, ...], parse: ParseText, labels: Mapping[Path, str], fault: Fault
    ) -> None:
        self.parse = parse
        self.labels = labels
        self.fault = fault
        self.root = 0
        self._note = Notes()
        self.contents = Contents(signatures, self._note)
        self.documents: list[Written[EvidenceDocument]] = []
        self.document = one_document((), self._note)
        self.baselines: list[Written[Baseline]] = []
        self.hosts: list[EvidenceHost] = []
        self.collectors: dict[tuple[Path, tuple[str, ...]], tool.Collector] = {}
        self.files = 0
        self.placed: set[str] = set()

    # -- first pass: what must be known before logs are read ------------------------------------------------------

    def survey(self, root: Path) -> None:
        """Find the machines of the diagnostic tool and read ``evidence.yaml``; problems are told by the second pass."""
        self.root += 1
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

    def surveyed(self) -> None:
        """Every document was met: what they say together."""
        self.document = one_document(self.documents, self._note)

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
        with found.open() as stream:
            text, problem = whole_text(stream, DOCUMENT)
        if problem:
            self._note(Missing(what="evidence.yaml", file=found.shown, why=problem))
        self._keep(self.documents, found, read_evidence_document(text, found.shown, self.parse, self._note))

    def _keep(self, among: list[Written[_T]], found: Found, value: _T) -> None:
        among.append(Written(root=self.root, depth=len(found.parts), file=found.shown, value=value))

    # -- second pass: every file ----------------------------------------------------------------------------------

    def take(self, root: Path) -> None:
        """Read every file of one root."""
        self.root += 1
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
                self.files += 1
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
        self.files += 1
        if host:
            self.placed.add(host)
        if kind is Kind.LOG:
            self.contents.log(found, host, self._offset(collector))
        elif kind is Kind.REGISTRY:
            self.contents.registry(found, host, collector)
        elif kind in (Kind.EVENTS_XML, Kind.EVENTS_CSV, Kind.EVENTS_BINARY):
            self.contents.events(kind, found, host, self._offset(collector))
        elif kind is not Kind.EVIDENCE:
            self._written(kind, found, host)

    def _written(self, kind: Kind, found: Found, host: str | None) -> None:
        with found.open() as stream:
            text, problem = whole_text(stream, DOCUMENT)
        if problem:
            self._note(Missing(what=kind.value, host=host, file=found.shown, why=problem))
        if kind is Kind.HOST and host:
            self.hosts.append(read_host_document(text, found.shown, host, self.parse, self._note))
        else:
            hosts, recorded = read_baseline_document(text, found.shown, self.parse, self._note, self.fault)
            self._keep(self.baselines, found, Baseline(hosts=hosts, recorded_at=recorded))

    def _offset(self, collector: tool.Collector | None) -> int | None:
        if collector is not None and collector.offset_s is not None:
            return collector.offset_s
        return self.document.offset_s

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

    # -- the result -----------------------------------------------------------------------------------------------

    def evidence(self) -> Evidence:
        """Everything, merged by host."""
        tools = list(self.collectors.values())
        found = [
            *self.hosts,
            *(tool.as_host(one) for one in (*tools, *(one for name, one in self.contents.loose.items() if name))),
        ]
        found.extend(EvidenceHost(name=name) for name in sorted(self.placed))
        hosts = merged(found, self._note)
        collected = self.document.collected_at
        if collected is None:
            collected = max((one.collected_at for one in tools if one.collected_at), default=None)
        sightings = self.contents.sightings(collected)
        baseline, file = one_baseline(self.baselines, self._note)
        everyone = (*tools, *self.contents.loose.values())
        return Evidence(
            hosts=hosts,
            baseline=baseline.hosts,
            baseline_at=baseline.recorded_at,
            baseline_file=file,
            collected_at=collected,
            upgrade=self.document.upgrade,
            answers=self.document.answers,
            sightings=sightings,
            missing=self._note.all(),
            counts=replace(self.contents.counts, files=self.files, hosts=len(hosts)),
            warehouse_databases=frozenset().union(
                *(tool.warehouse_names(one) for one in everyone),
                *(one.warehouse_databases for one in baseline.hosts or ()),
            ),
        )


def _concern(found: Found) -> Concern:
    """What a file that cannot be opened would have spoken of, by where it lies."""
    placed = host_of(found.parts)
    folder = placed[1][0].lower() if placed and len(placed[1]) > 1 else ""
    return {"logs": Concern.LOGS, "events": Concern.EVENTS, "registry": Concern.REGISTRY}.get(folder, Concern.ANYTHING)


def _ignore(missing: Missing) -> None:
    del missing
