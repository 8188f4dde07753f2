"""``runbook test``: its table, its exit codes, its JSON and its JUnit file."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.cli.main import run
from engine.model.packaged import root

SCENARIOS = root("runbooks") / "service-manager" / "scenarios"
GOOD = str(SCENARIOS / "time-out-config-file-is-enough.yaml")


def missing(folder: Path) -> str:
    """The same scenario with an expectation that does not hold."""
    runbook = (SCENARIOS.parent / "configuration-service-timeout.yaml").absolute().as_posix()
    text = Path(GOOD).read_text(encoding="utf-8").replace("reboot: skipped", "reboot: changed")
    path = folder / "missing.yaml"
    path.write_text(text.replace("../configuration-service-timeout.yaml", runbook), encoding="utf-8")
    return str(path)


def test_the_table_tells_what_passed_and_what_was_not_reached(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", GOOD]) == 0
    told = capsys.readouterr().out
    assert "passed  time-out-config-file-is-enough" in told
    assert "not reached: reboot" in told
    assert "1 scenario, 0 with missed expectations" in told


def test_a_missed_expectation_has_its_own_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "junit.xml"
    assert run(["test", missing(tmp_path), GOOD, "--json", "--junit", str(report)]) == 7
    told = json.loads(capsys.readouterr().out)
    assert [bool(one["missed"]) for one in told["scenarios"]] == [True, False]
    assert told["coverage"][0]["runbook"] == "configuration-service-timeout"
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite.findtext("testcase/failure") == "step reboot is skipped instead of changed"


def test_a_scenario_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err
