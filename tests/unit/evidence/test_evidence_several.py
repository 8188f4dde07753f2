"""Several documents of one kind, and baselines that were changed after they were signed, wherever they lie."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.app.baseline_signing import signed
from engine.app.triage import triage_evidence, triage_spec
from engine.app.triage_live import LiveRequest, triage_live
from engine.app.triage_next import brought_baseline, ready
from engine.evidence.tree import walk
from engine.model.errors import UsageMistake
from engine.model.triage import Missing, TriageResult

SPEC = triage_spec()
OLD, NEW = "7.5.1561.0", "7.5.2905.0"
EVIDENCE = "answers: {setup_running: 'no', retry_button: 'yes'}\n"
HOST = f"role: management-server\nversions: {{binaries: {OLD}, databases: {{ServiceManager: {OLD}}}}}\n"
VERSIONS = {"binaries": OLD, "databases": {"ServiceManager": OLD}}
BASELINE: dict[str, Any] = {
    "schema": "baseline/v1", "recorded_at": "2013-02-01T08:00:00+01:00",
    "hosts": {"SM01": {"role": "management-server", "versions": VERSIONS}},
}  # fmt: skip


def text(version: str = OLD) -> str:
    return json.dumps(BASELINE).replace(OLD, version)


def folder(place: Path, baseline: str | bytes = text(), evidence: str = EVIDENCE, host: str = HOST) -> Path:
    (place / "hosts" / "SM01").mkdir(parents=True)
    (place / "evidence.yaml").write_text(evidence)
    (place / "baseline.yaml").write_bytes(baseline if isinstance(baseline, bytes) else baseline.encode())
    (place / "hosts" / "SM01" / "host.yaml").write_text(host)
    return place


def zipped(place: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for one in sorted(place.rglob("*")):
            if one.is_file():
                archive.write(one, one.relative_to(place).as_posix())
    return made.getvalue()


def told(result: TriageResult, what: str) -> list[Missing]:
    return [one for one in result.missing if one.what == what]


def tampered(state: Path) -> str:
    whole = signed(BASELINE, state, "2013-02-01T08:00:00Z")
    return json.dumps(whole, indent=1).replace(NEW, OLD).replace('"management-server"', '"sql-server"')


def as_folder(place: Path, content: str) -> list[Path]:
    return [folder(place / "e", content)]


def as_zip(place: Path, content: str) -> list[Path]:
    (place / "e.zip").write_bytes(zipped(folder(place / "e", content)))
    return [place / "e.zip"]


def as_zip_in_folder(place: Path, content: str) -> list[Path]:
    (place / "brought").mkdir()
    (place / "brought" / "e.zip").write_bytes(zipped(folder(place / "e", content)))
    return [place / "brought"]


def as_utf_16(place: Path, content: str) -> list[Path]:
    return [folder(place / "e", content.encode("utf-16"))]


def in_capitals(place: Path, content: str) -> list[Path]:
    made = folder(place / "e", content)
    (made / "baseline.yaml").rename(made / "BASELINE.YML")
    return [made]


def below(place: Path, content: str) -> list[Path]:
    folder(place / "several" / "e", content)
    return [place / "several"]


@pytest.mark.parametrize("way", [as_folder, as_zip, as_zip_in_folder, as_utf_16, in_capitals, below])
def test_a_baseline_that_was_changed_is_no_measure_wherever_it_lies(
    way: Callable[[Path, str], list[Path]], tmp_path: Path
) -> None:
    for name in ("whole", "changed"):
        (tmp_path / name).mkdir()
    whole = json.dumps(signed(BASELINE, tmp_path, "2013-02-01T08:00:00Z"), indent=1)
    assert triage_evidence(way(tmp_path / "whole", whole), SPEC).row == "D5"
    result = triage_evidence(way(tmp_path / "changed", tampered(tmp_path)), SPEC)
    assert (result.row, result.verdict, result.runbook) == ("D11", "undetermined", None)
    first = told(result, "the baseline")[0]
    assert "changed after it was signed" in first.why
    assert first.file is not None
    assert first.file.lower().rpartition(".")[0].endswith("baseline")
    assert first.line is not None
    assert first.line > 1


@pytest.mark.parametrize("block", ["x", "[]", "", "{}", "{algorithm: ed25519, value: x}"])
def test_a_signature_that_cannot_be_one_is_not_taken_for_none(block: str, tmp_path: Path) -> None:
    content = "\n".join([f"hosts: {json.dumps(BASELINE['hosts'])}", f"signature: {block}", ""])
    result = triage_evidence([folder(tmp_path / "e", content)], SPEC)
    assert result.row == "D11"
    assert "changed after it was signed" in told(result, "the baseline")[0].why
    assert told(result, "the baseline")[0].line == 2


def test_the_baseline_of_another_folder_is_not_harmed_by_a_changed_one(tmp_path: Path) -> None:
    roots = [folder(tmp_path / "a", tampered(tmp_path)), folder(tmp_path / "b")]
    result = triage_evidence(roots, SPEC)
    assert result.row == "D5"
    assert [one.file for one in told(result, "the baseline")] == ["a/baseline.yaml"]


def test_an_older_baseline_further_down_never_takes_the_place_of_a_changed_one(tmp_path: Path) -> None:
    made = folder(tmp_path / "e", tampered(tmp_path))
    (made / "archive").mkdir()
    (made / "archive" / "baseline.yaml").write_text(text())
    assert triage_evidence([made], SPEC).row == "D11"


def test_what_lies_least_deep_counts_and_the_rest_is_told(tmp_path: Path) -> None:
    made = folder(tmp_path / "e")
    folder(made / "a_copy_of_last_year", text("7.5.1000.0"), "answers: {setup_running: 'yes'}\n")
    result = triage_evidence([made], SPEC)
    assert result.row == "D5"
    assert [one.file for one in told(result, "a second evidence.yaml")] == ["a_copy_of_last_year/evidence.yaml"]
    assert [one.file for one in told(result, "a second baseline.yaml")] == ["a_copy_of_last_year/baseline.yaml"]


def test_two_answers_that_contradict_each_other_are_none(tmp_path: Path) -> None:
    other = "answers: {setup_running: 'no', retry_button: 'no', exit_code: -14}\n"
    roots = [folder(tmp_path / "a"), folder(tmp_path / "b", evidence=other)]
    result = triage_evidence(roots, SPEC)
    assert (result.row, result.verdict) == ("D3", "prerequisite-check")
    [gap] = told(result, "retry_button")
    assert "a/evidence.yaml says yes, b/evidence.yaml says no" in gap.why
    without = triage_evidence([folder(tmp_path / "c"), folder(tmp_path / "d", evidence=other[:-18] + "}\n")], SPEC)
    assert without.row == "D11"


def test_answers_of_two_folders_add_up(tmp_path: Path) -> None:
    roots = [folder(tmp_path / "a", evidence="answers: {retry_button: 'yes'}\n"), folder(tmp_path / "b", evidence="")]
    assert triage_evidence(roots, SPEC).row == "D5"


def test_two_baselines_that_contradict_each_other_are_none(tmp_path: Path) -> None:
    result = triage_evidence([folder(tmp_path / "a"), folder(tmp_path / "b", text(NEW))], SPEC)
    assert result.row == "D11"
    assert "it contradicts a/baseline.yaml about SM01" in told(result, "the baseline")[0].why
    same = triage_evidence([folder(tmp_path / "c"), folder(tmp_path / "d")], SPEC)
    assert same.row == "D5"


def test_what_is_named_twice_is_read_once(tmp_path: Path) -> None:
    made = folder(tmp_path / "e")
    once, twice = triage_evidence([made], SPEC), triage_evidence([made, made / "." / ".." / "e"], SPEC)
    assert (once.counts, once.missing) == (twice.counts, twice.missing)


def test_a_pipe_in_place_of_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageMistake, match="neither a folder nor a file"):
        triage_evidence([tmp_path / "pipe"], SPEC)


def test_a_changed_baseline_of_a_live_triage_is_told_and_not_used(tmp_path: Path) -> None:
    host = {
        "ansible_connection": "winrm", "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_winrm_scheme": "http",
        "ansible_user": "x", "ansible_password": "file:password",
    }  # fmt: skip
    (tmp_path / "password").write_text("correct horse")
    (tmp_path / "password").chmod(0o600)
    estate = tmp_path / "estate.yaml"
    host["ansible_password"] = f"file:{tmp_path / 'password'}"
    estate.write_text(json.dumps({"all": {"hosts": {"SM01": host}}}))
    (tmp_path / "mine.yaml").write_text(tampered(tmp_path))
    request = LiveRequest(inventory=str(estate), folder=tmp_path / "new", baseline=str(tmp_path / "mine.yaml"))
    result = triage_live(request, lambda line: None)
    [first] = [one for one in told(result, "the baseline") if "changed after it was signed" in one.why]
    assert first.file == "baseline.yaml"
    assert triage_evidence([tmp_path / "new"], SPEC).missing == result.missing


def test_a_file_that_was_named_itself_is_shown_as_it_was_named(tmp_path: Path) -> None:
    """Not as `baseline.yaml/baseline.yaml`, which nobody finds; an empty one is told with the same place."""
    brought = folder(tmp_path / "brought")
    apart = (brought / "baseline.yaml").rename(tmp_path / "baseline.yaml")
    result = triage_evidence([brought, apart], SPEC)
    assert result.baseline_file == apart.as_posix()
    assert brought_baseline(result, [brought, apart]) == str(apart)
    assert triage_evidence([apart], SPEC).baseline_file == "baseline.yaml"
    apart.write_text("")
    assert apart.as_posix() in [one.file for one in told(triage_evidence([brought, apart], SPEC), "a document")]


def test_logs_that_were_named_one_by_one_are_of_one_folder_only_if_they_lie_in_one(tmp_path: Path) -> None:
    places = ("x/SCSMInstall.log", "x/SCSMInstall.log.1", "y/SCSMInstall.log.2")
    for place in places:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text("a line")
    found = [one for place in places for one in walk(tmp_path / place, print, label=Path(place).name)]
    assert [one.shown for one in found] == [(tmp_path / place).as_posix() for place in places]
    assert found[0].label == found[1].label != found[2].label


def test_a_baseline_in_a_zip_is_not_left_out_of_the_next_command_without_a_word(tmp_path: Path) -> None:
    brought = folder(tmp_path / "brought")
    archive = tmp_path / "brought.zip"
    archive.write_bytes(zipped(brought))
    result = triage_evidence([archive], SPEC)
    commands = ("runbook run NAME -i INVENTORY",)
    (sentence, command) = ready(replace(result, next=commands), baseline=brought_baseline(result, [archive])).next
    assert "--baseline" not in command
    assert sentence == "Unpack brought/baseline.yaml, and add --baseline FILE to the command."
    whole = ready(replace(result, next=commands), baseline="x.yaml").next
    assert whole == ("runbook run NAME -i INVENTORY --baseline x.yaml",)
    assert ready(replace(result, next=("Bring logs.",))).next == ("Bring logs.",)
