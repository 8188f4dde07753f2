"""The folder that is written: names that stay apart, times that are kept, and what is refused before it is begun."""

from pathlib import Path

import pytest

from engine.evidence.exports import registry_text
from engine.evidence.reader import read_evidence
from engine.evidence.writer import HostEvidence, host_files, refuse_names, refuse_used, write_evidence
from engine.language.triage import parse_text
from engine.model.errors import UsageMistake
from engine.model.triage import Concern, EvidenceHost, Missing

SM01 = EvidenceHost(name="SM01")


def names(*paths: str) -> list[str]:
    evidence = HostEvidence(host=SM01, logs={path: path.encode() for path in paths})
    return [name for name, _, _ in host_files(evidence)][1:]


def test_logs_of_two_profiles_stay_apart() -> None:
    found = names(
        r"C:\Users\a\AppData\Local\Temp\SCSMInstall.log",
        r"C:\Users\b\AppData\Local\Temp\1\SCSMInstall.log",
        r"C:\Users\ü\AppData\Local\Temp\SCSMInstall.log",
        r"C:\Users\ö\AppData\Local\Temp\SCSMInstall.log",
        r"C:\Users\A\AppData\Local\Temp\SCSMInstall.log",
    )
    assert found == [
        "logs/a__SCSMInstall.log",
        "logs/b__1__SCSMInstall.log",
        "logs/___SCSMInstall.log",
        "logs/___SCSMInstall~2.log",
        "logs/A__SCSMInstall~2.log",
    ]


@pytest.mark.parametrize("path", ["con.log", "..", "/", "x" * 500, "a\x00b", "."])
def test_any_path_gives_a_name_that_every_system_takes(path: str) -> None:
    (name,) = names(path)
    inside = name.removeprefix("logs/")
    assert 0 < len(inside) <= 130
    assert inside not in (".", "..")
    assert "/" not in inside
    assert not inside.lower().startswith("con.")


def test_the_time_of_a_log_is_kept(tmp_path: Path) -> None:
    host = HostEvidence(host=SM01, logs={r"C:\a.log": b"x"}, modified={r"C:\a.log": 1359828120.0})
    write_evidence(tmp_path / "new", [host])
    assert (tmp_path / "new/hosts/SM01/logs/a.log").stat().st_mtime == 1359828120.0


def test_a_number_is_a_dword_and_a_text_is_quoted() -> None:
    text = registry_text({r"HKLM\SYSTEM\X": {"ServicesPipeTimeout": 200000, "Path": 'C:\\"x"'}})
    assert "[HKEY_LOCAL_MACHINE\\SYSTEM\\X]" in text
    assert '"ServicesPipeTimeout"=dword:00030d40' in text
    assert r'"Path"="C:\\\"x\""' in text


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    with pytest.raises(UsageMistake, match="not an empty folder"):
        refuse_used(tmp_path)


@pytest.mark.parametrize("name", ["../SM01", "SM/01", "con", "LPT1.contoso.com", "SM01.", "", "SM 01"])
def test_a_host_that_cannot_be_a_folder_is_refused(name: str) -> None:
    with pytest.raises(UsageMistake, match="cannot be the name of a folder"):
        refuse_names([name])


def test_two_hosts_of_one_folder_are_refused() -> None:
    with pytest.raises(UsageMistake, match="would share one folder"):
        refuse_names(["SM01", "sm01"])


def test_gaps_of_a_collection_come_back_as_missing(tmp_path: Path) -> None:
    gaps = (
        Missing(
            what="the host as a whole", why="open could not connect: refused", host="SM01", concerns=Concern.ANYTHING
        ),
        Missing(what="event log System", why="access denied", host="SM01", concerns=Concern.EVENTS),
    )
    write_evidence(tmp_path / "new", [HostEvidence(host=SM01, missing=gaps)])
    assert read_evidence([tmp_path / "new"], (), parse_text).missing == gaps


def test_gaps_that_were_written_by_hand_are_read_with_care(tmp_path: Path) -> None:
    folder = tmp_path / "hosts" / "SM01"
    folder.mkdir(parents=True)
    (folder / "host.yaml").write_text(
        "missing:\n  - {what: logs, why: lost}\n  - {what: 7}\n  - text\n  - {what: a, why: b, concerns: x}\n"
    )
    first, *rest = read_evidence([tmp_path], (), parse_text).missing
    assert first == Missing(what="logs", why="lost", host="SM01", concerns=Concern.ANYTHING)
    assert [(one.what, one.line) for one in rest][:3] == [("a gap", 3), ("missing.2", 4), ("a gap", 4)]
