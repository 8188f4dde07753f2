"""A recovery that stands for two days between its steps, on an estate that does not stand still meanwhile.

Whoever comes next is another person. What was proven is looked at again, nothing is overwritten on an old proof, and
the second run carries the recovery to its end.
"""

import json
import os
import signal
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import in_process
from test_lab_server_recovery import LONG_AGO, SERVER, Case, begin, changed_once, command, open_question, served

from engine.app import plan as planning
from engine.app import run as running
from engine.app.clock import SystemClock
from engine.app.lab import Lab, LabOperator
from engine.app.request import PlanRequest, RunRequest
from engine.app.wiring import open_journal
from engine.execute.messages import Interrupts
from engine.lab.estate import RTM, SP1
from engine.model import event as ev
from engine.model.command import Detached
from engine.ports.edges import PersonAnswer

OWED = "SM02: start its services after the recovery"
DAYS = 2 * 86400.0
AGREED = {"consent": "accept", "console": "works", "reports": "work"}
DATABASE = Case(
    book="database-recovery",
    scenario="database-restored",
    estate="schema-changed",
    server="SM01",
    sql="SQL01",
    copies=1,
)


@dataclass(slots=True, kw_only=True)
class LeavesAt(LabOperator):
    """Agrees to everything, and is not there for one step."""

    step: str

    def question(self, asked: ev.QuestionAsked) -> PersonAnswer | None:
        if asked.step == self.step:
            return None
        if asked.step in AGREED:
            return PersonAnswer(answer=AGREED[asked.step], by=self.by)
        return LabOperator.question(self, asked)

    def approval(self, asked: ev.ApprovalAsked) -> PersonAnswer | None:
        return None if asked.step == self.step else LabOperator.approval(self, asked)


def listeners(lab: Lab, step: str = "") -> running.Listeners:
    person = LeavesAt(estate=lab.estate, step=step)
    return running.Listeners(sinks=lambda plan: (), person=lambda plan: person, interrupts=Interrupts())


def start(lab: Lab, state: Path, leaves_at: str = "", **inputs: object) -> running.RunResult:
    params = {**DATABASE.params(lab.estate), "rehearse": False, **inputs}
    source = PlanRequest(
        runbook=DATABASE.book, inventory=str(lab.inventory), baseline=str(lab.baseline), params=(json.dumps(params),)
    )
    request = RunRequest(state=state, operator="the first")
    return running.start(planning.make(source), request, listeners(lab, leaves_at), source)


