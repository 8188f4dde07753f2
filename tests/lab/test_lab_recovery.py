"""The whole recovery over true WinRM and SSH; also with a real PowerShell behind every shell."""

import os
from pathlib import Path

import pytest

from engine.app import lab as use_case
from engine.app import plan as planning
from engine.app import run as running
from engine.app.request import PlanRequest, RunRequest
from engine.execute.messages import Interrupts
from engine.lab.pwsh import find_powershell
from engine.model.event import RunEvent, StepRunEnded

TO = "7.5.2905.0"
needs_powershell = pytest.mark.skipif(
    find_powershell() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"
)


class Collected:
    """Keeps every event."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []

    def handle(self, event: RunEvent) -> None:
        self.events.append(event)

    def close(self) -> None:
        pass


def recover(folder: Path, variant: str, interpreter: str = "emulated") -> tuple[int, dict[str, str], use_case.Lab]:
    """Run the shipped runbook on a lab estate: exit code, status by step run, the estate as it is then."""
    lab = use_case.up(folder / "lab", variant=variant, speed=200, interpreter=interpreter)
    try:
        source = PlanRequest(
            runbook="configuration-service-timeout", inventory=str(lab.inventory), baseline=str(lab.baseline)
        )
        planned = planning.make(source)
        sink = Collected()
        listeners = running.Listeners(
            sinks=lambda plan: (sink,),
            person=lambda plan: use_case.LabOperator(estate=lab.estate),
            interrupts=Interrupts(),
        )
        result = running.start(planned, RunRequest(state=folder, operator="tester"), listeners, source)
    finally:
        lab.stop()
    ended = [one for one in sink.events if isinstance(one, StepRunEnded)]
    return result.stopped.exit_code, {f"{one.step}@{one.host}": one.status.value for one in ended}, lab


def builds(lab: use_case.Lab) -> set[str]:
    sql = lab.estate.machines["SQL01"].sql
    assert sql is not None
    return {str(one.product_version) for one in sql.databases.values() if one.product_version}


def test_the_config_file_is_cure_enough(tmp_path: Path) -> None:
    code, status, lab = recover(tmp_path, "upgrade-failed")
    assert code == 0
    assert status["config_file@SM01"] == "changed"
    assert status["reboot@SM01"] == "skipped"
    assert builds(lab) == {TO}


def test_the_time_out_is_raised_and_takes_effect_at_the_boot(tmp_path: Path) -> None:
    code, status, lab = recover(tmp_path, "slow")
    assert code == 0
    assert status["start_timeout@SM01"] == status["reboot@SM01"] == "changed"
    assert builds(lab) == {TO}


def test_a_slower_service_needs_the_second_value(tmp_path: Path) -> None:
    code, status, lab = recover(tmp_path, "very-slow")
    assert code == 0
    assert status["starts@SM01"] == "failed"
    assert status["start_timeout_again@SM01"] == status["reboot_again@SM01"] == "changed"
    assert builds(lab) == {TO}


@pytest.mark.parametrize(
    ("variant", "stops_at"),
    [("service-logon", "right_case@-"), ("database-changed", "untouched@SQL01"), ("healthy", "log_lines@SM01")],
)
def test_another_failure_is_refused_before_anything_is_changed(tmp_path: Path, variant: str, stops_at: str) -> None:
    code, status, _ = recover(tmp_path, variant)
    assert code == 1
    assert status[stops_at] == "failed"
    assert "changed" not in status.values()


@pytest.mark.pwsh
@needs_powershell
@pytest.mark.parametrize("stdin", ["", "2.0"])
def test_the_same_recovery_with_a_real_powershell_behind_every_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stdin: str
) -> None:
    if stdin:
        monkeypatch.setenv("PWSH_STDIN", stdin)
    assert os.environ.get("PWSH_STDIN", "") == stdin
    code, status, lab = recover(tmp_path, "slow", "pwsh")
    assert code == 0
    assert status["start_timeout@SM01"] == status["reboot@SM01"] == "changed"
    assert builds(lab) == {TO}
