"""A recovery of databases that ended halfway is run again from its beginning: it comes to its end, and the restore and
the safety copies that the first run made are neither made twice nor written over.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.app.scenario import Stage
from engine.app.scenario_find import load
from engine.app.wiring import open_journal
from engine.execute.messages import Stopped
from engine.lab.estate import RTM, SP1, Estate, build_estate
from engine.language.scenario import ScenarioSpec
from engine.model.event import QuestionAsked
from engine.model.packaged import root

SCENARIOS = root("runbooks") / "service-manager" / "scenarios"
BEGAN = "2013-03-02T08:00:00+00:00"
AGREED = {"consent": "accept", "console": "works", "reports": "work"}
LAST_SET = 3  # a full backup, two of the log


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A recovery with what it works on."""

    book: str
    estate: str
    server: str
    sql: str

    def spec(self, **changes: Any) -> ScenarioSpec:
        """A run of it without a rehearsal, with everything agreed to."""
        plain = load(SCENARIOS / f"{self.book.removesuffix('-recovery')}-restored.yaml")
        given = {"params": {"upgrade_started_at": BEGAN, "rehearse": False}, "answers": AGREED}
        return replace(plain, **{**given, **changes})


ONE = Case(book="database-recovery", estate="schema-changed", server="SM01", sql="SQL01")
FIVE = Case(book="warehouse-database-recovery", estate="warehouse-changed", server="DW01", sql="SQL02")


def str_of(value: object) -> str:
    """A case by its book."""
    return value.book if isinstance(value, Case) else str(value)


BOTH = pytest.mark.parametrize("case", [ONE, FIVE], ids=str_of)


def play(folder: Path, estate: Estate, spec: ScenarioSpec) -> tuple[Stopped, Mapping[str, str]]:
    """One run with a journal of its own: how it ended, and the status of each step run of it."""
    folder.mkdir()
    stage = Stage(spec=spec, estate=estate)
    for host, troubles in spec.faults.items():
        stage.faults[host].change(dict(troubles))
    stopped = stage.play(folder)
    return stopped, {str(key): one.status.value for key, one in stage.runs[-1].state.step_runs.items()}


def restores(estate: Estate, case: Case) -> Counter[tuple[str, str]]:
    """How often each set was brought into each database."""
    sql = estate.machines[case.sql].sql
    assert sql is not None
    return Counter(
        (str(row["destination_database_name"]), str(row["backup_set_id"])) for row in sql.history.restorehistory
    )


def safety_copies(estate: Estate, case: Case) -> dict[str, float]:
    """When each of the recovery's copies was written last."""
    files = estate.machines[case.sql].files
    return {one.path: one.modified for one in files if one.path.endswith("_before-restore.bak")}


def assert_recovered(estate: Estate, case: Case) -> None:
    """Databases and servers are those of before the upgrade, and everything runs."""
    sql = estate.machines[case.sql].sql
    assert sql is not None
    names = estate.products[case.server].database_names
    assert {(sql.databases[one].product_version, sql.databases[one].state) for one in names} == {(RTM, "ONLINE")}
    assert sql.databases[names[0]].broker_enabled
    assert estate.products[case.server].build == RTM
    for name, product in estate.products.items():
        states = {one.name: one.state for one in product.machine.services}
        assert {states[one] for one in ("OMSDK", "OMCFG", "HealthService")} == {"Running"}, name


def assert_once(estate: Estate, case: Case) -> None:
    """Every set of every chain came in once."""
    found = restores(estate, case)
    assert set(found.values()) == {1}
    assert len(found) == LAST_SET * len(estate.products[case.server].database_names)


def run_again(tmp_path: Path, estate: Estate, case: Case, **inputs: Any) -> Mapping[str, str]:
    """The second run, as an administrator starts it: the same inputs, but for what a refusal of it asks for."""
    before = safety_copies(estate, case)
    stopped, status = play(tmp_path / "again", estate, case.spec(params={**case.spec().params, **inputs}))
    assert stopped.exit_code == 0, stopped.reason
    assert_recovered(estate, case)
    assert_once(estate, case)
    after = safety_copies(estate, case)
    assert {path: after[path] for path in before} == before
    return status


