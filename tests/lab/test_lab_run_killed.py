"""A real ``runbook run`` is killed at any point of its journal; ``runbook resume`` ends well and does nothing twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import LOOK, argv, environment, in_process, runbook, value

from engine.app.lab import Lab, up
from engine.lab.behaviours import windows_registry_value

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals between processes are a matter of POSIX")

STEPS = [LOOK, value(1), value(2, requires=["approval(operator)"]), value(3), {**LOOK, "id": "last"}]
# Ends the process, as kill -9 would, right after the n-th event is on record (0: the run exists, and nothing else).
KILLER = """
import os, signal, sys
from engine.journal.sqlite_store import SqliteJournal
left = [int(os.environ["KILL_AFTER"])]
def killing(method, cost):
    def call(self, *args, **more):
        done = method(self, *args, **more)
        left[0] -= cost(args)
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return call
SqliteJournal.create = killing(SqliteJournal.create, lambda args: 1)
SqliteJournal.append = killing(SqliteJournal.append, lambda args: len(args[1]))
from engine.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = up(tmp_path_factory.mktemp("lab"), speed=200)
    yield lab
    lab.stop()


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each registry value was really written on a host of the lab."""
    counted: Counter[str] = Counter()
    real = windows_registry_value.write

    def write(machine: Any, arguments: Any) -> Any:
        counted[f"{arguments['key']}:{arguments['name']}"] += 1
        return real(machine, arguments)

    monkeypatch.setattr(windows_registry_value, "write", write)
    return counted


def steps(name: str) -> list[dict[str, Any]]:
    """The steps, on registry values that no other test writes."""
    return [
        {**one, "with": {**one["with"], "key": rf"HKLM\SOFTWARE\{name}"}} if "with" in one else one for one in STEPS
    ]


def run_of(folder: Path) -> dict[str, Any]:
    runs = json.loads(in_process(folder, "runs", "--json").out)["runs"]
    return dict(runs[0])


@pytest.mark.parametrize("after", [*range(24)])
def test_killed_after_any_event(after: int, lab: Lab, writes: Counter[str], tmp_path: Path) -> None:
    name = f"Killed{after}"
    book = runbook(tmp_path, steps(name))
    killed = subprocess.run(
        [sys.executable, "-c", KILLER, "run", str(book), "-i", str(lab.inventory), "--yes"],
        cwd=tmp_path,
        env=environment(KILL_AFTER=str(after)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if killed.returncode == 0:
        pytest.skip(f"the run has fewer than {after} events")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    time.sleep(0.1)  # what was sent may still arrive
    run = run_of(tmp_path)
    said = in_process(tmp_path, "resume", run["run_id"], "--yes")
    if run["status"] == "done":  # killed between its last word and the freeing of its hosts
        assert said.code == 2
    else:
        assert said.code == 0, said.err
    expected = {rf"HKLM\SOFTWARE\{name}:Value{number}": 1 for number in (1, 2, 3)}
    assert dict(writes) == expected
    report = json.loads(in_process(tmp_path, "report", run["run_id"], "--json").out)
    assert report["status"] == "done"
    assert {one["status"] for one in report["step_runs"]} <= {"ok", "changed"}
    assert in_process(tmp_path, "run", book, "-i", lab.inventory, "--yes").code == 0  # the host is free again


def test_killed_while_the_change_is_on_its_way(
    lab: Lab, writes: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host does what it was told, and the answer finds nobody: the resumed run looks, and does not do it again."""
    book = runbook(tmp_path, steps("OnItsWay"))
    process = started(tmp_path, book, lab)
    counting = windows_registry_value.write

    def write(machine: Any, arguments: Any) -> Any:
        if arguments["name"] == "Value2" and process.poll() is None:
            process.kill()
            process.wait()
        return counting(machine, arguments)

    monkeypatch.setattr(windows_registry_value, "write", write)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    while writes[r"HKLM\SOFTWARE\OnItsWay:Value2"] == 0:
        time.sleep(0.02)
    said = in_process(tmp_path, "resume", run_of(tmp_path)["run_id"], "--yes")
    assert said.code == 0, said.err
    assert set(writes.values()) == {1}
    report = json.loads(in_process(tmp_path, "report", "--json").out)
    found = next(one for one in report["step_runs"] if one["step"] == "set_2")
    assert found["status"] == "changed"
    assert found["why"].startswith("found done")


def started(folder: Path, book: Path, lab: Lab, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv("run", book, "-i", lab.inventory, "--yes", *more),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], kind: str, step: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["kind"] == kind and event["step"] == step:
            return
    raise AssertionError(f"no {kind} of {step}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=60)
    return process.returncode, err


SLOW = [LOOK, {"id": "reboot", "action": "windows.reboot", "hosts": "server", "timeout": "20m"}, {**LOOK, "id": "last"}]


@pytest.fixture
def slow_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab in which a reboot takes some real seconds."""
    lab = up(tmp_path / "lab", speed=30)
    yield lab
    lab.stop()


@pytest.mark.slow
def test_ctrl_c_once_drains_and_resume_goes_on(slow_lab: Lab, tmp_path: Path) -> None:
    process = started(tmp_path, runbook(tmp_path, SLOW), slow_lab, "--json")
    wait_for(process, "change_intended", "reboot")
    process.send_signal(signal.SIGINT)
    code, err = ended(process)
    assert code == 130
    assert "finishing what is in flight" in err
    assert "nothing is in flight" in err
    run = run_of(tmp_path)
    assert run["status"] == "interrupted"
    assert f"go on with   runbook resume {run['run_id']}" in err
    report = json.loads(in_process(tmp_path, "report", run["run_id"], "--json").out)
    assert [one["status"] for one in report["step_runs"]][:2] == ["ok", "changed"]
    assert in_process(tmp_path, "resume", run["run_id"]).code == 0


@pytest.mark.slow
def test_ctrl_c_twice_stops_and_says_what_may_still_run(slow_lab: Lab, tmp_path: Path) -> None:
    process = started(tmp_path, runbook(tmp_path, SLOW), slow_lab, "--json")
    wait_for(process, "change_intended", "reboot")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    code, err = ended(process)
    assert code == 130
    assert time.monotonic() - begun < 2
    assert "may still run: reboot@SM01" in err
    run = run_of(tmp_path)
    said = in_process(tmp_path, "resume", run["run_id"])
    assert said.code == 8, said.err  # a restart is never sent again by itself: a person looks
    assert f"runbook answer {run['run_id']} reboot@SM01=changed" in said.err
    machine = slow_lab.estate.machines["SM01"]
    while not machine.reachable():
        time.sleep(0.1)
    slow_lab.servers.refresh()
    said = in_process(tmp_path, "answer", run["run_id"], "reboot@SM01=changed", "--reason", "the boot time is new")
    assert said.code == 0, said.err


@pytest.mark.slow
def test_sigterm_drains_like_ctrl_c(slow_lab: Lab, tmp_path: Path) -> None:
    process = started(tmp_path, runbook(tmp_path, SLOW), slow_lab, "--json")
    wait_for(process, "change_intended", "reboot")
    process.send_signal(signal.SIGTERM)
    code, err = ended(process)
    assert code == 143
    assert "nothing is in flight" in err
