"""Every exit code of the table, produced for real by the command line."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import LOOK, Command, argv, environment, runbook, value

from engine.app.lab import Lab
from engine.model.exit_code import ExitCode

ASK = {
    "id": "ask",
    "action": "operator.ask",
    "with": {"question": "Which?", "answers": {"left": "Left", "right": "Right"}},
}
GATED = value(1, requires=["approval(operator)"])


def done(command: Command, lab: Lab, folder: Path) -> int:
    return command("run", runbook(folder, [LOOK]), "-i", lab.inventory).code


def step_failed(command: Command, lab: Lab, folder: Path) -> int:
    wrong = {"id": "wrong", "action": "assert", "with": {"that": ["{{ false }}"], "message": "It is not so."}}
    return command("run", runbook(folder, [LOOK, wrong]), "-i", lab.inventory).code


def usage(command: Command, lab: Lab, folder: Path) -> int:
    return command("run", "--no-such-option").code


def rejected(command: Command, lab: Lab, folder: Path) -> int:
    return command("run", runbook(folder, [{**LOOK, "hosts": "nobody"}]), "-i", lab.inventory).code


def unreachable(command: Command, lab: Lab, folder: Path) -> int:
    lab.servers.set_faults("SM01", {"refuse": True})
    return command("run", runbook(folder, [LOOK]), "-i", lab.inventory).code


def denied(command: Command, lab: Lab, folder: Path) -> int:
    return command("run", runbook(folder, [GATED]), "-i", lab.inventory, "--answer", "set_1=deny").code


def outdated(command: Command, lab: Lab, folder: Path) -> int:
    book = runbook(folder, [LOOK])
    assert command("plan", book, "-i", lab.inventory, "--out", "plan.json").code == 0
    runbook(folder, [LOOK, {**LOOK, "id": "again"}])
    return command("run", book, "-i", lab.inventory, "--plan", "plan.json").code


def expectations_missed(command: Command, lab: Lab, folder: Path) -> int:
    """The demonstration expects the verdict that it then cures; this estate has another one."""
    return command("lab", "demo", "--estate", "service-logon", "--speed", "200").code


def in_doubt(command: Command, lab: Lab, folder: Path) -> int:
    lab.servers.set_faults("SM01", {"drop_on_frame": "windows_reboot.restart*"})
    reboot = {"id": "reboot", "action": "windows.reboot", "hosts": "server", "timeout": "2s"}
    return command("run", runbook(folder, [reboot]), "-i", lab.inventory, "--yes").code


def waiting(command: Command, lab: Lab, folder: Path) -> int:
    return command("run", runbook(folder, [ASK]), "-i", lab.inventory).code


def locked(command: Command, lab: Lab, folder: Path) -> int:
    assert command("run", runbook(folder, [LOOK, ASK]), "-i", lab.inventory).code == ExitCode.WAITING_FOR_PERSON
    return command("run", runbook(folder, [LOOK]), "-i", lab.inventory).code


def bug(command: Command, lab: Lab, folder: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.app.actions.listed", lambda: 1 / 0)
        return command("actions").code


def _signalled(lab: Lab, folder: Path, number: int) -> int:
    lab.servers.set_faults("SM01", {"delay_s": 0.1})
    book = runbook(folder, [{**LOOK, "id": f"look_{one}"} for one in range(30)])
    process = subprocess.Popen(
        argv("run", book, "-i", lab.inventory, "--json"),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["kind"] == "step_run_started":
            break
    process.send_signal(number)
    process.stdout.read()
    process.stdout.close()
    return process.wait(60)


def interrupted(command: Command, lab: Lab, folder: Path) -> int:
    return _signalled(lab, folder, signal.SIGINT)


def terminated(command: Command, lab: Lab, folder: Path) -> int:
    return _signalled(lab, folder, signal.SIGTERM)


TABLE: dict[ExitCode, Callable[[Command, Lab, Path], int]] = {
    ExitCode.DONE: done,
    ExitCode.STEP_FAILED: step_failed,
    ExitCode.USAGE: usage,
    ExitCode.DOCUMENTS_REJECTED: rejected,
    ExitCode.UNREACHABLE: unreachable,
    ExitCode.GATE_REFUSED: denied,
    ExitCode.PLAN_OUTDATED: outdated,
    ExitCode.EXPECTATIONS_MISSED: expectations_missed,
    ExitCode.IN_DOUBT: in_doubt,
    ExitCode.WAITING_FOR_PERSON: waiting,
    ExitCode.HOST_LOCKED: locked,
    ExitCode.BUG: bug,
    ExitCode.INTERRUPTED: interrupted,
    ExitCode.TERMINATED: terminated,
}


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(ExitCode)


@pytest.mark.parametrize("code", list(TABLE), ids=lambda one: f"{one.value}-{one.name.lower()}")
def test_each_code_is_what_the_table_says(code: ExitCode, command: Command, lab: Lab, tmp_path: Path) -> None:
    if os.name != "posix" and code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        pytest.skip("signals between processes are a matter of POSIX")
    assert TABLE[code](command, lab, tmp_path) == code


def test_help_shows_the_table(command: Command) -> None:
    said = command("--help")
    assert said.code == 0
    assert all(f"{code.value} " in said.out for code in ExitCode)


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX closes them")
@pytest.mark.parametrize("both", [False, True], ids=["stdout", "stdout-and-stderr"])
def test_a_reader_that_goes_away_neither_ends_the_run_nor_changes_its_code(
    both: bool, lab: Lab, command: Command, tmp_path: Path
) -> None:
    wrong = {"id": "wrong", "action": "assert", "with": {"that": ["{{ false }}"], "message": "It is not so."}}
    looks = [{**LOOK, "id": f"look_{one}"} for one in range(5)]
    process = subprocess.Popen(
        argv("run", runbook(tmp_path, [*looks, wrong]), "-i", lab.inventory, "--json"),
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if both else subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    if process.stderr is not None:
        err = process.stderr.read()
        process.stderr.close()
        assert "JsonLines failed and heard no more: BrokenPipeError" in err
        assert "Traceback" not in err
    assert process.wait(30) == ExitCode.STEP_FAILED
    assert json.loads(command("runs", "--json").out)["runs"][0]["status"] == "failed"


def test_a_run_whose_process_is_gone_is_listed_as_interrupted(lab: Lab, command: Command, tmp_path: Path) -> None:
    lab.servers.set_faults("SM01", {"delay_s": 0.1})
    book = runbook(tmp_path, [{**LOOK, "id": f"look_{one}"} for one in range(30)])
    process = subprocess.Popen(
        argv("run", book, "-i", lab.inventory, "--json"),
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    assert json.loads(command("runs", "--json").out)["runs"][0]["status"] == "running"
    process.kill()
    process.stdout.close()
    process.wait()
    said = command("runs")
    assert "interrupted" in said.out
    assert "runbook resume " in said.out


@pytest.mark.skipif(os.name != "posix", reason="signals between processes are a matter of POSIX")
def test_ctrl_c_while_the_command_line_is_loaded_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "engine", "version"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=f"{tmp_path}{os.pathsep}{environment()['PYTHONPATH']}"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGINT  # a shell says 130
    assert done.stderr == ""


def test_ctrl_c_that_python_wraps_is_no_bug(command: Command) -> None:
    def interrupted_class() -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.app.actions.listed", interrupted_class)
        said = command("actions")
    assert (said.code, said.err) == (ExitCode.INTERRUPTED, "interrupted\n")


def test_a_worker_that_hangs_does_not_keep_the_process_from_ending() -> None:
    script = (
        "import threading, time\n"
        "from engine.cli import main\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "main.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "no-such-command"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert "no-such-command" in done.stderr


@pytest.mark.parametrize("limit", ["SM99", "SM*:!SM*", ""])
@pytest.mark.parametrize("verb", ["plan", "run", "triage", "inventory", "doctor"])
def test_a_limit_that_selects_nothing_is_a_wrong_option_of_every_verb(
    verb: str, limit: str, command: Command, lab: Lab, tmp_path: Path
) -> None:
    book = (str(runbook(tmp_path, [LOOK])),) if verb in ("plan", "run") else ()
    assert command(verb, *book, "-i", lab.inventory, "-l", limit).code == ExitCode.USAGE


EMPTY = [
    ("run", "--plan", ""), ("run", "--tags", ""), ("run", "--tags="), ("run", "--baseline", " "),
    ("plan", "--baseline="), ("triage", "--started-at", ""), ("triage", "--limit="),
    ("doctor", "--state", ""), ("run", "-l", ""),
]  # fmt: skip


@pytest.mark.parametrize("given", EMPTY, ids=" ".join)
def test_an_option_that_was_given_nothing_is_never_taken_for_one_left_out(
    given: tuple[str, ...], command: Command, lab: Lab, tmp_path: Path
) -> None:
    """`--plan "$UNSET"` would run what nobody approved, `--tags "$UNSET"` every step, `-l "$UNSET"` every host."""
    verb, option, *rest = given
    book = (str(runbook(tmp_path, [LOOK])),) if verb in ("plan", "run") else ()
    said = command(verb, *book, "-i", lab.inventory, option, *rest)
    assert said.code == ExitCode.USAGE
    assert f"`{option.partition('=')[0]}` was given nothing" in said.err


def test_the_wrong_folder_does_not_say_that_there_are_no_runs(command: Command, tmp_path: Path) -> None:
    """A run may wait in another folder, or be in doubt there."""
    said = command("runs")
    assert f"No runs in {tmp_path / '.runbook'}." in said.out
    assert "--state" in said.out
    said = command("runs", "--state", "mistyped")
    assert f"No runs in {tmp_path / 'mistyped'}." in said.out


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("run", ("-l", "SM01", "-l", "SQL01")),
        ("plan", ("--tags", "first", "-t", "second")),
        ("triage", ("-l", "SM01", "--limit=DW01")),
        ("doctor", ("-i", "other.yaml")),
        ("run", ("--baseline", "a.yaml", "--baseline", "b.yaml")),
    ],
)
def test_of_two_choices_none_is_dropped_in_silence(
    verb: str, options: tuple[str, ...], command: Command, lab: Lab, tmp_path: Path
) -> None:
    """Other tools add up what was given twice; here the last would win, and a host or a step be left out."""
    book = (str(runbook(tmp_path, [LOOK])),) if verb in ("plan", "run") else ()
    said = command(verb, *book, "-i", lab.inventory, *options)
    assert said.code == ExitCode.USAGE
    assert "was given more than once" in said.err


def test_what_may_be_given_twice_still_may(command: Command, lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK])
    twice = ("-v", "-v", "--forks", "2", "--forks", "3", "--state", "a", "--state", "b")
    assert command("run", book, "-i", lab.inventory, *twice).code == ExitCode.DONE


@pytest.mark.parametrize("verb", ["validate", "plan", "report", "runs", "doctor", "inventory", "triage", "run"])
def test_no_color_may_be_said_to_every_screen(verb: str, command: Command, lab: Lab, tmp_path: Path) -> None:
    book = str(runbook(tmp_path, [LOOK]))
    assert command("run", book, "-i", lab.inventory).code == 0
    what = {"validate": (book,), "plan": (book,), "run": (book,)}.get(verb, ())
    where = ("-i", lab.inventory) if verb not in ("validate", "report", "runs") else ()
    assert command(verb, *what, *where, "--no-color").code == 0


def test_a_name_that_is_nothing_is_told(command: Command) -> None:
    for given in (("report", ""), ("triage", "--evidence", ""), ("validate", "")):
        said = command(*given)
        assert said.code == ExitCode.USAGE
        assert "was given nothing" in said.err
