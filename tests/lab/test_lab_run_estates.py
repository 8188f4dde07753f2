"""The whole recovery against every estate of the lab, the operator simulated: how it ends, and what it left undone."""

from pathlib import Path

import pytest

from engine.app import plan as planning
from engine.app import run as use_case
from engine.app.lab import LabOperator, up
from engine.app.report import report
from engine.app.request import PlanRequest, RunRequest
from engine.app.wiring import open_journal
from engine.execute.messages import Interrupts
from engine.model.report import Report

RUNBOOK = "configuration-service-timeout"


def recovered(folder: Path, estate: str) -> tuple[int, Report]:
    """The run's exit code, and its report."""
    lab = up(folder / "lab", variant=estate, speed=200)
    try:
        source = PlanRequest(runbook=RUNBOOK, inventory=str(lab.inventory), baseline=str(lab.baseline))
        operator = LabOperator(estate=lab.estate)
        listeners = use_case.Listeners(sinks=lambda plan: (), person=lambda plan: operator, interrupts=Interrupts())
        request = RunRequest(state=folder / "state", operator="tester")
        result = use_case.start(planning.make(source), request, listeners, source)
    finally:
        lab.stop()
    journal = open_journal(folder / "state")
    told = report(journal, result.run_id)
    journal.close()
    return result.stopped.exit_code, told


def statuses(told: Report) -> dict[str, str]:
    """Each step's status; where its hosts differ, all of theirs."""
    found: dict[str, set[str]] = {}
    for one in told.step_runs:
        found.setdefault(one.step, set()).add(one.status.value)
    return {step: " ".join(sorted(several)) for step, several in found.items()}


@pytest.mark.parametrize(
    ("estate", "code", "expected"),
    [
        # the config-file cure is enough
        (
            "upgrade-failed",
            0,
            {"config_file": "changed", "retry_first": "ok", "start_timeout": "skipped", "cured": "ok"},
        ),
        # it is not: the registry value and a reboot are
        ("slow", 0, {"config_file": "changed", "start_timeout": "changed", "reboot": "changed", "cured": "ok"}),
        # the first value is too small
        ("very-slow", 0, {"start_timeout": "changed", "start_timeout_again": "changed", "reboot_again": "changed"}),
        # the same 7009 and the same setup failure, but the account could not log on: nothing is touched
        ("service-logon", 1, {"right_case": "failed", "config_file": "cancelled", "reboot": "cancelled"}),
        # databases were upgraded before the failure: permanent changes, another runbook
        ("database-changed", 1, {"untouched": "failed ok", "config_file": "cancelled", "start_timeout": "cancelled"}),
    ],
)
def test_how_the_recovery_ends(estate: str, code: int, expected: dict[str, str], tmp_path: Path) -> None:
    ended, told = recovered(tmp_path, estate)
    found = statuses(told)
    assert (ended, {step: found[step] for step in expected}) == (code, expected), told.summary
    assert told.doubts == ()
    if code:
        assert told.changes == ()
