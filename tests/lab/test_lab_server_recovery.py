"""The recoveries of servers from end to end, and again on what they left.

Over true connections with a person who walks away after each answer and an engine that is killed; again after each
failure on the way; and once more on the estate that they cured.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import environment, in_process
from test_lab_run_killed import KILLER

from engine.app import plan as planning
from engine.app import run as running
from engine.app.lab import Lab, LabOperator, up
from engine.app.request import PlanRequest, RunRequest
from engine.app.scenario import Stage
from engine.app.scenario_find import load
from engine.app.wiring import open_journal
from engine.execute.messages import Interrupts, Stopped
from engine.lab.estate import RTM, Estate, build_estate
from engine.language.scenario import ScenarioSpec
from engine.model import event as ev
from engine.model.command import Detached
from engine.model.packaged import root
from engine.ports.edges import PersonAnswer

SCENARIOS = root("runbooks") / "service-manager" / "scenarios"
LONG_AGO, REPORTS = "2012-08-01T00:00:00Z", "http://SQL02:80/ReportServer"
DEEDS = {
    "remove_role": "open Programs and Features",
    "restore_key": "SecureStorageBackup.exe elevated",
    "reinstall": "choose Use an existing database",
    "apply_update": "apply the update CU2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A recovery with what it works on."""

    book: str
    scenario: str
    estate: str
    server: str
    sql: str
    copies: int

    def params(self, estate: Estate) -> dict[str, Any]:
        """The inputs that have no default."""
        if self.book == "promote-management-server":
            return {}
        assert estate.upgrade_started_at is not None
        return {"upgrade_started_at": datetime.fromtimestamp(estate.upgrade_started_at, UTC).isoformat()}

    def spec(self, estate: Estate, **changes: Any) -> ScenarioSpec:
        """A rehearsal of it on an estate that is there already."""
        return replace(load(SCENARIOS / f"{self.scenario}.yaml"), **{"params": self.params(estate), **changes})


SERVER = Case(
    book="management-server-recovery",
    scenario="management-server-reinstalled",
    estate="server-changed",
    server="SM01",
    sql="SQL01",
    copies=1,
)
WAREHOUSE = Case(
    book="warehouse-server-recovery",
    scenario="warehouse-server-reinstalled",
    estate="warehouse-server-changed",
    server="DW01",
    sql="SQL02",
    copies=5,
)
SECOND = Case(
    book="promote-management-server",
    scenario="promote-taken-over",
    estate="server-changed",
    server="SM02",
    sql="SQL01",
    copies=1,
)


def str_of(value: object) -> str:
    return value.book if isinstance(value, Case) else str(value)


REINSTALLING = pytest.mark.parametrize("case", [SERVER, WAREHOUSE], ids=str_of)
ALL = pytest.mark.parametrize("case", [SERVER, WAREHOUSE, SECOND], ids=str_of)


def snapshot(estate: Estate, case: Case) -> dict[str, Any]:
    """Whatever a recovery might change, and how often people did something lasting."""
    sql = estate.machines[case.sql].sql
    assert sql is not None
    return {
        "services": {
            (name, one.name): one.state for name, product in estate.products.items() for one in product.machine.services
        },
        "builds": {name: (product.build, tuple(product.updates)) for name, product in estate.products.items()},
        "databases": {
            one.name: (one.product_version, one.state, one.workflow_server) for one in sql.databases.values()
        },
        "copies": {
            one.path: one.modified for one in estate.machines[case.sql].files if one.path.startswith("D:\\Safety")
        },
        "deeds": deeds(estate),
    }


def deeds(estate: Estate) -> dict[str, int]:
    """How often a person was asked to do each lasting thing, and did it."""
    done = [show for show, answer in estate.answers if answer == "done"]
    return {step: sum(words in show for show in done) for step, words in DEEDS.items()}


