"""Evidence is stored once, under its digest, and a changed byte is noticed."""

import errno
import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.journal.evidence import EvidenceFiles, write_file
from engine.model.errors import JournalDamaged, StorageFailed


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_what_is_put_is_got(tmp_path: Path, content: bytes) -> None:
    store = EvidenceFiles(tmp_path)
    ref = store.put(content, "log")
    assert (ref.digest, ref.size, ref.caption) == (hashlib.sha256(content).hexdigest(), len(content), "log")
    assert store.get(ref.digest) == content
    assert store.put(content, "again").digest == ref.digest


def test_the_place_is_the_digest_and_nothing_else_is_left(tmp_path: Path) -> None:
    store = EvidenceFiles(tmp_path)
    digest = store.put(b"a line", "log").digest
    store.put(b"a line", "log")
    files = [one.relative_to(tmp_path).as_posix() for one in tmp_path.rglob("*") if one.is_file()]
    assert files == [f"evidence/{digest[:2]}/{digest}"]


def test_an_altered_file_is_damage_and_is_healed_by_a_new_put(tmp_path: Path) -> None:
    store = EvidenceFiles(tmp_path)
    digest = store.put(b"a line", "log").digest
    store.path(digest).write_bytes(b"b line")
    with pytest.raises(JournalDamaged, match="was altered"):
        store.get(digest)
    store.put(b"a line", "log")
    assert store.get(digest) == b"a line"


def test_a_missing_file_is_damage(tmp_path: Path) -> None:
    with pytest.raises(JournalDamaged, match="not there any more"):
        EvidenceFiles(tmp_path).get("ab" * 32)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "AB" * 32, "a" * 63, "a" * 63 + "/"])
def test_a_text_that_is_no_digest_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(JournalDamaged, match="no evidence digest"):
        EvidenceFiles(tmp_path).get(name)


def test_a_piece_above_the_limit_is_refused_with_both_numbers(tmp_path: Path) -> None:
    store = EvidenceFiles(tmp_path, max_bytes=3)
    with pytest.raises(StorageFailed, match="log: 4 bytes of evidence, and one piece may have 3"):
        store.put(b"1234", "log")
    assert store.put(b"123", "log").size == 3


def test_a_full_disk_leaves_no_part_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.journal.evidence.os.fsync", full)
    with pytest.raises(StorageFailed, match="the disk is full"):
        EvidenceFiles(tmp_path).put(b"1234", "log")
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_file(path, b"old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
