"""A runbook that a runbook runs: what was planned is what runs, whatever was edited and however the run goes on."""

import json
from pathlib import Path

import pytest
from command_line import Command
from nested import ASK, run_id, runbook, runs, two_hosts, writes

from engine.model.data import digest
from engine.model.exit_code import ExitCode


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return two_hosts(tmp_path)


def edited(path: Path) -> str:
    """Change the runbook or inventory; what it was."""
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("content: new", "content: other").replace('"B": {', '"B": {"x": 1, '), "utf-8")
    assert path.read_text(encoding="utf-8") != before
    return before


def states(command: Command) -> dict[str, str]:
    return {one["runbook"]: one["status"] for one in json.loads(command("runs", "--json").out)["runs"]}


def tree(tmp_path: Path, *before: str) -> tuple[Path, Path, Path]:
    """A runbook that runs one that runs a third, which writes."""
    leaf = runbook(tmp_path, "leaf", writes(tmp_path, "deep", host="there"))
    inner = runbook(tmp_path, "inner", writes(tmp_path, "shallow"), runs("leaf", "further"))
    return runbook(tmp_path, "outer", *before, writes(tmp_path, "first"), runs("inner")), inner, leaf


def test_a_tree_runs_as_planned(command: Command, estate: Path, tmp_path: Path) -> None:
    outer, _, _ = tree(tmp_path)
    assert command("plan", outer, "-i", estate, "--out", "p.json").code == 0
    said = command("run", outer, "-i", estate, "--plan", "p.json")
    assert said.code == 0, said.err
    assert [(tmp_path / f"{one}.txt").read_text() for one in ("first", "shallow", "deep")] == ["new"] * 3


@pytest.mark.parametrize("which", [1, 2])
def test_a_saved_plan_covers_what_it_runs(which: int, command: Command, estate: Path, tmp_path: Path) -> None:
    books = tree(tmp_path)
    assert command("plan", books[0], "-i", estate, "--out", "p.json").code == 0
    edited(books[which])
    said = command("run", books[0], "-i", estate, "--plan", "p.json")
    assert said.code == ExitCode.PLAN_OUTDATED, said.err
    assert "the nested runbook" in said.err
    assert not (tmp_path / "first.txt").exists()


