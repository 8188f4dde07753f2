"""The same log brought several times counts once; what merely looks alike counts as it is."""

import random
import zipfile
from pathlib import Path

import pytest

from engine.app.triage import triage_spec
from engine.evidence.reader import read_evidence
from engine.language.triage import parse_text
from engine.model.triage import Concern, Evidence

START = "CAStartServices: Attempting to start service. OMCFG\r\n"
LOGON = START + "CAStartServices: StartService failed. Error Code: 0x8007042D.\r\n"
TIMEOUT = START + "CAStartServices: StartService failed. Error Code: 0x8007041D.\r\n"
SPEC = triage_spec()
FILLED = "".join(f"{random.Random(7).random()} {number}\r\n" for number in range(4000))
LOG = "hosts/SM01/logs/SCSMInstall.log"


def read(place: Path, files: dict[str, str]) -> Evidence:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(text.encode())
    return read_evidence([place], SPEC.signatures, parse_text)


def counted(evidence: Evidence) -> list[tuple[str, str | None]]:
    return [(one.signature, one.file) for one in evidence.sightings if one.superseded is None]


def told(evidence: Evidence) -> list[tuple[str | None, str]]:
    return [(one.file, one.why) for one in evidence.missing if one.what == "a copy of a log"]


@pytest.mark.parametrize("before", ["", FILLED], ids=["short", "long"])
@pytest.mark.parametrize("name", ["hosts/SM01/logs/old/SCSMInstall.log", "hosts/SM01/logs/SCSMInstall - Copy.log"])
def test_an_earlier_copy_of_a_log_counts_no_more(before: str, name: str, tmp_path: Path) -> None:
    evidence = read(tmp_path, {name: before + LOGON, LOG: before + LOGON + TIMEOUT})
    assert counted(evidence) == [("S1", LOG)]
    assert told(evidence) == [(name, f"it is the beginning of {LOG}, and that one counts")]


@pytest.mark.parametrize("before", ["", FILLED], ids=["short", "long"])
def test_the_same_log_of_a_host_and_of_none_is_that_of_the_host(before: str, tmp_path: Path) -> None:
    evidence = read(tmp_path, {"SCSMInstall.log": before + TIMEOUT, LOG: before + TIMEOUT})
    assert counted(evidence) == [("S1", LOG)]
    assert told(evidence) == [("SCSMInstall.log", f"it is the same as {LOG}, and that one counts")]


def test_a_copy_in_a_zip_is_known(tmp_path: Path) -> None:
    read(tmp_path, {LOG: FILLED + TIMEOUT})
    with zipfile.ZipFile(tmp_path / "hosts/SM01/logs/kept.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("SCSMInstall.log", FILLED + TIMEOUT)
    evidence = read(tmp_path, {})
    assert counted(evidence) == [("S1", LOG)]
    assert [file for file, _ in told(evidence)] == ["hosts/SM01/logs/kept/SCSMInstall.log"]


def test_one_log_of_two_hosts_counts_for_both_and_is_told(tmp_path: Path) -> None:
    other = LOG.replace("SM01", "SM02")
    evidence = read(tmp_path, {LOG: TIMEOUT, other: TIMEOUT})
    assert counted(evidence) == [("S1", LOG), ("S1", other)]
    (gap,) = [one for one in evidence.missing if one.what == "the host of a log"]
    assert (gap.host, gap.file, gap.concerns) == ("SM02", other, Concern.LOGS)
    assert f"all of it is also in {LOG} of SM01" in gap.why


@pytest.mark.parametrize(
    "other",
    [
        FILLED.replace(" 2000\r", " 2001\r") + LOGON,
        "x" + FILLED + LOGON,
        FILLED.replace("\r\n", "\n") + LOGON,
        FILLED + TIMEOUT,
    ],
    ids=["another line", "another beginning", "other line ends", "another end"],
)
def test_a_log_that_is_no_copy_counts(other: str, tmp_path: Path) -> None:
    name = "hosts/SM01/logs/old/SCSMInstall.log"
    evidence = read(tmp_path, {name: other, LOG: FILLED + LOGON + LOGON})
    assert {file for _, file in counted(evidence)} == {LOG, name}
    assert not told(evidence)


def test_logs_of_one_length_are_compared_to_their_last_byte(tmp_path: Path) -> None:
    name = "hosts/SM01/logs/old/SCSMInstall.log"
    evidence = read(tmp_path, {name: FILLED + LOGON + "a\r\n", LOG: FILLED + LOGON + "b\r\n"})
    assert {file for _, file in counted(evidence)} == {LOG, name}
