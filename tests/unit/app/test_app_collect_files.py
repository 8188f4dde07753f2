"""What is written as an evidence folder is what its reader finds there."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.app.collect import HostEvidence
from engine.app.collect_files import events_xml, host_files, refuse_used, registry_text, write
from engine.evidence.reader import read_evidence
from engine.language.triage import parse_text
from engine.model.errors import UsageMistake

VERSIONS = st.sampled_from(("7.5.1561.0", "7.5.2905.0"))
TEXT = st.text(max_size=40)


@st.composite
def hosts(draw: st.DrawFn) -> HostEvidence:
    return HostEvidence(
        name=draw(st.sampled_from(("SM01", "DW01", "SQL01"))),
        role=draw(st.sampled_from(("management-server", "data-warehouse-server", "sql-server"))),
        binaries=draw(VERSIONS | st.none()),
        management_packs=draw(VERSIONS | st.none()),
        databases=draw(st.dictionaries(st.sampled_from(("ServiceManager", "DWRepository")), VERSIONS, max_size=2)),
    )


@settings(max_examples=60, deadline=None)
@given(hosts())
def test_roles_and_versions_come_back(host: HostEvidence) -> None:
    with TemporaryDirectory() as place:
        write(Path(place) / "new", [host], {"answers": {"setup_running": "no"}}, None)
        evidence = read_evidence([Path(place) / "new"], (), parse_text)
    (found,) = evidence.hosts
    assert (found.name, found.role) == (host.name, host.role)
    assert found.versions.binaries == (host.binaries or "unknown")
    assert found.versions.management_packs == (host.management_packs or "unknown")
    assert dict(found.versions.databases) == host.databases


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


def test_logs_of_two_profiles_stay_apart() -> None:
    host = HostEvidence(name="SM01")
    host.logs[r"C:\Users\a\AppData\Local\Temp\SCSMInstall.log"] = b"one"
    host.logs[r"C:\Users\b\AppData\Local\Temp\1\SCSMInstall.log"] = b"two"
    files = dict(host_files(host))
    assert files["logs/a__SCSMInstall.log"] == b"one"
    assert files["logs/b__1__SCSMInstall.log"] == b"two"


def test_a_number_is_a_dword_and_a_text_is_quoted() -> None:
    text = registry_text({r"HKLM\SYSTEM\X": {"ServicesPipeTimeout": 200000, "Path": 'C:\\"x"'}})
    assert "[HKEY_LOCAL_MACHINE\\SYSTEM\\X]" in text
    assert '"ServicesPipeTimeout"=dword:00030d40' in text
    assert r'"Path"="C:\\\"x\""' in text


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    with pytest.raises(UsageMistake, match="not an empty folder"):
        refuse_used(tmp_path)
