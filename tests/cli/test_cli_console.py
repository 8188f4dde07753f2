"""What a run shows where nobody sits at a terminal: one plain line an outcome, and nothing that only makes noise."""

import json
from pathlib import Path

from command_line import LOOK, Command, as_process, runbook, value

from engine.app.lab import Lab

NOT_WANTED = [{**LOOK, "id": f"later_{one}", "when": "steps.look.computer_name == 'X'"} for one in range(8)]


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_steps_that_are_not_wanted_are_one_line(command: Command, lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK, *NOT_WANTED, {**LOOK, "id": "last"}])
    said = command("run", book, "-i", lab.inventory)
    assert said.code == 0
    assert said.out == ""
    shown = lines(said.err)
    assert shown[0].startswith("probe 1.0.0    run ")
    assert shown[2] == "  skipped     8 steps: not wanted (-v shows each)"
    assert [line.split()[0] for line in shown[1:5]] == ["ok", "skipped", "ok", "done"]
    assert shown[-1].startswith("  report ")
    assert command("run", book, "-i", lab.inventory, "-v").err.count("not wanted:") == 8


def test_one_step_that_is_not_wanted_is_shown_as_itself(command: Command, lab: Lab, tmp_path: Path) -> None:
    said = command("run", runbook(tmp_path, [LOOK, NOT_WANTED[0]]), "-i", lab.inventory)
    assert "Step later_0" in said.err
    assert "-v shows each" not in said.err


def test_cancelled_steps_are_one_line_and_the_reason_stands(command: Command, lab: Lab, tmp_path: Path) -> None:
    wrong = {"id": "wrong", "action": "assert", "with": {"that": ["{{ false }}"], "message": "It is not so."}}
    more = [{**LOOK, "id": f"later_{one}"} for one in range(5)]
    said = command("run", runbook(tmp_path, [LOOK, wrong, *more]), "-i", lab.inventory)
    assert said.code == 1
    assert "  cancelled   5 steps: step wrong failed (-v shows each)" in said.err
    assert "FAILED      Step wrong" in said.err
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    assert lines(said.err)[-1].split() == ["more", "runbook", "report", run_id]


def test_differences(command: Command, lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [value(3, "Console")])
    said = command("run", book, "-i", lab.inventory, "--diff", "--check")
    assert said.code == 0
    assert "check mode: nothing is changed    with differences" in said.err
    assert "  to change   Step set_3" in said.err
    assert "- absent" in said.err
    assert "+ 3 " in said.err
    assert "probe: check mode: would change set_3@SM01; 0 ok" in said.err
    said = command("run", book, "-i", lab.inventory, "--diff")
    assert "  changed     Step set_3" in said.err
    assert "+ 3 " in said.err
    assert "+ 3 " not in command("run", book, "-i", lab.inventory).err
    assert "check mode: would change nothing; 1 ok" in command("run", book, "-i", lab.inventory, "--check").err


def test_check_mode_knows_what_it_cannot_know(command: Command, lab: Lab, tmp_path: Path) -> None:
    """What follows from a change that was not made, or from an answer that nobody was asked for, is not guessed."""
    ask = {
        "id": "ask",
        "action": "operator.ask",
        "with": {"question": "Which?", "answers": {"left": "Left", "right": "Right"}},
    }
    steps = [
        value(4, "Console"),
        {**LOOK, "id": "if_skipped", "when": "steps.set_4.skipped"},
        {**LOOK, "id": "if_changed", "when": "steps.set_4.changed"},
        ask,
        {**LOOK, "id": "if_left", "when": "steps.ask.answer == 'left'"},
        {**LOOK, "id": "if_asked", "when": "not steps.ask.skipped"},
        {**LOOK, "id": "waits", "wait": {"until": "result.computer_name == 'X'", "every": "1s", "timeout": "10m"}},
    ]
    said = command("run", runbook(tmp_path, steps), "-i", lab.inventory, "--check")
    assert said.code == 0, said.err
    report = json.loads(command("report", "--json").out)
    why = {one["step"]: (one["status"], one["why"].partition(":")[0]) for one in report["step_runs"]}
    assert why["if_skipped"] == ("skipped", "not wanted")
    assert why["if_changed"][0] == "ok"
    assert why["ask"] == why["if_left"] == why["if_asked"] == why["waits"] == ("skipped", "not known in check mode")
    assert "would change set_4@SM01; 1 ok; 4 depend on what only a run can know" in " ".join(said.err.split())
    # Nothing ran on several hosts here, and the person was not asked.
    whole = {one["step"]: one["why"] for one in report["step_runs"]}
    assert whole["if_left"].endswith('steps.ask is not known in check mode, so it has no "answer"')
    assert whole["if_asked"].endswith('steps.ask is not known in check mode, so it has no "skipped"')


def test_no_escape_sequence_without_a_terminal(lab: Lab, tmp_path: Path) -> None:
    said = as_process(tmp_path, "run", runbook(tmp_path, [LOOK, value(5, "Console")]), "-i", lab.inventory)
    assert "\x1b" not in said.err + said.out


def test_json_is_one_event_a_line_and_nothing_else(command: Command, lab: Lab, tmp_path: Path) -> None:
    said = command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory, "--json")
    kinds = [json.loads(line)["kind"] for line in said.out.splitlines()]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")
    assert "report " in said.err
