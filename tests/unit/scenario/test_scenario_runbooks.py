"""Every shipped scenario ends as it says, and together they take every way through the runbook."""

import pytest

from engine.app.scenario import ScenarioResult, rehearse
from engine.app.scenario_coverage import coverage
from engine.app.scenario_find import find, load

pytestmark = pytest.mark.timeout(900)  # whichever test comes first plays all scenarios

BRANCHES = {
    "configuration-service-timeout": 40,
    "prerequisite-check-failed": 60,
    "predicted-check-failed": 75,
    "failed-before-permanent-changes": 35,
    "database-recovery": 40,
    "warehouse-database-recovery": 38,
    "undo-database-recovery": 8,
    "undo-warehouse-database-recovery": 10,
}


@pytest.fixture(scope="module")
def results() -> dict[str, ScenarioResult]:
    return {path.stem: rehearse(load(path)) for path in find(())}


def test_every_scenario_ends_as_it_says(results: dict[str, ScenarioResult]) -> None:
    assert {name: one.missed for name, one in results.items() if one.missed} == {}


def test_what_a_run_says_is_owed_is_what_nobody_has_seen_done(results: dict[str, ScenarioResult]) -> None:
    for name, one in results.items():
        said = {(host, each.key) for host, each in one.runs[-1].state.owed} if one.runs else set()
        assert said <= {(each.host, each.key) for each in one.owed}, name


def test_a_scenario_s_file_bears_its_name(results: dict[str, ScenarioResult]) -> None:
    assert [name for name, one in results.items() if one.spec.name != name] == []


def test_every_branch_of_the_runbooks_was_taken(results: dict[str, ScenarioResult]) -> None:
    found = {one.runbook: one for one in coverage(run for one in results.values() for run in one.runs)}
    missed = {name: (one.steps_missed, one.branches_missed) for name, one in found.items() if not one.is_complete}
    assert missed == {}
    assert [name for name, least in BRANCHES.items() if found[name].branches < least] == []


def test_coverage_names_what_was_not_reached(results: dict[str, ScenarioResult]) -> None:
    (alone,) = coverage(results["time-out-config-file-is-enough"].runs)
    assert "reboot" in alone.steps_missed
    assert "start_timeout: condition true" in alone.branches_missed
    assert "start_timeout: condition false" not in alone.branches_missed
    assert "config_file: approval denied" in alone.branches_missed


def test_check_mode_takes_no_branch(results: dict[str, ScenarioResult]) -> None:
    assert coverage(results["time-out-check-mode"].runs) == ()


def test_a_restart_that_never_returns_costs_twenty_minutes_of_lab_time_only(results: dict[str, ScenarioResult]) -> None:
    assert results["time-out-restart-never-returns"].lab_s > 1200
