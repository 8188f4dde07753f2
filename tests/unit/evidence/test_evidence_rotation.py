"""Logs that continue each other: what orders them, what is overtaken then, what is told where nothing orders them."""

import os
from pathlib import Path

import pytest

from engine.app.triage import triage_evidence, triage_spec
from engine.evidence.reader import read_evidence
from engine.evidence.rotation import age, family
from engine.language.triage import parse_text
from engine.model.triage import Evidence, Sighting

START = "CAStartServices: Attempting to start service. OMCFG\r\n"
TIMEOUT = "CAStartServices: StartService failed. Error Code: 0x8007041D.\r\n"
LOGON = "CAStartServices: StartService failed. Error Code: 0x8007042D.\r\n"
SPEC = triage_spec()
NOON = 1359806400.0


def put(folder: Path, texts: dict[str, str], times: dict[str, float] | None = None, collected: str = "") -> Evidence:
    logs = folder / "hosts" / "SM01" / "logs"
    logs.mkdir(parents=True)
    for name, text in texts.items():
        (logs / name).write_bytes(text.encode())
        os.utime(logs / name, (NOON, (times or {}).get(name, NOON)))
    if collected:
        (folder / "evidence.yaml").write_text(f'collected_at: "{collected}"\n')
    return read_evidence([folder], SPEC.signatures, parse_text)


def seen(evidence: Evidence, signature: str) -> list[Sighting]:
    return [one for one in evidence.sightings if one.signature == signature]


@pytest.mark.parametrize(
    "older", ["SCSMInstall.log.1", "SCSMInstall.lo_", "SCSMInstall.log.old", "scsminstall.LOG.bak"]
)
def test_a_later_log_by_its_name_overtakes(tmp_path: Path, older: str) -> None:
    evidence = put(tmp_path, {older: START + TIMEOUT, "SCSMInstall.log": START + LOGON})
    (first,) = seen(evidence, "S1")
    assert first.superseded == "the service was started again on line 1 of SCSMInstall.log, a later log by their names"
    assert [one.superseded for one in seen(evidence, "S27")] == [None]


def test_of_numbers_the_higher_is_older(tmp_path: Path) -> None:
    texts = {f"SCSMInstall.log.{number}": START + TIMEOUT for number in (1, 2, 10)}
    evidence = put(tmp_path, texts)
    counts = {one.file.rpartition("/")[2]: one.superseded for one in seen(evidence, "S1") if one.file}
    assert counts["SCSMInstall.log.1"] is None
    assert "of SCSMInstall.log.2," in (counts["SCSMInstall.log.10"] or "")
    assert "of SCSMInstall.log.1," in (counts["SCSMInstall.log.2"] or "")


def test_a_start_at_the_end_of_one_log_binds_the_start_of_the_next(tmp_path: Path) -> None:
    evidence = put(tmp_path, {"SCSMInstall.log.1": f"x\r\n{START}", "SCSMInstall.log": TIMEOUT})
    (found,) = seen(evidence, "S1")
    assert found.text.endswith("(bound to OMCFG, line 2 of SCSMInstall.log.1, the log before it by their names)")
    assert not [one for one in evidence.missing if one.what == "the service of a failed start"]


def test_a_start_without_outcome_at_the_very_end_overtakes_nothing(tmp_path: Path) -> None:
    evidence = put(tmp_path, {"SCSMInstall.log.1": START + TIMEOUT, "SCSMInstall.log": f"x\r\n{START}"})
    assert [one.superseded for one in seen(evidence, "S1")] == [None]


def test_numbers_before_the_suffix_are_ordered_by_the_times_of_the_files(tmp_path: Path) -> None:
    texts = {"SCSMInstall01.log": START + TIMEOUT, "SCSMInstall02.log": START + LOGON}
    evidence = put(tmp_path / "a", texts, {"SCSMInstall01.log": NOON - 60})
    assert "by the times of the files" in (seen(evidence, "S1")[0].superseded or "")
    evidence = put(tmp_path / "b", texts, {"SCSMInstall02.log": NOON - 60})
    assert seen(evidence, "S1")[0].superseded is None
    assert "by the times of the files" in (seen(evidence, "S27")[0].superseded or "")


def test_times_of_a_copy_order_nothing_and_that_is_told(tmp_path: Path) -> None:
    texts = {"SCSMInstall01.log": START + TIMEOUT, "SCSMInstall02.log": START + LOGON}
    evidence = put(tmp_path, texts, {"SCSMInstall01.log": NOON + 60}, collected="2013-02-02T11:00:00+00:00")
    assert [one.superseded for one in evidence.sightings] == [None, None]
    (gap,) = [one for one in evidence.missing if one.what.startswith("the order of the logs")]
    assert gap.what == "the order of the logs SCSMInstall01.log, SCSMInstall02.log"
    assert gap.why.startswith("neither names nor times of the files tell")


def test_names_and_times_that_disagree_order_nothing(tmp_path: Path) -> None:
    texts = {"SCSMInstall.log.1": START + TIMEOUT, "SCSMInstall.log": START + LOGON}
    evidence = put(tmp_path, texts, {"SCSMInstall.log": NOON - 60}, collected="2013-02-02T13:00:00+00:00")
    assert [one.superseded for one in evidence.sightings] == [None, None]
    assert any("disagree" in one.why for one in evidence.missing)


def test_times_on_the_lines_come_first(tmp_path: Path) -> None:
    stamped = [f"2013-02-02 {hour}:00:00 {START}" for hour in ("11", "10")]
    texts = {"SCSMInstall.log.1": stamped[0] + TIMEOUT, "SCSMInstall.log": stamped[1] + LOGON}
    evidence = put(tmp_path, texts)
    assert [one.superseded for one in seen(evidence, "S1")] == [None]
    assert "by the times of their lines" in (seen(evidence, "S27")[0].superseded or "")


def test_logs_of_other_names_are_no_row(tmp_path: Path) -> None:
    evidence = put(tmp_path, {"a__SCSMInstall.log": START + TIMEOUT, "b__SCSMInstall.log": START + LOGON})
    assert [one.superseded for one in evidence.sightings] == [None, None]
    assert not [one for one in evidence.missing if one.what.startswith("the order")]


def test_the_answer_says_by_what_the_logs_are_ordered(tmp_path: Path) -> None:
    put(tmp_path, {"SCSMInstall.lo_": START + LOGON, "SCSMInstall.log": START + TIMEOUT})
    result = triage_evidence([tmp_path], SPEC)
    assert result.suspected == "configuration-service-timeout"
    assert any("a later log by their names" in (one.superseded or "") for one in result.noted)


@pytest.mark.parametrize(
    ("name", "row", "generation"),
    [
        ("SCSMInstall.log", "scsminstall", 0),
        ("SCSMInstall.log.3", "scsminstall", 3),
        ("SCSMInstall.lo_", "scsminstall", 1),
        ("SCSMInstall.log.bak", "scsminstall", 1),
        ("SCSMInstall01.log", "scsminstall", None),
        ("SCSMInstall_1.log", "scsminstall", None),
        ("SCSMInstall01.log.1", "scsminstall", None),
        ("notes.txt", "notes.txt", None),
    ],
)
def test_what_a_name_says(name: str, row: str, generation: int | None) -> None:
    assert (family(name), age(name)) == (row, generation)