def go_on(lab: Lab, state: Path, run_id: str) -> running.RunResult:
    return running.resume(run_id, RunRequest(state=state, operator="the second"), listeners(lab))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long operations are asked after at once."""
    monkeypatch.setitem(Detached.__init__.__kwdefaults__, "every_s", 0.1)


def pass_days(lab: Lab, monkeypatch: pytest.MonkeyPatch, *restarted: str) -> None:
    """Two days, for the engine and the estate alike; these servers are restarted in them, as servers are."""
    real = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda self: real(self) + DAYS)
    lab.estate.clock.advance(DAYS)
    for name in restarted:
        machine = lab.estate.machines[name]
        with machine.lock:
            machine.boot(lab.estate.clock.now())
            lab.estate.clock.advance(600)
            machine.settle()


def assert_recovered(lab: Lab, folder: Path) -> None:
    assert version(lab) == RTM
    assert all(states(lab, name) == {"Running"} for name in ("SM01", "SM02", "DW01"))
    assert "owed" not in in_process(folder, "runs").out


def states(lab: Lab, name: str) -> set[str]:
    machine = lab.estate.machines[name]
    with machine.lock:
        machine.settle()
        return {one.state for one in machine.services if one.name in ("OMSDK", "OMCFG", "HealthService")}


def why(state: Path, run_id: str, step: str) -> str:
    with closing(open_journal(state)) as journal:
        ends = [one for one in journal.events(run_id) if isinstance(one, ev.StepRunEnded) and one.step == step]
    return ends[-1].why


def version(lab: Lab) -> str:
    sql = lab.estate.machines["SQL01"].sql
    assert sql is not None
    return sql.databases["ServiceManager"].product_version


@pytest.mark.usefixtures("quick")
def test_a_second_person_approves_the_restore_after_two_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happened meanwhile: everything is looked at again, and the same run comes to its end."""
    state = tmp_path / ".runbook"
    with served(tmp_path, DATABASE) as lab:
        first = start(lab, state, "restore", max_age_hours=72)
        assert first.stopped.exit_code == 9, first.stopped.reason
        assert OWED in in_process(tmp_path, "runs").out
        pass_days(lab, monkeypatch)
        second = go_on(lab, state, first.run_id)
        assert second.stopped.exit_code == 0, second.stopped.reason
        assert_recovered(lab, tmp_path)
        told = in_process(tmp_path, "report", first.run_id).out
    assert all(words in told for words in ("the first on", "the second on", "Resumed"))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("restarted", "hours", "words", "inputs"),
    [
        ((), 24, "more than 24 hours ago (Take another label or folder, or raise max_age_hours", {"label": "second"}),
        (("SM02", "DW01"), 72, "no longer holds: SM02: OMSDK has state running, wanted stopped", {}),
    ],
    ids=["the copy is too old", "servers were restarted"],
)
def test_what_no_longer_holds_after_two_days_is_told_and_the_recovery_is_run_again(
    restarted: tuple[str, ...],
    hours: int,
    words: str,
    inputs: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = tmp_path / ".runbook"
    with served(tmp_path, DATABASE) as lab:
        first = start(lab, state, "restore", max_age_hours=hours)
        assert first.stopped.exit_code == 9, first.stopped.reason
        pass_days(lab, monkeypatch, *restarted)
        refused = go_on(lab, state, first.run_id)
        assert refused.stopped.exit_code == 5
        assert words in why(state, first.run_id, "restore")
        assert version(lab) == SP1, "nothing was overwritten"
        assert OWED in in_process(tmp_path, "report", first.run_id).out
        again = start(lab, state, **{"max_age_hours": hours, **inputs})
        assert again.stopped.exit_code == 0, again.stopped.reason
        assert_recovered(lab, tmp_path)


@pytest.mark.usefixtures("quick")
def test_a_deed_that_is_told_after_two_days_is_followed_by_a_new_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role was removed as asked; a server that was restarted since keeps the next deed from being asked for."""
    state = tmp_path / ".runbook"
    with served(tmp_path, SERVER) as lab:
        first = begin(lab, SERVER, state, 3)
        with closing(open_journal(state)) as journal:
            asked = [one for one in journal.events(first.run_id) if isinstance(one, ev.QuestionAsked)][-1]
        assert asked.step == "remove_role"
        pass_days(lab, monkeypatch, "SM02")
        answer = LabOperator(estate=lab.estate).question(asked)
        assert answer is not None
        assert answer.answer == "done"
        told = in_process(tmp_path, "answer", first.run_id, "remove_role=done")
        assert told.code == 5
        assert why(state, first.run_id, "remove_role") == "answered: done"
        assert "no longer holds: SM02: OMSDK has state running" in why(state, first.run_id, "restore_key")
        again = begin(lab, SERVER, state, 100, installed_after=LONG_AGO, label="second")
        assert again.stopped.exit_code == 0, again.stopped.reason
        assert "owed" not in in_process(tmp_path, "runs").out


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals between processes are a matter of POSIX")
def test_the_engine_is_killed_again_and_again_on_its_way_through_a_restore(tmp_path: Path) -> None:
    """Also between the stop of the services and the restore: no set comes in twice, and nothing is left stopped."""
    state = tmp_path / ".runbook"
    with served(tmp_path, DATABASE) as lab:
        first = start(lab, state, "retry_button")
        said: dict[tuple[str, str], str] = {}
        code, killed = first.stopped.exit_code, 0
        while code == 9:
            run, asked = open_question(state)
            if (run, asked.step) not in said:
                answer = LeavesAt(estate=lab.estate, step="").question(asked)
                assert answer is not None
                said[run, asked.step] = answer.answer
            code = command(tmp_path, 23, "answer", first.run_id, f"{asked.step}={said[run, asked.step]}", "--yes")
            while code == -signal.SIGKILL:
                killed += 1
                code = command(tmp_path, 23, "resume", first.run_id, "--yes")
        assert code == 0
        assert killed > 4
        assert_recovered(lab, tmp_path)
        changed_once(state)
        sql = lab.estate.machines["SQL01"].sql
        assert sql is not None
        sets = [row["backup_set_id"] for row in sql.history.restorehistory]
        assert len(sets) == len(set(sets))
