"""Long SQL operations in whole runs on the lab's estate: a loss on the way does not end them, and none runs twice."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.app.scenario import ScenarioResult, rehearse
from engine.app.scenario_find import load

RUNBOOK: dict[str, Any] = {
    "schema": "runbook/v1",
    "name": "jobs",
    "version": "1.0.0",
    "title": "Jobs",
    "purpose": "Copy databases aside and check them.",
    "sources": ["move-databases"],
    "hosts": {"sql": {"pattern": "service_manager_databases", "exactly": 1}},
    "steps": [
        {
            "id": "copy",
            "name": "Copy",
            "action": "mssql.backup_copy_only",
            "hosts": "sql",
            "with": {"databases": ["ServiceManager"], "folder": "D:\\Safety", "label": "one"},
        },
        {
            "id": "check",
            "name": "Check",
            "action": "mssql.check_integrity",
            "hosts": "sql",
            "with": {"databases": ["ServiceManager"]},
        },
    ],
}
FRAMES = 30
"""More than the scripts that both steps send."""


def run(folder: Path, expect: dict[str, Any], *, attempts: int = 1, **more: Any) -> ScenarioResult:
    retry = {"retry": {"attempts": attempts, "delay": "1s"}} if attempts > 1 else {}
    steps = [{**one, **retry} for one in RUNBOOK["steps"]]
    (folder / "jobs.yaml").write_text(yaml.safe_dump({**RUNBOOK, "steps": steps}, sort_keys=False))
    scenario = {
        "schema": "scenario/v1",
        "name": "jobs",
        "title": "Jobs",
        "runbook": "jobs.yaml",
        "estate": "healthy",
        "expect": expect,
        **more,
    }
    (folder / "scenario.yaml").write_text(yaml.safe_dump(scenario, sort_keys=False))
    return rehearse(load(folder / "scenario.yaml"))


WELL = {"exit_code": 0, "steps": {"copy": "changed", "check": "ok"}}


@pytest.mark.parametrize("frame", ["never", "mssql_job.start.ps1", "mssql_job.poll.ps1"])
def test_a_connection_that_drops_during_a_job(tmp_path: Path, frame: str) -> None:
    ended = run(tmp_path, WELL, faults={"SQL01": {"drop_on_frame": frame}})
    assert ended.missed == (), ended.summary


def test_a_connection_that_drops_at_any_moment(tmp_path: Path) -> None:
    """Whatever was asked then: a second attempt at most, the copy is made once, and its file is good."""
    words = []
    for count in range(1, FRAMES + 1):
        ended = run(tmp_path, WELL, attempts=2, faults={"SQL01": {"drop_after_sends": count}})
        words.append("" if ended.missed == () else f"{count}: {ended.summary}")
    assert [one for one in words if one] == []