@pytest.mark.parametrize(
    ("case", "number"), [*((ONE, number) for number in (2, 4, 5, 9, 10, 11)), (FIVE, 17)], ids=str_of
)
def test_whichever_long_operation_is_broken_off(case: Case, number: int, tmp_path: Path) -> None:
    """Reading a backup, copying, reading the copy, checking: the process of each is ended halfway. What a broken copy
    left is not written over, so the second run takes another label, as its refusal says. A copy of the nested recovery
    whose end nobody can tell leaves the whole run in doubt, with the step that runs it still open.
    """
    estate = build_estate(case.estate)
    sql = estate.machines[case.sql].sql
    assert sql is not None
    sql.dying_job = number
    stopped, status = play(tmp_path / "first", estate, case.spec())
    assert sql.dying_job == 0
    if stopped.exit_code == 0:
        return
    if status[f"verify@{case.sql}"] != "ok":
        run_again(tmp_path, estate, case)
        return
    if status[f"safety_copy@{case.sql}"] == "changed" and status["reinstall"] not in ("failed", "running"):
        run_again(tmp_path, estate, case)
        return
    refused, _ = play(tmp_path / "refused", estate, case.spec())
    assert refused.exit_code == 1
    run_again(tmp_path, estate, case, label="second-try")


@pytest.mark.parametrize(("case", "number"), [(ONE, 1), (ONE, 2), (ONE, 3), (FIVE, 4), (FIVE, 15)], ids=str_of)
def test_the_restore_is_broken_off_between_its_sets(case: Case, number: int, tmp_path: Path) -> None:
    """Of three sets, or of three for each of five databases; the second run goes on where it was broken off."""
    estate = build_estate(case.estate)
    sql = estate.machines[case.sql].sql
    assert sql is not None
    # Three sets of each database are read, and each copy is made, then read.
    sql.dying_job = (LAST_SET + 2) * len(estate.products[case.server].database_names) + number
    stopped, status = play(tmp_path / "first", estate, case.spec())
    assert (stopped.exit_code, status[f"restore@{case.sql}"]) == (1, "failed")
    assert "RESTORING" in {one.state for one in sql.databases.values()}
    done = sum(restores(estate, case).values())
    status = run_again(tmp_path, estate, case)
    assert status[f"restore@{case.sql}"] == "changed"
    assert done == number - 1


