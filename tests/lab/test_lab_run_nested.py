"""A runbook that runs another: the inner run waits, is killed and goes on together with the outer one."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import LOOK, argv, environment, in_process, runbook, value

from engine.app.lab import Lab, up
from engine.lab.behaviours import windows_registry_value

ASK = {"id": "ask", "action": "operator.ask", "with": {"question": "Which?", "answers": {"left": "L", "right": "R"}}}
LAST = {**LOOK, "id": "last"}


def inner(**more: Any) -> dict[str, Any]:
    return {"id": "inner", "action": "runbook", "with": {"name": "inner", **more}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = up(tmp_path_factory.mktemp("lab"), speed=200)
    yield lab
    lab.stop()


def runs(folder: Path) -> dict[str, str]:
    listed = json.loads(in_process(folder, "runs", "--json").out)["runs"]
    return {one["run_id"]: one["status"] for one in listed}


def test_the_inner_run_gets_its_inputs_and_its_end_is_the_step_s(lab: Lab, tmp_path: Path) -> None:
    wrong = {"id": "wrong", "action": "assert", "with": {"that": ["{{ params.size == 3 }}"], "message": "Not 3."}}
    size = {"size": {"description": "A size", "type": "integer"}}
    runbook(tmp_path, [LOOK, wrong], name="inner", params=size)
    for number, code in ((3, 0), (4, 1)):
        outer = runbook(tmp_path, [LOOK, inner(params={"size": number}), LAST], name="outer")
        said = in_process(tmp_path, "run", outer, "-i", lab.inventory)
        assert said.code == code, said.err
    assert sorted(runs(tmp_path).values()) == ["done", "done", "failed", "failed"]


def test_the_outer_run_waits_with_the_inner_one_and_both_go_on(lab: Lab, tmp_path: Path) -> None:
    runbook(tmp_path, [LOOK, ASK, LAST], name="inner")
    outer = runbook(tmp_path, [LOOK, inner(), LAST], name="outer")
    said = in_process(tmp_path, "run", outer, "-i", lab.inventory)
    assert said.code == 9, said.err
    first = min(runs(tmp_path), key=len)
    assert runs(tmp_path) == {first: "parked", f"{first}.inner.1": "parked"}
    assert f"runbook answer {first} ask=left " in said.err
    said = in_process(tmp_path, "answer", first, "ask=left")
    assert said.code == 0, said.err
    assert runs(tmp_path) == {first: "done", f"{first}.inner.1": "done"}


def test_an_inner_run_goes_on_with_the_run_that_asked_for_it_only(lab: Lab, tmp_path: Path) -> None:
    runbook(tmp_path, [LOOK, ASK, LAST], name="inner")
    outer = runbook(tmp_path, [LOOK, inner(), LAST], name="outer")
    assert in_process(tmp_path, "run", outer, "-i", lab.inventory).code == 9
    first = min(runs(tmp_path), key=len)
    said = in_process(tmp_path, "answer", f"{first}.inner.1", "ask=left")
    assert said.code == 2
    assert f"write {first} instead" in said.err
    assert in_process(tmp_path, "answer", first, "ask=left").code == 0
    assert runs(tmp_path) == {first: "done", f"{first}.inner.1": "done"}


@pytest.mark.skipif(os.name != "posix", reason="signals between processes are a matter of POSIX")
def test_killed_within_the_inner_run(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runbook(tmp_path, [LOOK, value(1, "Nested"), value(2, "Nested"), LAST], name="inner")
    outer = runbook(tmp_path, [LOOK, inner(), LAST], name="outer")
    process = subprocess.Popen(
        argv("run", outer, "-i", lab.inventory),
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    real, written = windows_registry_value.write, []

    def write(machine: Any, arguments: Any) -> Any:
        if arguments["name"] == "Value2" and process.poll() is None:
            process.kill()
            process.wait()
        written.append(arguments["name"])
        return real(machine, arguments)

    monkeypatch.setattr(windows_registry_value, "write", write)
    assert process.wait(60) == -signal.SIGKILL
    while "Value2" not in written:
        pass
    first = min(runs(tmp_path), key=len)
    said = in_process(tmp_path, "resume", first)
    assert said.code == 0, said.err
    assert written == ["Value1", "Value2"]
    assert set(runs(tmp_path).values()) == {"done"}
    assert len(runs(tmp_path)) == 2
