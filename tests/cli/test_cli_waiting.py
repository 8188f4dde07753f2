"""A run that waits where nobody sits at a terminal: its last screen has to say what to do, and what is agreed to."""

import json
from pathlib import Path

import pytest
from command_line import LOOK, Command, value
from command_line import runbook as written
from nested import runbook, runs, two_hosts, writes

from engine.app.lab import Lab
from engine.model.exit_code import ExitCode

INSTRUCT = {"id": "tell", "action": "operator.instruct", "with": {"show": "Close every console.\nThen log off."}}
ASK = {
    "id": "ask",
    "action": "operator.ask",
    "with": {"show": "Look at the wizard.", "question": "Is it gone?", "answers": {"gone": "It is", "stays": "No"}},
}
GATED = (
    "  - {id: gated, name: G, why: W, action: posix.file, hosts: there, requires: [approval(operator)],\n"
    "     with: {path: %s/gated.txt, content: new}}\n"
)


def newest(command: Command) -> str:
    return json.loads(command("runs", "--json").out)["runs"][0]["run_id"]


def test_what_to_do_is_told(command: Command, lab: Lab, tmp_path: Path) -> None:
    said = command("run", written(tmp_path, [LOOK, INSTRUCT]), "-i", lab.inventory)
    assert said.code == ExitCode.WAITING_FOR_PERSON
    assert "Step 2 of 2: Step tell" in said.err
    assert "    Close every console.\n    Then log off.\n" in said.err
    assert said.out == ""
    assert "    Close every console.\n" in command("resume", newest(command)).err
    report = command("report", newest(command)).out
    assert "Close every console. Then log off." in " ".join(report.split())
    assert "?." not in report


def test_the_question_stands_with_its_answers(command: Command, lab: Lab, tmp_path: Path) -> None:
    said = command("run", written(tmp_path, [LOOK, ASK]), "-i", lab.inventory)
    assert "    Look at the wizard.\n" in said.err
    assert "  Is it gone?\n" in said.err
    assert "    2  stays   No\n" in said.err


def test_what_would_be_approved_is_told(command: Command, lab: Lab, tmp_path: Path) -> None:
    said = command("run", written(tmp_path, [value(5, "Waits", requires=["approval(operator)"])]), "-i", lab.inventory)
    assert said.code == ExitCode.WAITING_FOR_PERSON
    assert "Step 1 of 1: Step set_5 on SM01" in said.err
    assert "  Change    - absent\n            + 5 " in said.err


def test_a_word_for_all_hosts_says_so(command: Command, lab: Lab, tmp_path: Path) -> None:
    gated = value(7, "Waits", requires=["approval(operator)"])
    both = written(tmp_path, [gated], hosts={"server": {"pattern": "SM01:SM02"}})
    said = command("run", both, "-i", lab.inventory)
    assert said.code == ExitCode.WAITING_FOR_PERSON
    assert "go on with the change on all 2 hosts of the step" in said.err
    assert "leave it undone on all 2 hosts of the step" in said.err


def test_the_reason_of_a_denial_is_kept(command: Command, lab: Lab, tmp_path: Path) -> None:
    command("run", written(tmp_path, [value(6, "Waits", requires=["approval(operator)"])]), "-i", lab.inventory)
    said = command("answer", newest(command), "set_6=deny", "--reason", "not before the backup")
    assert said.code == ExitCode.GATE_REFUSED
    assert "denied the approval: not before the backup" in " ".join(said.err.split())
    assert "not before the backup" in command("report", newest(command)).out


@pytest.mark.parametrize("given", [("--yes", "--answer", "gatd=deny"), ("--answer", "gatd=approve")])
def test_a_slip_in_an_answer_is_found_though_the_plan_runs_another_runbook(
    given: tuple[str, ...], command: Command, tmp_path: Path
) -> None:
    """With ``--yes`` a denial that was misspelt would approve."""
    estate = two_hosts(tmp_path)
    runbook(tmp_path, "inner", GATED % tmp_path)
    outer = runbook(tmp_path, "outer", writes(tmp_path, "first"), runs("inner"))
    said = command("run", outer, "-i", estate, *given)
    assert said.code == ExitCode.USAGE
    assert "no step gatd asks" in said.err
    assert 'did you mean "gated"?' in said.err
    assert not (tmp_path / "first.txt").exists()
    assert command("run", outer, "-i", estate, "--yes", "--answer", "gated=deny").code != ExitCode.USAGE
    assert (tmp_path / "first.txt").exists()
    assert not (tmp_path / "gated.txt").exists()
