"""A nested run that waits, is in doubt, is killed, interrupted, given up, or only looked at: the whole tree follows."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from command_line import Command, argv, environment
from nested import ASK, run_id, runbook, runs, two_hosts, writes

from engine.app import plan as planning
from engine.app import run as use_case
from engine.app import wiring
from engine.app.request import PlanRequest, RunRequest
from engine.execute.messages import Interrupts
from engine.journal.sqlite_store import SqliteJournal
from engine.model.event import RunEvent, StepRunEnded
from engine.model.exit_code import ExitCode
from engine.ports.journal import Lease

SLOW = (
    "  - {id: slow, name: S, why: W, action: posix.command, hosts: there, effect: permanent, timeout: 1s,\n"
    "     requires: [approval(operator)], with: {script: sleep 20}}\n"
)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return two_hosts(tmp_path)


def outer(folder: Path, *inner: str) -> Path:
    """A runbook that runs one with these steps, and then writes."""
    runbook(folder, "inner", *inner)
    return runbook(folder, "outer", runs("inner"), writes(folder, "last"))


def states(command: Command) -> dict[str, str]:
    return {one["runbook"]: one["status"] for one in json.loads(command("runs", "--json").out)["runs"]}


def in_doubt(command: Command, estate: Path, folder: Path) -> str:
    said = command("run", outer(folder, SLOW, writes(folder, "after", host="there")), "-i", estate, "--yes")
    assert said.code == ExitCode.IN_DOUBT, said.err
    assert f"runbook answer {run_id(command)} slow@B=changed" in said.err
    assert not (folder / "last.txt").exists()
    return run_id(command)


def test_a_doubt_in_a_nested_run_is_one_of_the_whole_run(command: Command, estate: Path, tmp_path: Path) -> None:
    run = in_doubt(command, estate, tmp_path)
    other = runbook(tmp_path, "other", writes(tmp_path, "elsewhere"))
    assert command("run", other, "-i", estate).code == ExitCode.HOST_LOCKED
    assert command("resume", run).code == ExitCode.IN_DOUBT
    said = command("answer", run, "slow@B=changed", "--reason", "I looked")
    assert said.code == 0, said.err
    assert (tmp_path / "after.txt").exists()
    assert (tmp_path / "last.txt").exists()
    assert states(command) == {"outer": "done", "inner": "done"}


def test_a_doubt_that_was_not_done_fails_the_whole_run(command: Command, estate: Path, tmp_path: Path) -> None:
    run = in_doubt(command, estate, tmp_path)
    assert command("answer", run, "slow@B=failed").code == ExitCode.STEP_FAILED
    assert states(command) == {"outer": "failed", "inner": "failed"}
    assert not (tmp_path / "last.txt").exists()


@pytest.mark.parametrize("words", [("resume",), ("answer", "slow@B=changed"), ("runs", "--give-up")])
def test_a_nested_run_goes_on_only_with_the_whole(
    words: tuple[str, ...], command: Command, estate: Path, tmp_path: Path
) -> None:
    run = in_doubt(command, estate, tmp_path)
    first, *rest = words
    given = (f"{run}.sub.1", *rest) if first != "runs" else (*rest, f"{run}.sub.1")
    said = command(first, *given)
    assert said.code == ExitCode.USAGE, said.err
    assert f"is a part of the run {run}" in said.err
    assert states(command)["inner"] == "in doubt"


def test_giving_up_ends_the_whole_tree_and_frees_its_hosts(command: Command, estate: Path, tmp_path: Path) -> None:
    run = in_doubt(command, estate, tmp_path)
    said = command("runs", "--give-up", run, "--reason", "enough")
    assert said.code == 0, said.err
    assert "not known how it ended: slow@B" in said.err
    assert "runbook resume" not in command("runs").out
    assert states(command) == {"outer": "interrupted", "inner": "interrupted"}
    other = runbook(tmp_path, "other", writes(tmp_path, "elsewhere"), writes(tmp_path, "too", host="there"))
    assert command("run", other, "-i", estate).code == 0
    assert command("resume", run).code == ExitCode.USAGE


def test_check_mode_says_that_it_would_run_it_and_runs_nothing(command: Command, estate: Path, tmp_path: Path) -> None:
    book = outer(tmp_path, writes(tmp_path, "first"))
    said = command("run", book, "-i", estate, "--check")
    assert said.code == 0, said.err
    assert "would change sub, last@A" in said.err
    assert list(states(command)) == ["outer"]
    assert not (tmp_path / "first.txt").exists()


def test_json_tells_both_runs_line_by_line(command: Command, estate: Path, tmp_path: Path) -> None:
    said = command("run", outer(tmp_path, writes(tmp_path, "first")), "-i", estate, "--json")
    assert said.code == 0, said.err
    events = [json.loads(line) for line in said.out.splitlines()]
    assert [one["runbook"] for one in events if one["kind"] == "run_started"] == ["outer", "inner"]
    assert [one["status"] for one in events if one["kind"] == "run_finished"] == ["done", "done"]


def test_a_question_of_a_nested_run_is_answered_by_the_whole(command: Command, estate: Path, tmp_path: Path) -> None:
    said = command("run", outer(tmp_path, ASK, writes(tmp_path, "first")), "-i", estate)
    assert said.code == ExitCode.WAITING_FOR_PERSON
    assert f"runbook answer {run_id(command)} ask=done" in said.err
    assert command("answer", run_id(command), "ask=done").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_an_interrupt_drains_the_nested_run_and_both_go_on(command: Command, estate: Path, tmp_path: Path) -> None:
    wait = SLOW.replace("timeout: 1s", "timeout: 60s").replace("sleep 20", f"touch {tmp_path}/began; sleep 2")
    book = outer(tmp_path, wait, writes(tmp_path, "after", host="there"))
    process = subprocess.Popen(
        argv("run", book, "-i", estate, "--yes"), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "began").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert not (tmp_path / "after.txt").exists()
    assert command("runs").out.splitlines()[-1] == f"runbook resume {run_id(command)}"
    assert command("resume", run_id(command)).code == 0
    assert states(command) == {"outer": "done", "inner": "done"}


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_a_second_interrupt_says_what_may_still_run_in_the_nested_run(
    command: Command, estate: Path, tmp_path: Path
) -> None:
    wait = SLOW.replace("timeout: 1s", "timeout: 60s").replace("sleep 20", f"touch {tmp_path}/began; sleep 4")
    process = subprocess.Popen(
        argv("run", outer(tmp_path, wait), "-i", estate, "--yes"),
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "began").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert "may still run: slow@B" in err
    assert command("resume", run_id(command)).code == ExitCode.IN_DOUBT


class Dying(SqliteJournal):
    """The process is killed at its n-th append, before it is on record or right after."""

    left = 0
    recorded = True

    def append(self, lease: Lease, events: Sequence[RunEvent]) -> None:
        type(self).left -= 1
        if self.left or self.recorded:
            super().append(lease, events)
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


def died(source: PlanRequest, state: Path, number: int, *, recorded: bool) -> bool:
    """Run it in a process that is killed at that append; False if there are not so many."""
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the process that dies
        Dying.left, Dying.recorded = number, recorded
        wiring.open_journal = lambda folder, clock=None: Dying(  # type: ignore[assignment]
            wiring.make_folder(folder) / "journal.sqlite", clock or use_case.SystemClock()
        )
        listeners = use_case.Listeners(sinks=lambda _: (), person=lambda _: None, interrupts=Interrupts())  # type: ignore[arg-type,return-value]
        use_case.start(planning.make(source), RunRequest(state=state, operator="anna"), listeners, source)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.parametrize(("recorded", "deep"), [(True, False), (False, True)], ids=["on record", "not on record"])
def test_a_kill_at_any_append_of_a_nested_run_is_taken_up_to_the_same_end(
    recorded: bool, deep: bool, command: Command, estate: Path, tmp_path: Path
) -> None:
    steps = [writes(tmp_path, one, host="there") for one in ("first", "second")]
    runbook(tmp_path, "leaf", steps[1])
    book = outer(tmp_path, steps[0], runs("leaf", "further") if deep else steps[1])
    source = PlanRequest(runbook=str(book), inventory=str(estate))
    number = 0
    while True:
        number += 1
        state = tmp_path / f"state-{number}"
        for one in ("first", "second", "last"):
            (tmp_path / f"{one}.txt").unlink(missing_ok=True)
        if not died(source, state, number, recorded=recorded):
            break
        run = next(iter(sorted(one.name for one in (state / "runs").iterdir())))
        said = command("resume", run, "--state", state)
        over = said.code == ExitCode.USAGE and "is over: outer: 2 changed" in said.err  # killed after its last word
        assert said.code == 0 or over, (number, said.err)
        listed = json.loads(command("runs", "--json", "--state", state).out)["runs"]
        names = ("outer", "inner", "leaf") if deep else ("outer", "inner")
        assert {one["runbook"]: one["status"] for one in listed} == dict.fromkeys(names, "done")
        assert len(listed) == len(names), "what was begun is finished, not begun anew"
        assert all((tmp_path / f"{one}.txt").read_text() == "new" for one in ("first", "second", "last"))
        assert all(ended_once(state, each["run_id"]) for each in listed), number
    assert number > 15


def ended_once(state: Path, run: str) -> bool:
    """No step run that had ended was begun again."""
    journal = wiring.open_journal(state)
    found = [(one.step, one.host) for one in journal.events(run) if isinstance(one, StepRunEnded)]
    journal.close()
    return len(found) == len(set(found))


def gated(folder: Path, step: str, host: str) -> str:
    return writes(folder, step, host=host).replace("why: W", "why: W, requires: [approval(operator)]")


def test_a_yes_to_one_run_is_none_to_another_that_has_a_step_of_the_same_name(
    command: Command, estate: Path, tmp_path: Path
) -> None:
    runbook(tmp_path, "inner", gated(tmp_path, "write", "there").replace("write.txt", "deep.txt"))
    book = runbook(tmp_path, "outer", gated(tmp_path, "write", "here"), runs("inner"), writes(tmp_path, "last"))
    assert command("run", book, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    run = run_id(command)
    said = command("answer", run, "write=approve")
    assert said.code == ExitCode.WAITING_FOR_PERSON, said.err
    assert (tmp_path / "write.txt").exists()
    assert not (tmp_path / "deep.txt").exists()
    assert command("answer", run, "write=approve").code == 0
    assert (tmp_path / "deep.txt").exists()


def test_an_answer_of_one_run_is_not_taken_for_that_of_another(command: Command, estate: Path, tmp_path: Path) -> None:
    asks = "  - {id: ask, name: Q, action: operator.ask, with: {question: Which?, answers: {%s: L, later_on: R}}}\n"
    runbook(tmp_path, "inner", asks % "inner")
    book = runbook(tmp_path, "outer", asks % "outer", runs("inner"))
    said = command("run", book, "-i", estate, "--answer", "ask=outer")
    assert said.code == ExitCode.WAITING_FOR_PERSON, said.err
    assert command("answer", run_id(command), "ask=inner").code == 0


@pytest.mark.parametrize("wrong", ["ask=typo", "write=perhaps"])
def test_a_slip_in_an_answer_to_a_nested_run_loses_nothing(
    wrong: str, command: Command, estate: Path, tmp_path: Path
) -> None:
    step = wrong.partition("=")[0]
    book = outer(tmp_path, ASK if step == "ask" else gated(tmp_path, "write", "there"), writes(tmp_path, "after"))
    assert command("run", book, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    run = run_id(command)
    said = command("answer", run, wrong)
    assert said.code == ExitCode.USAGE, said.err
    assert "one of: " in said.err
    assert f"runbook answer {run} {step}={'done' if step == 'ask' else 'approve'}" in said.err
    assert states(command)["outer"] == "parked"
    assert command("answer", run, "ask=done" if step == "ask" else "write=approve").code == 0
    assert (tmp_path / "last.txt").exists()


def test_a_secret_that_is_missing_when_a_nested_run_goes_on_loses_nothing(
    command: Command, estate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(estate.read_text(encoding="utf-8"))
    document["all"]["hosts"]["B"]["ansible_password"] = "env:B_PASSWORD"
    estate.write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setenv("B_PASSWORD", "only-for-this-test")
    book = outer(tmp_path, ASK, writes(tmp_path, "after", host="there"))
    assert command("run", book, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    run = run_id(command)
    monkeypatch.delenv("B_PASSWORD")
    said = command("answer", run, "ask=done")
    assert said.code == ExitCode.USAGE, said.err
    assert "the environment has no variable B_PASSWORD" in said.err
    assert states(command)["outer"] == "parked"
    monkeypatch.setenv("B_PASSWORD", "only-for-this-test")
    assert command("answer", run, "ask=done").code == 0


def test_an_inventory_that_moved_is_named_once_for_the_whole_tree(
    command: Command, estate: Path, tmp_path: Path
) -> None:
    book = outer(tmp_path, ASK, writes(tmp_path, "after", host="there"))
    assert command("run", book, "-i", estate).code == ExitCode.WAITING_FOR_PERSON
    moved = estate.rename(tmp_path / "moved.yaml")
    said = command("resume", run_id(command), "-i", moved, "--answer", "ask=done")
    assert said.code == 0, said.err


def test_a_report_that_cannot_be_written_does_not_undo_the_end_of_a_nested_run(
    command: Command, estate: Path, tmp_path: Path
) -> None:
    report = f"{tmp_path}/state/runs/$RB_RUN/report.html"
    spoil = (
        "  - {id: spoil, name: S, why: W, action: posix.command, hosts: there, effect: permanent,\n"
        "     requires: [approval(operator)],\n"
        f"     with: {{script: mkdir -p {report}, arguments: {{RUN: '{{{{ run.id }}}}'}}}}}}\n"
    )
    said = command("run", outer(tmp_path, spoil), "-i", estate, "--yes", "--state", tmp_path / "state")
    assert said.code == 0, said.err
    listed = json.loads(command("runs", "--json", "--state", tmp_path / "state").out)["runs"]
    assert {one["runbook"]: one["status"] for one in listed} == {"outer": "done", "inner": "done"}
    assert (tmp_path / "last.txt").exists()
