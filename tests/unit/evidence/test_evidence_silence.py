"""Nothing that was brought is passed over in silence: what was cut off, misplaced or packed is told or read."""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.app.triage import triage_evidence, triage_spec
from engine.evidence.events_evtx import cut_off
from engine.evidence.log_lines import LineSearch
from engine.model.triage import TriageResult

SPEC = triage_spec()
LOG = "hosts/SM01/logs/SCSMInstall.log"
ANNOUNCED = "CAStartServices: Attempting to start service. "
FAILED = "CAStartServices: StartService failed. Error Code: 0x8007041D."
S1 = f"{ANNOUNCED}OMCFG\r\n{FAILED}\r\n"
EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='Service Control Manager'/><EventID>7009</EventID></System>"
    "<EventData><Data>System Center Management Configuration</Data></EventData></Event>"
)


def judged(place: Path, files: Mapping[str, str | bytes]) -> TriageResult:
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return triage_evidence([place], SPEC)


def signs(result: TriageResult) -> list[tuple[str, int | None]]:
    return [(one.signature, one.line) for one in (*result.supporting, *result.contradicting, *result.noted)]


def told(result: TriageResult) -> list[tuple[str, str | None]]:
    """Gaps with a place, and what each could do to the verdict."""
    return [(one.file, one.weight) for one in result.missing if one.file]


ONE_LINE = {
    "all on one line": S1.replace("\r\n", " "),
    "far apart": f"{ANNOUNCED}OMSDK {'x' * 50_000} {S1.replace(chr(13), ' ').replace(chr(10), ' ')}",
    "in the same piece, after another hit": f"{ANNOUNCED}OMCFG{' y' * 40_000}{FAILED}{' z' * 10_000}",
    "behind another start": f"{ANNOUNCED}OMSDK ok. {ANNOUNCED}OMCFG. {FAILED}",
    "behind another start, long": f"{'x' * 50_000}{ANNOUNCED}OMSDK ok. {ANNOUNCED}OMCFG. {FAILED}",
    "before the start of another": f"{ANNOUNCED}OMCFG. {FAILED} {ANNOUNCED}OMSDK",
    "across two pieces": f"{'x' * (1024 * 1024 - 90)}{ANNOUNCED}OMCFG. {FAILED}",
}


@pytest.mark.parametrize("name", ONE_LINE)
def test_a_line_with_several_starts_binds_each_failure_to_its_own(name: str, tmp_path: Path) -> None:
    assert signs(judged(tmp_path, {LOG: ONE_LINE[name]})) == [("S1", 1)]


def test_a_failure_of_another_service_on_the_same_line_stays_its_own(tmp_path: Path) -> None:
    line = f"{ANNOUNCED}OMSDK. {FAILED} {ANNOUNCED}OMCFG. Service started."
    assert signs(judged(tmp_path, {LOG: line})) == [("S1-other", 1)]


def test_what_is_shown_of_a_long_line_holds_the_sign(tmp_path: Path) -> None:
    result = judged(tmp_path, {LOG: ONE_LINE["far apart"]})
    assert "0x8007041D" in result.supporting[0].text


@pytest.mark.parametrize("ends", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("piece", [1, 2, 7, 10_000])
def test_every_way_to_end_a_line_is_counted_alike(ends: str, piece: int) -> None:
    text = ends.join(["one", "two", "needle", "", "four", "needle", ""])
    search = LineSearch(["needle"])
    found = [one.number for one in search.hits(text[at : at + piece] for at in range(0, len(text), piece))]
    assert (found, search.lines) == ([3, 6], 6)


def test_ends_of_lines_that_are_mixed_in_one_log(tmp_path: Path) -> None:
    assert signs(judged(tmp_path, {LOG: S1.replace("\r\n", "\r") + "\n"})) == [("S1", 2)]


def test_text_of_four_bytes_a_letter_is_read_and_told(tmp_path: Path) -> None:
    for encoding in ("utf-32", "utf-32-be"):
        result = judged(tmp_path / encoding, {LOG: S1.encode(encoding)})
        assert signs(result) == [("S1", 2)]
        assert (LOG, "no") in told(result)


def test_a_utf_8_log_that_ends_in_the_middle_of_a_character_is_told(tmp_path: Path) -> None:
    result = judged(tmp_path, {LOG: S1.encode() + "\u00fc\U0001f600".encode()[:-2]})
    assert signs(result) == [("S1", 2)]
    assert (LOG, "alone") in told(result) or (LOG, "with other missing evidence") in told(result)


@pytest.mark.parametrize(
    "content", [gzip.compress(S1.encode()), b"\x89PNG\r\n\x1a\n" + bytes(100), b"MZ\x90" + bytes(200)]
)
def test_what_is_packed_among_the_logs_is_no_log(content: bytes, tmp_path: Path) -> None:
    result = judged(tmp_path, {LOG: content})
    assert result.counts.log_files == 0
    assert LOG in [one.file for one in result.missing if one.what == "a file that could not be placed"]


def test_events_that_lie_among_the_logs_are_read_as_events(tmp_path: Path) -> None:
    result = judged(tmp_path, {"hosts/SM01/logs/System.xml": f"<Events>{EVENT}</Events>"})
    assert signs(result) == [("7009", 1)]
    assert (result.counts.log_files, result.counts.events) == (0, 1)


def test_a_row_that_is_cut_off_is_told(tmp_path: Path) -> None:
    content = '"Id","ProviderName","LogName","Message"\r\n"1","x","y","z"\r\n"7009","Service Con'
    result = judged(tmp_path, {"hosts/SM01/events/s.csv": content})
    assert [one.line for one in result.missing if "2 columns instead of 4" in one.why] == [3]


def test_a_binary_log_that_is_cut_off_between_its_chunks_is_told() -> None:
    head = b"ElfFile\x00" + bytes(34) + (5).to_bytes(2, "little") + bytes(4052)
    assert cut_off(head, 4096 + 5 * 65536) is None
    assert cut_off(head, 4096 + 3 * 65536 + 7) == "it is cut off: 3 of 5 chunks are there"
    assert cut_off(b"ElfFile\x00", 8) is None


def test_a_link_in_a_zip_is_told_and_not_taken_for_a_log(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo(LOG)
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    result = judged(tmp_path, {"e.zip": made.getvalue()})
    assert result.counts.log_files == 0
    assert [one.why for one in result.missing if one.file == f"e/{LOG}"] == [
        "it is a link, and links in a zip are not followed"
    ]


def test_a_zip_too_deep_in_zips_is_told_as_what_it_is(tmp_path: Path) -> None:
    content = b""
    for _ in range(5):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("in.zip" if content else LOG, content or S1)
        content = made.getvalue()
    result = judged(tmp_path, {"e.zip": content})
    (gap,) = [one for one in result.missing if one.what == "a zip in a zip"]
    assert gap.file == "e/in/in/in.zip"
    assert "unpack it" in gap.why
