"""``runbook test``: its table, its exit codes, its JSON and its JUnit file."""

import json
from pathlib import Path
from queue import Queue
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


def test_a_search_that_takes_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: Queue[str] = Queue()

    def searched(paths: tuple[str, ...]) -> tuple[Path, ...]:
        assert "looking for scenarios" in told.get(timeout=10)
        return ()

    monkeypatch.setattr("engine.cli.test_cmd.click.echo", lambda what, **_: told.put(what))
    monkeypatch.setattr("engine.cli.test_cmd.SLOW_S", 0.0)
    monkeypatch.setattr("engine.app.scenario_find.find", searched)
    assert run(["test", str(tmp_path)]) == 0


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


def test_a_runbook_stands_for_its_scenarios(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "scenarios").mkdir()
    for name, runbook in (("mine", "../mine.yaml"), ("other", "../other.yaml")):
        text = f"""{{schema: scenario/v1, name: {name}, title: T, runbook: {runbook}, estate: healthy,
                   expect: {{status: done, exit_code: 0}}}}"""
        (tmp_path / "scenarios" / f"{name}.yaml").write_text(text, encoding="utf-8")
    step = "{id: a, name: A, action: windows.host, hosts: server}"
    runbook = f"""{{schema: runbook/v1, name: mine, version: 1.0.0, title: T, purpose: P,
                  hosts: {{server: {{pattern: management_servers}}}}, steps: [{step}]}}"""
    (tmp_path / "mine.yaml").write_text(runbook, encoding="utf-8")
    assert run(["test", str(tmp_path / "mine.yaml"), "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)["scenarios"]] == ["mine"]


def test_a_runbook_without_scenarios_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lonely.yaml").write_text("schema: runbook/v1\n", encoding="utf-8")
    assert run(["test", str(tmp_path / "lonely.yaml")]) == 2
    assert "lonely.yaml has no scenario: there is nothing in" in capsys.readouterr().err


def test_a_shipped_runbook_is_named_as_run_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "failed-before-permanent-changes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["runbook"] for one in told["scenarios"]} == {"failed-before-permanent-changes"}
    assert len(told["scenarios"]) > 10