def assert_recovered(estate: Estate, case: Case, **more: int) -> None:
    """Everything is of one version and runs, and nothing was done twice but what ``more`` says."""
    now = snapshot(estate, case)
    assert len(now["copies"]) == case.copies
    if case is SECOND:
        assert now["databases"]["ServiceManager"] == (RTM, "ONLINE", "SM02.contoso.lab")
        assert {now["services"][("SM02", one)] for one in ("OMSDK", "OMCFG", "HealthService")} == {"Running"}
        assert {now["services"][("SM01", one)] for one in ("OMSDK", "OMCFG", "HealthService")} == {"Stopped"}
        assert set(now["deeds"].values()) == {0}
        return
    assert now["builds"][case.server] == (RTM, ("CU2",))
    assert {version for version, _, _ in now["databases"].values() if version} == {RTM}
    assert {state for (_, name), state in now["services"].items() if name in ("OMSDK", "OMCFG")} == {"Running"}
    assert now["deeds"] == {**dict.fromkeys(DEEDS, 1), **more}


# --- over true connections -------------------------------------------------------------------------------------------


@contextmanager
def served(folder: Path, case: Case) -> Iterator[Lab]:
    lab = up(folder / "lab", variant=case.estate, speed=2000)
    try:
        yield lab
    finally:
        lab.stop()


@dataclass(slots=True, kw_only=True)
class WalksAway(LabOperator):
    """Answers so many questions, and is not there for the next one."""

    left: int

    def question(self, asked: ev.QuestionAsked) -> PersonAnswer | None:
        if not self.left:
            return None
        self.left -= 1
        return LabOperator.question(self, asked)


def listeners(lab: Lab, answers: int) -> running.Listeners:
    person = WalksAway(estate=lab.estate, left=answers)
    return running.Listeners(sinks=lambda plan: (), person=lambda plan: person, interrupts=Interrupts())


def begin(lab: Lab, case: Case, state: Path, answers: int, **inputs: object) -> running.RunResult:
    source = PlanRequest(
        runbook=case.book,
        inventory=str(lab.inventory),
        baseline=str(lab.baseline),
        params=(json.dumps({**case.params(lab.estate), **inputs}),),
    )
    request = RunRequest(state=state, operator="tester")
    return running.start(planning.make(source), request, listeners(lab, answers), source)


def go_on(lab: Lab, run_id: str, state: Path, answers: int) -> running.RunResult:
    return running.resume(run_id, RunRequest(state=state, operator="tester"), listeners(lab, answers))


