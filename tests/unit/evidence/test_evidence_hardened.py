"""What strangers bring besides the expected: mixed encodings, equal names, old exports, broken zips."""

import json
import zipfile
from pathlib import Path

import pytest

from engine.app.triage import triage_spec
from engine.evidence.events_csv import LONGEST_LINE, lines_of
from engine.evidence.reader import read_evidence
from engine.evidence.registry import read_registry
from engine.language.triage import parse_text
from engine.model.triage import Evidence

START = "CAStartServices: Attempting to start service. OMCFG\r\n"
FAILED = "CAStartServices: StartService failed. Error Code: 0x8007041D.\r\n"


def read(*roots: Path) -> Evidence:
    return read_evidence(roots, triage_spec().signatures, parse_text)


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("first", [b"plain text\r\n", "gr\u00fcn\r\n".encode("cp1252")])
def test_utf_16_appended_to_a_narrow_log_is_read_and_told(tmp_path: Path, first: bytes) -> None:
    put(tmp_path / "hosts/SM01/logs/SCSMInstall.log", first * 3000 + (START + FAILED).encode("utf-16-le"))
    evidence = read(tmp_path)
    (sighting,) = [one for one in evidence.sightings if one.signature == "S1"]
    assert sighting.line == 3002
    assert any("NUL bytes" in one.why for one in evidence.missing)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("lines", [3, 20_000, 21_845, 21_846])
def test_ansi_appended_to_a_utf_16_log_is_read_and_told(tmp_path: Path, encoding: str, ended: bool, lines: int) -> None:
    """Also where the change falls on the border of a piece that is read at once."""
    wide = "a line of a log, gr\u00fcn\r\n" * lines
    wide = wide if ended else wide.rstrip("\r\n")
    narrow = ("" if ended else "\r\n") + "gr\u00fcn\r\n" + START + FAILED
    put(tmp_path / "hosts/SM01/logs/SCSMInstall.log", wide.encode(encoding) + narrow.encode("cp1252"))
    evidence = read(tmp_path)
    (sighting,) = [one for one in evidence.sightings if one.signature == "S1"]
    assert sighting.line == lines + 3
    (gap,) = [one for one in evidence.missing if "ANSI" in one.why]
    assert (gap.file, gap.line) == ("hosts/SM01/logs/SCSMInstall.log", lines + 3)


def test_narrow_lines_that_end_in_lf_alone_are_read_too(tmp_path: Path) -> None:
    content = ("first\r\n" * 100_000).encode("utf-16") + (START + FAILED).replace("\r", "").encode()
    put(tmp_path / "hosts/SM01/logs/SCSMInstall.log", content)
    assert [one.line for one in read(tmp_path).sightings if one.signature == "S1"] == [100_002]


def test_utf_16_after_ansi_after_utf_16_is_read_too(tmp_path: Path) -> None:
    content = "first\r\n".encode("utf-16") + b"a narrow line\r\n" + (START + FAILED).encode("utf-16-le")
    put(tmp_path / "hosts/SM01/logs/SCSMInstall.log", content)
    assert [one.line for one in read(tmp_path).sightings if one.signature == "S1"] == [4]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_no_wide_text_is_taken_for_narrow(tmp_path: Path, encoding: str) -> None:
    """Characters of two ASCII bytes, in lines of their own."""
    text = ("\u4e0a\u6d77\u4f60\u597d\u5b89\u88c5\u5931\u8d25 ok\r\n" * 3000 + START + FAILED).encode(encoding)
    put(tmp_path / "hosts/SM01/logs/SCSMInstall.log", b"\xfe\xff" * (encoding == "utf-16-be") + text)
    evidence = read(tmp_path)
    assert [one.line for one in evidence.sightings if one.signature == "S1"] == [3002]
    assert not [one for one in evidence.missing if "ANSI" in one.why]


def test_files_of_several_roots_are_told_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        put(tmp_path / name / "hosts/SM01/logs/SCSMInstall.log", (f"{name}\r\n" + START + FAILED).encode())
        put(tmp_path / name / "hosts/SM01/events/System.xml", b"<Event")
    evidence = read(tmp_path / "one", tmp_path / "two")
    files = {one.file for one in evidence.sightings}
    assert files == {"one/hosts/SM01/logs/SCSMInstall.log", "two/hosts/SM01/logs/SCSMInstall.log"}
    broken = {one.file for one in evidence.missing if one.file and one.file.endswith("System.xml")}
    assert broken == {"one/hosts/SM01/events/System.xml", "two/hosts/SM01/events/System.xml"}


def test_roots_of_one_name_show_their_whole_paths(tmp_path: Path) -> None:
    for name in ("one", "two"):
        put(tmp_path / name / "ev" / "hosts/SM01/logs/SCSMInstall.log", (f"{name}\r\n" + START + FAILED).encode())
    files = {one.file for one in read(tmp_path / "one/ev", tmp_path / "two/ev").sightings}
    assert len(files) == 2


def test_an_old_export_holds_its_texts_in_the_narrow_encoding() -> None:
    problems: list[tuple[int, str]] = []
    text = (
        'REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\X]\r\n"Path"=hex(2):43,3a,5c,\\\r\n  78,00\r\n"After"=dword:00000005\r\n'
    )
    (key,) = read_registry([text], lambda line, why: problems.append((line, why)))
    assert key.values == {"path": "C:\\x", "after": 5}
    assert not problems


def test_a_registry_export_of_no_host_is_told_not_dropped(tmp_path: Path) -> None:
    put(tmp_path / "export.reg", b'REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\X]\r\n"A"="b"\r\n')
    put(tmp_path / "SCSMInstall.log", b"nothing\r\n")
    assert any("belongs to no host" in one.why for one in read(tmp_path).missing)


@pytest.mark.parametrize("keep", [10, 40, 100, 180])
def test_a_zip_that_was_cut_off_is_a_finding(tmp_path: Path, keep: int) -> None:
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("hosts/SM01/host.yaml", json.dumps({"role": "management-server"}) * 3)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(whole.read_bytes()[:keep])
    assert read(broken).missing


def test_a_line_without_end_is_cut_and_kept_in_bounds() -> None:
    pieces = ("x" * 1_000_000 for _ in range(20))
    lengths = [len(line) for line in lines_of(pieces)]
    assert sum(lengths) >= 20_000_000
    assert max(lengths) <= LONGEST_LINE + 1_000_001
