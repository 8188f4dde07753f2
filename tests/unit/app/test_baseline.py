"""A signed baseline: unchanged it is taken, changed anywhere it is refused, and whose key it was is told."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.app import documents
from engine.app.baseline import judged, notes, write
from engine.app.baseline_signing import KEY_FILE, check, own_fingerprint, signed
from engine.language.load import load_baseline
from engine.model.errors import DocumentsRejected, EngineError, StorageFailed, UsageMistake

AT = "2013-02-02T18:04:00Z"
DOCUMENT: dict[str, Any] = {
    "schema": "baseline/v1",
    "recorded_at": AT,
    "recorded_by": "kim",
    "run": "2013-02-02-a1b2c3",
    "hosts": {
        "SM01": {"role": "management-server", "computer_name": "SM01", "versions": {"binaries": "7.5.1561.0"}},
        "DW01": {"role": "data-warehouse-server", "job_schedules": ["MPSyncJob"]},
    },
}


def test_what_was_written_is_taken_and_told(tmp_path: Path) -> None:
    path = write(DOCUMENT, tmp_path, tmp_path)
    found = documents.baseline(str(path), "")
    assert isinstance(found, dict)
    assert {name: one for name, one in found.items() if name != "signature"} == DOCUMENT
    assert notes(found, tmp_path) == ()
    told = "\n".join(judged(path, tmp_path))
    assert "2 hosts: DW01, SM01" in told
    assert f"recorded at {AT} by kim" in told
    assert str(own_fingerprint(tmp_path)) in told
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_the_layout_of_the_file_may_change(tmp_path: Path) -> None:
    path = write(DOCUMENT, tmp_path, tmp_path)
    found = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(found.items())), indent=7))
    assert documents.baseline(str(path), "") == found


@pytest.mark.parametrize("at", ["value", "signed_at", "fingerprint", "public_key"])
def test_a_changed_signature_is_refused(at: str, tmp_path: Path) -> None:
    path = write(DOCUMENT, tmp_path, tmp_path)
    found = json.loads(path.read_text())
    told = found["signature"][at]
    found["signature"][at] = told.replace("2013", "2014") if at == "signed_at" else told[::-1]
    path.write_text(json.dumps(found))
    with pytest.raises(UsageMistake, match="changed after it was signed"):
        documents.baseline(str(path), "")


def test_a_changed_version_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = write(DOCUMENT, tmp_path, tmp_path)
    path.write_text(path.read_text().replace("7.5.1561.0", "7.5.2905.0"))
    with pytest.raises(UsageMistake) as refused:
        judged(path, tmp_path)
    assert str(path) in refused.value.message
    assert "signature block" in str(refused.value.remedy)


def test_a_signature_of_another_shape_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "baseline.yaml"
    path.write_text(json.dumps({**DOCUMENT, "signature": {"algorithm": "none"}}))
    with pytest.raises(DocumentsRejected):
        documents.baseline(str(path), "")


def test_one_without_a_signature_is_taken_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "baseline.yaml"
    path.write_text(json.dumps(DOCUMENT))
    assert documents.baseline(str(path), "") == DOCUMENT
    assert "no signature" in notes(DOCUMENT, tmp_path)[0]
    assert notes(None, tmp_path) == ()


def test_the_key_of_another_jump_host_is_told(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    path = write(DOCUMENT, there, there)
    (note,) = notes(documents.baseline(str(path), ""), here)
    assert "another jump host" in note
    assert str(own_fingerprint(there))[:16] in note
    assert own_fingerprint(here) is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_the_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    first = signed(DOCUMENT, tmp_path, AT)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert signed(DOCUMENT, tmp_path, AT) == first
    assert signed(first, tmp_path, AT) == first


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(StorageFailed, match="is no key"):
        signed(DOCUMENT, tmp_path, AT)
    with pytest.raises(EngineError):
        own_fingerprint(tmp_path)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return [path]
    return [leaf for name, one in items for leaf in _leaves(one, (*path, name))]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_leaves(DOCUMENT)), st.text(max_size=9) | st.none() | st.integers())
def test_no_value_can_be_changed(tmp_path_factory: pytest.TempPathFactory, leaf: tuple[Any, ...], put: Any) -> None:
    state = tmp_path_factory.getbasetemp()
    found = json.loads(json.dumps(signed(DOCUMENT, state, AT)))
    place = found
    for name in leaf[:-1]:
        place = place[name]
    same = place[leaf[-1]] == put
    place[leaf[-1]] = put
    judged_now = check(found)
    assert judged_now is not None
    assert judged_now.fits is same


def test_the_old_shape_stays_valid() -> None:
    old = {"schema": "baseline/v1", "hosts": {"SM01": {"role": "management-server", "versions": {"binaries": "7.5.1"}}}}
    assert load_baseline(json.dumps(old), "baseline.yaml")[1] == ()


def test_a_baseline_in_an_evidence_folder_that_was_changed_is_no_measure(tmp_path: Path) -> None:
    from engine.app.triage import triage_evidence

    folder = tmp_path / "e"
    (folder / "hosts" / "SM01").mkdir(parents=True)
    (folder / "evidence.yaml").write_text("answers: {setup_running: 'no', retry_button: 'no'}\n")
    host = "role: management-server\nversions: {binaries: 7.5.2905.0, databases: {ServiceManager: 7.5.1561.0}}\n"
    (folder / "hosts" / "SM01" / "host.yaml").write_text(host)
    versions = {"binaries": "7.5.1561.0", "databases": {"ServiceManager": "7.5.1561.0"}}
    document = {"schema": "baseline/v1", "hosts": {"SM01": {"role": "management-server", "versions": versions}}}
    whole = signed(document, tmp_path, "2013-03-01T08:00:00Z")
    (folder / "baseline.yaml").write_text(json.dumps(whole))
    assert triage_evidence([folder]).row == "D7"
    versions["binaries"] = "7.5.2905.0"
    (folder / "baseline.yaml").write_text(json.dumps({**whole, "hosts": document["hosts"]}))
    altered = triage_evidence([folder])
    assert altered.verdict == "undetermined"
    assert any("changed after it was signed" in one.why for one in altered.missing)
