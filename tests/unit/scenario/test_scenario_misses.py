"""An expectation that does not hold is told with both values; a mistake in a scenario is refused."""

from pathlib import Path

import pytest

from engine.app.scenario import rehearse
from engine.app.scenario_find import find, load
from engine.model.errors import DocumentsRejected, UsageMistake
from engine.model.packaged import root

RUNBOOK = root("runbooks") / "service-manager" / "configuration-service-timeout.yaml"


def scenario(folder: Path, text: str) -> Path:
    """A scenario of the time-out's runbook."""
    path = folder / "one.yaml"
    path.write_text(f"schema: scenario/v1\nname: one\ntitle: One\nrunbook: {RUNBOOK.absolute().as_posix()}\n{text}")
    return path


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        ("{exit_code: 5}", "exit code 0 instead of 5"),
        ("{status: failed}", "the run is done instead of failed"),
        ("{steps: {reboot: changed}}", "step reboot is skipped instead of changed"),
        ("{steps: {reboott: changed}}", "step reboott is not there instead of changed"),
        ("{why: {reboot: a full moon}}", "which does not hold 'a full moon'"),
        ("{contacted: [SM01]}", "SQL01, SQL02 was contacted"),
        ("{machines: {SM01: {boots: 2}}}", "SM01: boots is 1 instead of 2"),
        ("{machines: {SM01: {services: {OMCFG: stopped}}}}", "service OMCFG is running instead of stopped"),
        (r"{machines: {SM01: {registry: {'HKLM\X\Y': 5}}}}", r"HKLM\X\Y is absent instead of 5"),
        ("{machines: {SQL01: {versions: {ServiceManager: '1.0'}}}}", "is 7.5.2905.0 instead of 1.0"),
        ("{owed: {SM01: [start it again]}}", "owed on SM01 is nothing instead of start it again"),
        ("{machines: {SM77: {boots: 1}}}", "the lab has no host SM77"),
    ],
)
def test_what_was_missed_is_told(tmp_path: Path, expected: str, sentence: str) -> None:
    result = rehearse(load(scenario(tmp_path, f"expect: {expected}\n")))
    assert any(sentence in one for one in result.missed), result.missed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("estate: nowhere\n", "knows no estate nowhere"),
        ("estate: {like: slow, starts_s: 4}\n", "no such setting"),
        ("faults: {SM77: {refuse: true}}\n", "no host SM77"),
    ],
)
def test_what_the_lab_does_not_know_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageMistake, match=words):
        rehearse(load(scenario(tmp_path, f"{text}expect: {{exit_code: 0}}\n")))


def test_people_act_at_steps_that_are_there(tmp_path: Path) -> None:
    text = "answers: {retry_frist: failed}\napprovals: {rebot: deny}\ndoes: {cause: {SM01: {processes: [x.exe]}}}\n"
    result = rehearse(load(scenario(tmp_path, f"{text}expect: {{exit_code: 0}}\n")))
    assert result.missed == (
        "answers names the step retry_frist, and the runbook has no such step; did you mean retry_first?",
        "does names the step cause, and the runbook has no such step; did you mean cured?",
        "approvals names the step rebot, and the runbook has no such step; did you mean reboot?",
    )


def test_a_slip_is_told_though_the_run_did_not_get_to_what_it_runs(tmp_path: Path) -> None:
    head = "schema: runbook/v1\nversion: 1.0.0\ntitle: T\npurpose: P\n"
    ask = "{id: %s, name: N, action: operator.ask, with: {question: Is it?, answers: {gone: It is, stays: No}}}\n"
    (tmp_path / "in.yaml").write_text(f"{head}name: in\nsteps:\n  - {ask % 'inner'}")
    sub = "{id: sub, name: S, action: runbook, with: {name: in}}\n"
    (tmp_path / "out.yaml").write_text(f"{head}name: out\nsteps:\n  - {ask % 'asked'}  - {sub}")
    path = tmp_path / "one.yaml"
    one = "schema: scenario/v1\nname: one\ntitle: One\nrunbook: out.yaml\nestate: healthy\nexpect: {exit_code: 9}\n"
    path.write_text(f"{one}answers: {{askd: gone, inner: gone, asked: nobody}}\n")
    assert rehearse(load(path)).missed == (
        "answers names the step askd, and the runbook has no such step; did you mean asked?",
    )
    path.write_text(f"{one.replace('9', '0')}answers: {{asked: goone, inner: gone}}\n")
    assert "answers gives goone to the step asked, whose answers are gone, stays" in rehearse(load(path)).missed


def test_an_unknown_key_is_a_diagnostic(tmp_path: Path) -> None:
    with pytest.raises(DocumentsRejected):
        load(scenario(tmp_path, "anwsers: {}\nexpect: {exit_code: 0}\n"))


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ("{free: {'C:\\': -1}}", "-1"),
        ("{services: {OMSDK: paused}}", "paused"),
        ("{sql: {}}", "sql"),
        ("{sql: {options: {allow updates: on}}}", "on"),
        ("{databases: {ServiceManager: {state: GONE}}}", "GONE"),
        ("{boots: 2}", "boots"),
    ],
)
@pytest.mark.parametrize("where", ["situation: {SM01: STATE}", "does: {retry_first: {SM01: STATE}}"])
def test_a_state_that_nothing_can_have_is_a_diagnostic(tmp_path: Path, where: str, state: str, place: str) -> None:
    with pytest.raises(DocumentsRejected) as rejected:
        load(scenario(tmp_path, f"{where.replace('STATE', state)}\nexpect: {{exit_code: 0}}\n"))
    (found,) = rejected.value.diagnostics
    assert place in f"{found.message} {found.excerpt}"
    assert found.origin is not None
    assert found.origin.line == 5


def test_a_setting_of_the_estate_can_be_changed(tmp_path: Path) -> None:
    text = "estate: {like: upgrade-failed, start_unverified_s: 45}\nexpect: {steps: {reboot: changed}}\n"
    assert rehearse(load(scenario(tmp_path, text))).missed == ()


def test_a_folder_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageMistake, match="no scenario"):
        find((str(tmp_path),))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("{SM77: {services: {OMSDK: stopped}}}", "no host SM77"),
        ("{SM01: {services: {Spooler: stopped}}}", "SM01 has no service Spooler"),
        ("{SM01: {free: {'X:\\': 1}}}", "SM01 has no volume X:"),
        ("{SM01: {sql: {level: RTM}}}", "SM01 is no SQL Server"),
        ("{SQL01: {databases: {Other: {state: OFFLINE}}}}", "SQL01 has no database Other"),
        (
            "{SQL01: {databases: {ServiceManager: {restored: ['D:\\x.bak']}}}}",
            "ServiceManager cannot be brought back from",
        ),
    ],
)
def test_a_situation_that_cannot_be_is_refused(tmp_path: Path, state: str, words: str) -> None:
    with pytest.raises(UsageMistake, match=words):
        rehearse(load(scenario(tmp_path, f"situation: {state}\nexpect: {{exit_code: 0}}\n")))


def test_a_situation_and_what_a_person_does_change_the_machines(tmp_path: Path) -> None:
    text = (
        "estate: slow\n"
        "situation: {SQL01: {sql: {version: '10.50.1600.1'}, databases: {ServiceManager: {version: '7.5.1561.0'}}}}\n"
        "does: {retry_first: {SM01: {processes: [notepad.exe], registry: {'HKLM\\X\\Y': 5}}}}\n"
        "expect: {machines: {SM01: {registry: {'HKLM\\X\\Y': 5}}}}\n"
    )
    assert rehearse(load(scenario(tmp_path, text))).missed == ()