def changed_once(state: Path) -> None:
    """No step run was begun a second time after it had changed something, neither here nor in a nested run."""
    with closing(open_journal(state)) as journal:
        changed = [
            (record.run_id, one.step, one.host)
            for record in journal.runs()
            for one in journal.events(record.run_id)
            if isinstance(one, ev.StepRunEnded) and one.status.value == "changed"
        ]
    assert changed
    assert len(changed) == len(set(changed))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long operations are asked after at once; what they do takes its time all the same."""
    monkeypatch.setitem(Detached.__init__.__kwdefaults__, "every_s", 0.1)


@ALL
@pytest.mark.usefixtures("quick")
def test_a_person_walks_away_after_every_answer_and_then_it_is_run_again(case: Case, tmp_path: Path) -> None:
    state = tmp_path / ".runbook"
    with served(tmp_path, case) as lab:
        result, pauses = begin(lab, case, state, 0), 0
        while result.stopped.exit_code == 9:
            result, pauses = go_on(lab, result.run_id, state, 1), pauses + 1
        assert result.stopped.exit_code == 0, result.stopped.reason
        assert pauses > 4
        assert_recovered(lab.estate, case)
        changed_once(state)
        cured = snapshot(lab.estate, case)
        again = begin(lab, case, tmp_path / "again", 100)
        assert snapshot(lab.estate, case) == cured
    if case is SECOND:
        assert again.stopped.exit_code == 0
    else:
        assert again.stopped.exit_code == 1
        assert "failed at worth_it" in again.stopped.reason


@pytest.mark.usefixtures("quick")
def test_services_that_were_stopped_are_told_until_they_run(tmp_path: Path) -> None:
    """The run stands for days and is given up at last; only a look strikes out what it owes."""
    state, owed = tmp_path / ".runbook", "SM02: start its services after the recovery"
    with served(tmp_path, SERVER) as lab:
        first = begin(lab, SERVER, state, 3)
        assert first.stopped.exit_code == 9
        assert open_question(state)[1].step == "remove_role"
        assert owed in in_process(tmp_path, "runs").out
        for form in ("text", "json", "html"):
            assert owed.partition(" ")[2] in in_process(tmp_path, "report", first.run_id, "--format", form).out
        given_up = in_process(tmp_path, "runs", "--give-up", first.run_id)
        assert "still owed: start its services after the recovery on SM02" in given_up.out + given_up.err
        assert owed in in_process(tmp_path, "report", first.run_id).out
        second = begin(lab, SERVER, state, 100)
        assert second.stopped.exit_code == 0, second.stopped.reason
        assert "owed" not in second.stopped.reason
        assert owed not in in_process(tmp_path, "runs").out
        assert owed not in in_process(tmp_path, "report", first.run_id).out


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals between processes are a matter of POSIX")
@pytest.mark.parametrize(("case", "after"), [(SERVER, 21), (WAREHOUSE, 23), (SECOND, 11)], ids=str_of)
def test_the_engine_is_killed_on_its_way(case: Case, after: int, tmp_path: Path) -> None:
    """After every few events the process is gone; whoever comes next takes the run up. People do what they are asked,
    once, and say it again where it was not heard.
    """
    with served(tmp_path, case) as lab:
        result = begin(lab, case, tmp_path / ".runbook", 0)
        said: dict[tuple[str, str], str] = {}
        code, killed = result.stopped.exit_code, 0
        while code == 9:
            run, asked = open_question(tmp_path / ".runbook")
            if (run, asked.step) not in said:
                answer = LabOperator(estate=lab.estate).question(asked)
                assert answer is not None
                said[run, asked.step] = answer.answer
            code = command(tmp_path, after, "answer", result.run_id, f"{asked.step}={said[run, asked.step]}", "--yes")
            while code == -signal.SIGKILL:
                killed += 1
                code = command(tmp_path, after, "resume", result.run_id, "--yes")
        assert code == 0
        assert killed > 2
        assert_recovered(lab.estate, case)
        changed_once(tmp_path / ".runbook")


def open_question(state: Path) -> tuple[str, ev.QuestionAsked]:
    """The one that waits, and the run (or nested run) that asked it."""
    with closing(open_journal(state)) as journal:
        asked = [
            (record.run_id, one)
            for record in journal.runs()
            for one in journal.events(record.run_id)
            if isinstance(one, ev.QuestionAsked)
        ]
    return max(asked, key=lambda one: one[1].at)


def command(folder: Path, after: int, *arguments: str) -> int:
    """A command in a process of its own that dies after so many events."""
    done = subprocess.run(
        [sys.executable, "-c", KILLER, *arguments],
        cwd=folder,
        env=environment(KILL_AFTER=str(after)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (-signal.SIGKILL, 0, 9), done.stderr
    return done.returncode


# --- again after a failure, in lab time ------------------------------------------------------------------------------


def play(folder: Path, estate: Estate, spec: ScenarioSpec) -> tuple[Stopped, Mapping[str, str]]:
    """One run with a journal of its own: how it ended, and the status of each step run of it."""
    folder.mkdir()
    stage = Stage(spec=spec, estate=estate)
    for host, troubles in spec.faults.items():
        stage.faults[host].change(dict(troubles))
    stopped = stage.play(folder)
    return stopped, {str(key): one.status.value for key, one in stage.runs[-1].state.step_runs.items()}


@REINSTALLING
@pytest.mark.parametrize("step", DEEDS)
def test_what_a_person_does_fails_at_first(case: Case, step: str, tmp_path: Path) -> None:
    """The second run goes on from there: nothing that was done is done again, and nothing is left out."""
    estate = build_estate(case.estate)
    stopped, status = play(tmp_path / "first", estate, case.spec(estate, answers={step: "failed"}))
    assert stopped.exit_code == 1
    assert status["verify"] == "cancelled"
    more: dict[str, Any] = {} if step == "remove_role" else {"installed_after": LONG_AGO}
    if case is WAREHOUSE:  # which no registry tells any more
        more["report_url"] = REPORTS
    if step == "apply_update":
        refused, status = play(tmp_path / "refused", estate, case.spec(estate))
        assert (refused.exit_code, status["worth_it"]) == (1, "failed")
        more["already_reinstalled"] = True
    before = snapshot(estate, case)["copies"]
    stopped, status = play(tmp_path / "again", estate, case.spec(estate, params={**case.params(estate), **more}))
    assert stopped.exit_code == 0, stopped.reason
    keys = {"restore_key": 2} if step == "reinstall" else {}  # nobody can see whether a key is there
    assert_recovered(estate, case, **keys)
    assert snapshot(estate, case)["copies"] == before


@ALL
def test_stopping_was_denied_at_first(case: Case, tmp_path: Path) -> None:
    estate = build_estate(case.estate)
    for name in ("OMSDK", "HealthService"):
        service = estate.machines["SM01" if case is SECOND else case.server].services.get(name)
        assert service is not None
        service.state = "Running"
    stopped, status = play(tmp_path / "first", estate, case.spec(estate, approvals={"stop_services": "deny"}))
    assert stopped.exit_code == 5
    assert "blocked" in status.values()
    assert snapshot(estate, case)["copies"] == {}
    stopped, _ = play(tmp_path / "again", estate, case.spec(estate))
    assert stopped.exit_code == 0, stopped.reason
    assert_recovered(estate, case)


def test_the_promotion_was_denied_at_first(tmp_path: Path) -> None:
    """The second server works again as before; the second run promotes it with the copy that is there."""
    estate = build_estate(SECOND.estate)
    before = snapshot(estate, SECOND)
    stopped, _ = play(tmp_path / "first", estate, SECOND.spec(estate, approvals={"promote": "deny"}))
    assert stopped.exit_code == 5
    for one in ("services", "databases", "builds"):
        assert snapshot(estate, SECOND)[one] == before[one]
    copies = snapshot(estate, SECOND)["copies"]
    stopped, status = play(tmp_path / "again", estate, SECOND.spec(estate))
    assert stopped.exit_code == 0, stopped.reason
    assert (status["promote@SQL01"], status["safety_copy@SQL01"]) == ("changed", "ok")
    assert_recovered(estate, SECOND)
    assert snapshot(estate, SECOND)["copies"] == copies


@pytest.fixture(scope="module")
def sends(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many scripts a whole promotion sends to its SQL Server."""
    many = 10000
    estate = build_estate(SECOND.estate)
    stage = Stage(spec=SECOND.spec(estate), estate=estate)
    stage.faults[SECOND.sql].drop_after_sends = many
    assert stage.play(tmp_path_factory.mktemp("counted")).exit_code == 0
    return many - stage.faults[SECOND.sql].drop_after_sends


@pytest.mark.parametrize("last", range(8))
def test_the_connection_breaks_after_any_script_of_the_promotion(last: int, sends: int, tmp_path: Path) -> None:
    """The script ran and its answer is lost: the run gets over it, or the next one does."""
    estate = build_estate(SECOND.estate)
    faults = {SECOND.sql: {"drop_after_sends": sends - last}}
    stopped, _ = play(tmp_path / "first", estate, SECOND.spec(estate, faults=faults))
    if stopped.exit_code:
        stopped, _ = play(tmp_path / "again", estate, SECOND.spec(estate))
    assert stopped.exit_code == 0, stopped.reason
    assert_recovered(estate, SECOND)