@pytest.fixture(scope="module")
def sends(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many scripts a whole recovery sends to its SQL Server."""
    many = 10000
    stage = Stage(spec=ONE.spec(), estate=build_estate(ONE.estate))
    stage.faults[ONE.sql].drop_after_sends = many
    assert stage.play(tmp_path_factory.mktemp("counted")).exit_code == 0
    return many - stage.faults[ONE.sql].drop_after_sends


@pytest.mark.parametrize("part", range(10))
def test_the_connection_breaks_after_any_script_of_the_restore(part: int, sends: int, tmp_path: Path) -> None:
    """The script ran and its answer is lost: the run gets over it, or the next one does."""
    number = sends * 45 // 100 + part  # copies are made before, and what a restore leaves undone comes after
    estate = build_estate(ONE.estate)
    stopped, _ = play(tmp_path / "first", estate, ONE.spec(faults={ONE.sql: {"drop_after_sends": number}}))
    if stopped.exit_code == 0:
        assert_recovered(estate, ONE)
        assert_once(estate, ONE)
    else:
        run_again(tmp_path, estate, ONE)


@BOTH
@pytest.mark.parametrize("step", ["remove_role", "restore_key", "reinstall", "apply_update"])
def test_the_reinstallation_fails_after_the_restore(case: Case, step: str, tmp_path: Path) -> None:
    """The restored databases are those of the baseline, which does not keep the second run from going on."""
    estate = build_estate(case.estate)
    stopped, status = play(tmp_path / "first", estate, case.spec(answers={**AGREED, step: "failed"}))
    assert (stopped.exit_code, status["reinstall"]) == (1, "failed")
    inputs: dict[str, Any] = {} if step == "remove_role" else {"installed_after": "2012-08-01T00:00:00Z"}
    if case is FIVE:
        inputs["report_url"] = "http://SQL02:80/ReportServer"
    if step == "apply_update":  # which nobody can see, so a person has to say how far the first run came
        inputs["already_reinstalled"] = True
    status = run_again(tmp_path, estate, case, **inputs)
    assert estate.products[case.server].updates == ["CU2"]
    said = step == "apply_update"  # compared with the history of restores; nothing of the restore is looked at again
    assert status[f"restore@{case.sql}"] == ("skipped" if said else "ok")
    assert status["consent"] == ("skipped" if said else "ok")
    assert status[f"safety_copy@{case.sql}"] == "ok"
    assert len(safety_copies(estate, case)) == len(estate.products[case.server].database_names)


@BOTH
@pytest.mark.parametrize("step", ["stop_services", "restore"])
def test_an_approval_was_denied_at_first(case: Case, step: str, tmp_path: Path) -> None:
    estate = build_estate(case.estate)
    stopped, status = play(tmp_path / "first", estate, case.spec(approvals={step: "deny"}))
    assert stopped.exit_code != 0
    assert "blocked" in status.values()
    run_again(tmp_path, estate, case)


@BOTH
def test_a_run_after_the_end_changes_nothing_of_the_databases(case: Case, tmp_path: Path) -> None:
    """The first run came to its end, and somebody starts the runbook once more."""
    estate = build_estate(case.estate)
    stopped, _ = play(tmp_path / "first", estate, case.spec())
    assert stopped.exit_code == 0
    status = run_again(tmp_path, estate, case)
    assert status[f"restore@{case.sql}"] == "ok"
    assert status["reinstall"] == "skipped"


def asked_for_consent(folder: Path) -> str:
    """What the owner of the data was shown in the run of this folder."""
    with closing(open_journal(folder)) as journal:
        asked = [one for one in journal.events("rehearsal") if isinstance(one, QuestionAsked)]
    return next(one.show for one in asked if one.step == "consent")


@BOTH
def test_the_consent_is_to_a_loss_in_minutes_and_between_two_moments(case: Case, tmp_path: Path) -> None:
    """Nobody agrees twice to the same loss: once it came back, the text says so."""
    estate = build_estate(case.estate)
    assert play(tmp_path / "first", estate, case.spec())[0].exit_code == 0
    shown = asked_for_consent(tmp_path / "first")
    assert all(words in shown for words in ("2013-03-02T06:30:00+00:00", BEGAN, "Between the two lie 90 minutes"))
    assert "nothing more is lost" not in shown
    assert play(tmp_path / "again", estate, case.spec())[0].exit_code == 0
    assert "these backups already: nothing more is lost now" in asked_for_consent(tmp_path / "again")


@BOTH
def test_the_recovery_is_undone(case: Case, tmp_path: Path) -> None:
    """What the failed upgrade left is there again, out of the copies that the recovery itself made."""
    estate = build_estate(case.estate)
    assert play(tmp_path / "first", estate, case.spec())[0].exit_code == 0
    copied = max(safety_copies(estate, case).values())
    undo = load(SCENARIOS / f"undo-{case.book.removesuffix('-recovery')}-done.yaml")
    moment = _iso(copied + 1)
    spec = replace(undo, params={"copied_before": moment}, answers={"consent": "accept"}, situation={})
    stopped, status = play(tmp_path / "undo", estate, spec)
    assert stopped.exit_code == 0, stopped.reason
    assert status[f"restore@{case.sql}"] == "changed"
    sql = estate.machines[case.sql].sql
    assert sql is not None
    first = sql.databases[estate.products[case.server].database_names[0]]
    assert (first.product_version, first.state, first.broker_enabled) == (SP1, "ONLINE", True)
    before = restores(estate, case)
    assert play(tmp_path / "undo-again", estate, spec)[0].exit_code == 0
    assert restores(estate, case) == before


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
