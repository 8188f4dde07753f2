"""Whatever is written as an evidence folder is read back equal: sightings, versions, answers, times and gaps."""

import io
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.app.triage import triage_spec
from engine.evidence.documents import ROLES
from engine.evidence.events import EventMatcher, EventRecord
from engine.evidence.exports import events_xml, registry_text
from engine.evidence.log_match import LogMatcher
from engine.evidence.reader import read_evidence
from engine.evidence.registry import RegistryKey, read_registry
from engine.evidence.stamps import stamps
from engine.evidence.writer import HostEvidence, baseline_document, write_evidence
from engine.language.triage import parse_text
from engine.model.triage import UNKNOWN, Answers, Concern, Evidence, EvidenceHost, Missing, Upgrade, Versions

SIGNATURES = triage_spec().signatures
TEXT = st.text(max_size=30)
WORDS = st.text(min_size=1, max_size=30).filter(lambda one: bool(one.strip()))
VERSION = st.sampled_from(("7.5.1561.0", "7.5.2905.0", UNKNOWN))
DATABASES = st.dictionaries(st.sampled_from(("ServiceManager", "DWRepository", "DWStagingAndConfig")), VERSION)
LINES = st.sampled_from(
    (
        "CAStartServices: Attempting to start service. OMCFG",
        "CAStartServices: Attempting to start service. OMSDK",
        "CAStartServices: StartService failed. Error Code: 0x8007041D.",
        "CAStartServices: StartService failed. Error Code: 0x8007042D.",
        "2013-02-02 19:05:12 failed before permanent modifications were made",
        "an ordinary line",
        "grün und über",
    )
)
EXPORT_PARTS = (
    "Windows Registry Editor Version 5.00", "REGEDIT4", "\r\n", "\n", "\r", "[HKEY_LOCAL_MACHINE\\A]",
    "[HKEY_LOCAL_MACHINE\\B", '"a"="b"', '"a"=dword:0000000f', '"h"=hex(2):43,00,\\', "  78,00", "; said", "@=",
    "\ufeff",
)  # fmt: skip
ENCODINGS = st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252"))
PATHS = st.tuples(
    st.sampled_from(("ann", "Jörg", "J?rg", "ANN")),
    st.sampled_from(("SCSMInstall.log", "SCSMSetupWizard.log", "con.log")),
)
EVENTS = st.fixed_dictionaries(
    {
        "id": st.sampled_from((7009, 7038, 29112, 33502, 4)),
        "source": st.just("Service Control Manager") | TEXT,
        "message": st.just("waiting for the System Center Management Configuration service") | TEXT,
        "strings": st.lists(st.just("OMCFG") | TEXT, max_size=3),
        "time": st.datetimes().map(lambda one: one.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")),
        "record": st.integers(0, 10_000),
        "level": st.sampled_from(("Error", "Information")),
    }
)


@st.composite
def logs(draw: st.DrawFn) -> dict[str, bytes]:
    found = draw(st.dictionaries(PATHS, st.tuples(st.lists(LINES, min_size=1, max_size=8), ENCODINGS), max_size=3))
    return {
        rf"C:\Users\{user}\AppData\Local\Temp\{name}": "".join(f"{line}\r\n" for line in lines).encode(encoding)
        for (user, name), (lines, encoding) in found.items()
    }


@st.composite
def hosts(draw: st.DrawFn, name: str) -> HostEvidence:
    versions = Versions(binaries=draw(VERSION), management_packs=draw(VERSION), databases=draw(DATABASES))
    gaps = draw(st.lists(st.tuples(WORDS, WORDS, st.sampled_from(Concern)), max_size=3, unique=True))
    return HostEvidence(
        host=EvidenceHost(name=name, role=draw(st.sampled_from((*ROLES, UNKNOWN))), versions=versions),
        logs=draw(logs()),
        events=draw(
            st.dictionaries(
                st.sampled_from(("System", "Application", "Operations Manager")), st.lists(EVENTS, max_size=5)
            )
        ),
        registry=draw(st.just({}) | st.just({r"HKLM\SOFTWARE\X": {"Name": "text", "Number": 5}})),
        missing=tuple(Missing(what=what, why=why, host=name, concerns=concern) for what, why, concern in gaps),
    )


ANSWERS = st.builds(
    Answers,
    setup_running=st.sampled_from(("yes", "no", UNKNOWN)),
    retry_button=st.sampled_from(("yes", "no", UNKNOWN)),
    exit_code=st.none() | st.integers(-(2**31), 2**31 - 1),
    prerequisite_page=st.lists(WORDS.map(str.strip), max_size=2).map(tuple),
    file=st.just("evidence.yaml"),
)
UPGRADES = st.builds(
    lambda start, offset, old: Upgrade(
        from_version=old, started_at=None if start is None else float(start), offset_s=None if start is None else offset
    ),
    st.none() | st.integers(0, 2**31),
    st.integers(-12, 14).map(lambda one: one * 3600),
    st.sampled_from((None, "7.5.1561.0")),
)


Seen = tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]


