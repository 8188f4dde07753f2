"""A runbook on the lab's POSIX host, over its SSH server: a look, a change, a second run that changes nothing, a full
disk, a refused script, and the doctor.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.app import plan as planning
from engine.app import run as use_case
from engine.app.clock import SystemClock
from engine.app.doctor import Health
from engine.app.doctor_hosts import examine
from engine.app.documents import inventory
from engine.app.lab import JUMP_HOST, JUMP_USER, Lab, LabOperator, up
from engine.app.report import report
from engine.app.request import PlanRequest, RunRequest
from engine.app.wiring import open_journal
from engine.execute.messages import Interrupts
from engine.lab.machine_posix_host import PosixHost
from engine.model.report import Report
from engine.model.secret import Secret

BOOK = f"""\
schema: runbook/v1
name: on-the-jump-host
version: 1.0.0
title: A note on the jump host
purpose: To write a file on a POSIX host and read it again
sources: [s]
hosts:
  jump: {{pattern: jump_hosts, exactly: 1}}
steps:
  - id: folder
    name: Look for the folder
    action: posix.file
    hosts: jump
    with: {{path: /home/{JUMP_USER}, expect: present}}
  - id: note
    name: Write the note
    action: posix.file
    hosts: jump
    with: {{path: "/home/{JUMP_USER}/it's $HOME", content: "caf\u00e9\\n", mode: "0600"}}
  - id: reads
    name: Read it
    action: posix.command
    hosts: jump
    effect: observe
    with: {{argv: [cat, "it's $HOME"], directory: /home/{JUMP_USER}, effect: observe}}
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = up(tmp_path / "lab", speed=200, jump_host=True)
    yield lab
    lab.stop()


def jump(lab: Lab) -> PosixHost:
    found = lab.hosts[-1]
    assert isinstance(found, PosixHost)
    return found


def run(lab: Lab, folder: Path, text: str) -> Report:
    book = folder / "book.yaml"
    book.write_text(text, encoding="utf-8")
    source = PlanRequest(runbook=str(book), inventory=str(lab.inventory))
    operator = LabOperator(estate=lab.estate)
    listeners = use_case.Listeners(sinks=lambda plan: (), person=lambda plan: operator, interrupts=Interrupts())
    request = RunRequest(state=folder / "state", operator="tester")
    result = use_case.start(planning.make(source), request, listeners, source)
    journal = open_journal(folder / "state")
    told = report(journal, result.run_id)
    journal.close()
    return told


def statuses(told: Report) -> dict[str, str]:
    return {one.step: one.status.value for one in told.step_runs}


def test_a_file_is_written_once_and_read(lab: Lab, tmp_path: Path) -> None:
    assert statuses(run(lab, tmp_path, BOOK)) == {"folder": "ok", "note": "changed", "reads": "ok"}
    entry = jump(lab).machine.at(f"/home/{JUMP_USER}/it's $HOME")
    assert entry is not None
    assert (entry.mode, entry.content) == (0o600, "caf\u00e9\n".encode())
    assert statuses(run(lab, tmp_path, BOOK)) == {"folder": "ok", "note": "ok", "reads": "ok"}


def test_a_full_disk_fails_the_step_and_leaves_no_file(lab: Lab, tmp_path: Path) -> None:
    jump(lab).machine.free_bytes = 2
    told = run(lab, tmp_path, BOOK)
    assert statuses(told)["note"] == "failed"
    assert any("No space left" in str(one) for one in told.step_runs)
    assert [path for path in jump(lab).machine.entries if "HOME" in path] == []


def test_a_script_of_ones_own_fails_with_a_sentence(lab: Lab, tmp_path: Path) -> None:
    told = run(
        lab, tmp_path, BOOK.replace('argv: [cat, "it\'s $HOME"], directory: /home/recovery', "script: echo hello")
    )
    assert statuses(told)["reads"] == "failed"
    assert any("has no model of this script" in str(one) for one in told.step_runs)


def test_the_doctor_looks_at_it(lab: Lab) -> None:
    password = (lab.folder / "password").read_text().strip()
    found = examine(
        [inventory(str(lab.inventory)).hosts[JUMP_HOST]],
        lambda _: Secret(password),
        SystemClock(),
        forks=1,
        tell=lambda _: None,
    )
    assert found[0].health is not Health.FAILED
    assert found[0].system == "Linux 6.1.0"
    assert found[0].interpreter == "sh"
