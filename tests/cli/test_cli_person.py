"""A person at a real pseudo-terminal: types answers and approvals, leaves, and comes back by another command."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import LOOK, Command, argv, as_process, environment, runbook, value

from engine.app.lab import Lab

pty = pytest.importorskip("pty")

ASK = {
    "id": "ask",
    "action": "operator.ask",
    "with": {
        "show": "Look at the left and at the right.",
        "question": "Which side?",
        "answers": {"left": "The left one", "right": "The right one"},
    },
}
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command with a terminal for its three streams, and a person who reads before typing."""

    def __init__(self, folder: Path, *arguments: str | Path) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            argv(*arguments),
            cwd=folder,
            env=environment(TERM="xterm", COLUMNS="100", LINES="40"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._read = ""

    @property
    def screen(self) -> str:
        return ESCAPES.sub("", self._read).replace("\r\n", "\n")

    def until(self, words: str, seconds: float = 30) -> None:
        """Read until the words are on the screen."""
        begun = time.monotonic()
        seen = self.screen.count(words)
        while words not in self.screen or (seen and self.screen.count(words) == 0):
            assert time.monotonic() - begun < seconds, self.screen
            if not self._more():
                raise AssertionError(self.screen)

    def _more(self) -> bool:
        if not select.select([self._master], [], [], 0.1)[0]:
            return True
        try:
            part = os.read(self._master, 65536)
        except OSError:
            return False
        self._read += part.decode("utf-8", "replace")
        return bool(part)

    def types(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def presses_ctrl_c(self) -> None:
        time.sleep(0.3)  # the prompt is on the screen a moment before it reads
        self._process.send_signal(signal.SIGINT)

    def ends(self) -> int:
        deadline = time.monotonic() + 30
        while self._more():
            assert time.monotonic() < deadline, self.screen
            if self._process.poll() is not None and not select.select([self._master], [], [], 0.1)[0]:
                break
        code = self._process.wait(30)
        os.close(self._master)
        return code

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def at_terminal(tmp_path: Path) -> Iterator[object]:
    opened: list[Terminal] = []

    def open_terminal(*arguments: str | Path) -> Terminal:
        opened.append(Terminal(tmp_path, *arguments))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.kill()


def test_a_person_answers_and_approves(at_terminal, lab: Lab, tmp_path: Path) -> None:
    gated = value(7, "Person", requires=["approval(operator)"])
    terminal = at_terminal("run", runbook(tmp_path, [LOOK, ASK, gated]), "-i", lab.inventory)
    terminal.until("answer (a number or a name; l for later)")
    assert "Look at the left and at the right." in terminal.screen
    assert "2  right   The right one" in terminal.screen
    terminal.types("middle")
    terminal.until("`middle` is none of")
    terminal.types("2")
    terminal.until("[a]pprove  [d]eny  [l]ater")
    assert "Step 3 of 3: Step set_7 on SM01" in terminal.screen
    assert "  Change    - " in terminal.screen
    assert "+ 7 " in terminal.screen
    terminal.types("a")
    assert terminal.ends() == 0
    report = json.loads(as_process(tmp_path, "report", "--json").out)
    assert [one["text"] for one in report["decisions"]]
    assert report["step_runs"][1]["why"] == "answered: right"


def test_what_was_typed_before_the_question_is_no_answer(at_terminal, lab: Lab, tmp_path: Path) -> None:
    gated = value(10, "Person", requires=["approval(operator)"])
    looks = [{**LOOK, "id": f"look_{one}"} for one in range(3)]
    terminal = at_terminal("run", runbook(tmp_path, [*looks, gated]), "-i", lab.inventory)
    terminal.types("a")
    terminal.until("[a]pprove  [d]eny  [l]ater")
    time.sleep(0.3)
    terminal.types("l")
    assert terminal.ends() == 9


def test_a_denial_has_a_reason(at_terminal, lab: Lab, tmp_path: Path) -> None:
    gated = value(8, "Person", requires=["approval(operator)"])
    terminal = at_terminal("run", runbook(tmp_path, [gated]), "-i", lab.inventory)
    terminal.until("[a]pprove  [d]eny  [l]ater")
    terminal.types("d")
    terminal.until("reason")
    terminal.types("not today")
    assert terminal.ends() == 5
    assert "denied the approval: not today" in " ".join(terminal.screen.split())


def test_later_parks_and_an_answer_goes_on(at_terminal, command: Command, lab: Lab, tmp_path: Path) -> None:
    terminal = at_terminal("run", runbook(tmp_path, [LOOK, ASK, {**LOOK, "id": "last"}]), "-i", lab.inventory)
    terminal.until("l for later")
    terminal.types("l")
    assert terminal.ends() == 9
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    assert f"runbook answer {run_id} ask=left    The left one" in terminal.screen
    said = command("answer", run_id, "ask=left")
    assert said.code == 0, said.err
    assert "answered: left" in said.err


def test_a_person_resumes_at_the_terminal(at_terminal, command: Command, lab: Lab, tmp_path: Path) -> None:
    assert command("run", runbook(tmp_path, [LOOK, ASK]), "-i", lab.inventory).code == 9
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    terminal = at_terminal("resume", run_id)
    terminal.until("l for later")
    terminal.types("right")
    assert terminal.ends() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="keys of a POSIX terminal")
def test_ctrl_c_at_a_prompt_keeps_the_run(at_terminal, command: Command, lab: Lab, tmp_path: Path) -> None:
    terminal = at_terminal("run", runbook(tmp_path, [LOOK, ASK]), "-i", lab.inventory)
    terminal.until("l for later")
    terminal.presses_ctrl_c()
    assert terminal.ends() == 130
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    assert "Traceback" not in terminal.screen
    assert command("answer", run_id, "ask=left").code == 0


def test_end_of_input_at_a_prompt_keeps_the_run(at_terminal, command: Command, lab: Lab, tmp_path: Path) -> None:
    terminal = at_terminal("run", runbook(tmp_path, [LOOK, ASK]), "-i", lab.inventory)
    terminal.until("l for later")
    os.write(terminal._master, b"\x04")
    assert terminal.ends() == 9
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    assert command("answer", run_id, "ask=left").code == 0


def test_without_a_terminal_the_exact_command_is_told(command: Command, lab: Lab, tmp_path: Path) -> None:
    said = command("run", runbook(tmp_path, [value(9, "Person", requires=["approval(operator)"])]), "-i", lab.inventory)
    assert said.code == 9
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    told = next(line for line in said.err.splitlines() if line.startswith("  go on with "))
    assert told.split() == ["go", "on", "with", "runbook", "answer", run_id, "set_9=approve"]
    assert command(*told.split()[4:]).code == 0