@pytest.mark.parametrize("which", ["inner", "leaf", "inventory"])
def test_a_run_that_waited_goes_on_only_with_what_was_planned(
    which: str, command: Command, estate: Path, tmp_path: Path
) -> None:
    outer, _, _ = tree(tmp_path, ASK)
    assert command("run", outer, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    path = tmp_path / f"{which}.yaml"
    before = edited(path)
    said = command("answer", run_id(command), "ask=done")
    assert said.code == ExitCode.PLAN_OUTDATED, said.err
    assert "the runbook inner is not what step sub was planned to run" in said.err
    assert not (tmp_path / "first.txt").exists()
    path.write_text(before, encoding="utf-8")
    said = command("answer", run_id(command), "ask=done")
    assert said.code == 0, said.err


def test_what_is_edited_while_the_run_is_at_work_does_not_run(command: Command, estate: Path, tmp_path: Path) -> None:
    script = f"sed -i 's/content: new/content: other/' {tmp_path}/leaf.yaml"
    with_ = f'effect: reversible, with: {{script: "{script}"}}'
    edit = f"  - {{id: edit, name: E, why: W, action: posix.command, hosts: here, {with_}}}\n"
    outer, _, _ = tree(tmp_path, edit)
    before = (tmp_path / "leaf.yaml").read_text(encoding="utf-8")
    said = command("run", outer, "-i", estate)
    assert said.code == ExitCode.PLAN_OUTDATED, said.err
    assert "the runbook inner is not what step sub was planned to run" in said.err
    assert f"runbook resume {run_id(command)}" in said.err
    assert (tmp_path / "first.txt").exists()
    assert not (tmp_path / "shallow.txt").exists()
    assert command("resume", run_id(command)).code == ExitCode.PLAN_OUTDATED
    (tmp_path / "leaf.yaml").write_text(before, encoding="utf-8")
    said = command("resume", run_id(command))
    assert said.code == 0, said.err
    assert (tmp_path / "deep.txt").read_text() == "new"


def test_a_baseline_that_was_changed_meanwhile_is_none_of_the_plan(
    command: Command, estate: Path, tmp_path: Path
) -> None:
    outer, _, _ = tree(tmp_path, ASK)
    assert command("run", outer, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    document = {"schema": "baseline/v1", "recorded_at": "2026-01-01T00:00:00Z", "hosts": {"A": {"role": "sql-server"}}}
    (tmp_path / "baseline.yaml").write_text(json.dumps(document), encoding="utf-8")
    said = command("answer", run_id(command), "ask=done")
    assert said.code == ExitCode.PLAN_OUTDATED, said.err
    assert "the baseline changed after outer was planned" in said.err
    assert not (tmp_path / "shallow.txt").exists()


def test_the_hosts_of_a_nested_runbook_are_held_too(command: Command, estate: Path, tmp_path: Path) -> None:
    inner = runbook(tmp_path, "inner", ASK, writes(tmp_path, "deep", host="there"))
    outer = runbook(tmp_path, "outer", writes(tmp_path, "first"), runs("inner"))
    other = runbook(tmp_path, "other", writes(tmp_path, "elsewhere", host="there"))
    assert command("run", outer, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    said = command("run", other, "-i", estate)
    assert said.code == ExitCode.HOST_LOCKED, said.err
    assert command("answer", run_id(command), "ask=done").code == 0
    assert command("run", other, "-i", estate).code == 0
    assert inner.exists()


def test_what_keeps_a_run_two_levels_down_from_being_begun_is_waited_for_at_every_level(
    command: Command, estate: Path, tmp_path: Path
) -> None:
    held = "hosts: {there: {pattern: B}}\n"
    other = runbook(tmp_path, "other", ASK, writes(tmp_path, "elsewhere", host="there"), hosts=held)
    assert command("run", other, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    holder = run_id(command)
    here = "hosts: {here: {pattern: A}}\n"
    runbook(tmp_path, "leaf", writes(tmp_path, "deep", host="there"), hosts=held)
    runbook(tmp_path, "inner", writes(tmp_path, "shallow"), runs("leaf", "further"), hosts=here)
    outer = runbook(tmp_path, "outer", runs("inner"), writes(tmp_path, "last"), hosts=here)
    said = command("run", outer, "-i", estate)
    assert said.code == ExitCode.HOST_LOCKED, said.err
    assert "B is held by run" in said.err
    assert states(command) == {"outer": "parked", "inner": "parked", "other": "parked"}
    assert command("answer", holder, "ask=done").code == 0
    said = command("resume", run_id(command))
    assert said.code == 0, said.err
    assert states(command) == {"outer": "done", "inner": "done", "leaf": "done", "other": "done"}
    assert (tmp_path / "last.txt").exists()


def test_a_host_of_a_nested_runbook_that_is_held_is_waited_for(command: Command, estate: Path, tmp_path: Path) -> None:
    runbook(tmp_path, "inner", writes(tmp_path, "deep", host="there"))
    outer = runbook(tmp_path, "outer", writes(tmp_path, "first"), runs("inner"))
    other = runbook(tmp_path, "other", writes(tmp_path, "elsewhere", host="there"), ASK)
    assert command("run", other, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    holder = run_id(command)
    said = command("run", outer, "-i", estate)
    assert said.code == ExitCode.HOST_LOCKED, said.err
    assert holder in said.err
    assert command("answer", holder, "ask=done").code == 0
    said = command("resume", run_id(command))
    assert said.code == 0, said.err


def test_the_name_of_a_nested_runbook_is_written_out(command: Command, tmp_path: Path) -> None:
    outer = runbook(tmp_path, "outer", ASK, runs("'{{ steps.ask.status }}'"))
    said = command("validate", outer)
    assert said.code == ExitCode.DOCUMENTS_REJECTED
    assert "R466" in said.out + said.err


def test_a_plan_saved_by_an_engine_that_knew_fewer_fields_is_run_if_it_still_holds(
    command: Command, estate: Path, tmp_path: Path
) -> None:
    book = runbook(tmp_path, "book", writes(tmp_path, "first"), hosts="hosts: {here: {pattern: A}}\n")
    assert command("plan", book, "-i", estate, "--out", "p.json").code == 0
    path = tmp_path / "p.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    for step in data["steps"]:
        for later in ("about", "about_by_host", "always", "runs"):
            del step[later]
    told = {**data, "file": "", "inventory_file": "", "digest": ""}
    told["steps"] = [{**one, "at": ["", 0, 0]} for one in data["steps"]]
    path.write_text(json.dumps({**data, "digest": digest(told)}), encoding="utf-8")
    said = command("run", book, "-i", estate, "--plan", "p.json")
    assert said.code == 0, said.err
    edited(book)
    said = command("run", book, "-i", estate, "--plan", "p.json")
    assert said.code == ExitCode.PLAN_OUTDATED
    assert "the text of the runbook book 1.0.0 changed" in said.err