def seen(evidence: Evidence) -> Seen:
    """What was read of logs, with lines, and of events, whose lines in the export say nothing."""
    found = [(one, "/events/" in (one.file or "")) for one in evidence.sightings]
    return (
        {(one.signature, one.host, one.line, one.text, one.at, one.superseded) for one, event in found if not event},
        {(one.signature, one.host, one.text, one.at) for one, event in found if event},
    )


def expected(hosts: tuple[HostEvidence, ...], offset_s: int | None) -> Seen:
    """What the matchers see in the values themselves, without any folder."""
    logs = {
        (one.signature, one.host, one.line, one.text, one.at, one.superseded)
        for host in hosts
        for content in host.logs.values()
        for one in LogMatcher(SIGNATURES).search(io.BytesIO(content), host.host.name, "", offset_s).sightings
    }
    events = {
        (one.signature, one.host, one.text, one.at)
        for host in hosts
        for log, records in host.events.items()
        for record in records
        for one in EventMatcher(SIGNATURES).sightings(record_of(record, log), host.host.name, "")
    }
    return logs, events


def record_of(raw: Mapping[str, Any], log: str) -> EventRecord:
    (back,) = ElementTree.fromstring(events_xml(log, "X", [raw]))
    told = back.findtext(".//{*}Message") or ""
    strings = tuple((one.text or "").strip() for one in back.iterfind(".//{*}Data"))
    source = next(one.get("Name") or "" for one in back.iter() if one.tag.endswith("Provider"))
    return EventRecord(
        event=raw["id"],
        source=source,
        message=told,
        strings=tuple(filter(None, strings)),
        at=stamps(raw["time"], 0),
        log=log,
    )


@settings(max_examples=60, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(hosts("SM01"), hosts("SQL01.contoso.com"), ANSWERS, UPGRADES, st.none() | st.integers(0, 2**31))
def test_what_is_written_is_read_back(
    first: HostEvidence, second: HostEvidence, answers: Answers, upgrade: Upgrade, after: int | None
) -> None:
    both = (first, second)
    # Evidence of an upgrade is collected after it has started; other times contradict each other.
    at = None if after is None else after + int(upgrade.started_at or 0)
    with TemporaryDirectory() as place:
        write_evidence(
            Path(place) / "new", both, collected_at=at, upgrade=upgrade, answers=answers,
            baseline=baseline_document(one.host for one in both),
        )  # fmt: skip
        evidence = read_evidence([Path(place) / "new"], SIGNATURES, parse_text)
    assert evidence.answers == answers
    assert evidence.upgrade == upgrade
    assert evidence.collected_at == at
    for written, read, base in zip(both, evidence.hosts, evidence.baseline or (), strict=True):
        for one in (read, base):
            assert (one.name, one.role) == (written.host.name, written.host.role)
            assert (one.versions.binaries, one.versions.management_packs, dict(one.versions.databases)) == (
                written.host.versions.binaries,
                written.host.versions.management_packs,
                dict(written.host.versions.databases),
            )
    assert seen(evidence) == expected(both, upgrade.offset_s or None)
    for written in both:
        gaps = [one for one in evidence.missing if one.host == written.host.name and one in written.missing]
        assert sorted(map(repr, gaps)) == sorted(map(repr, written.missing))


@given(
    st.lists(
        st.fixed_dictionaries({"id": st.integers(0, 65535), "source": TEXT, "message": TEXT, "strings": st.lists(TEXT)})
    )
)
def test_any_event_gives_well_formed_xml(events: list[dict[str, Any]]) -> None:
    root = ElementTree.fromstring(
        events_xml("System", "SM01", [{"time": "2013-02-02T18:04:00Z", **one} for one in events])
    )
    assert len(root) == len(events)


@given(st.dictionaries(TEXT.filter(lambda one: all(char >= " " for char in one)), TEXT | st.integers(0, 2**32 - 1)))
def test_any_registry_value_comes_back(values: dict[str, str | int]) -> None:
    values = {name.lower(): value for name, value in values.items() if name.lower().lower() == name.lower()}
    problems: list[str] = []
    text = registry_text({r"HKLM\SOFTWARE\X": values})
    (key,) = read_registry([text], lambda line, why: problems.append(f"{line}: {why}"))
    assert not problems
    assert key.values == {
        name: value.rstrip("\x00") if isinstance(value, str) and min(value, default=" ") < " " else value
        for name, value in values.items()
    }


@given(st.lists(st.sampled_from([*EXPORT_PARTS]), max_size=40), st.data())
def test_a_registry_export_reads_alike_wherever_its_pieces_end(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]

    def outcome(pieces: list[str]) -> tuple[list[RegistryKey], list[tuple[int, str]]]:
        problems: list[tuple[int, str]] = []
        return list(read_registry(pieces, lambda line, why: problems.append((line, why)))), problems

    assert outcome(pieces) == outcome([text])
