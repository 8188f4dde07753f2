"""Settings of a SQL Server set by whole runs on the lab's estate, also when the answer to a change is lost."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.app.scenario import ScenarioResult, rehearse
from engine.app.scenario_find import load

RUNBOOK: dict[str, Any] = {
    "schema": "runbook/v1",
    "name": "settings",
    "version": "1.0.0",
    "title": "Settings",
    "purpose": "Set what a restore leaves unset.",
    "sources": ["move-databases"],
    "hosts": {"sql": {"pattern": "service_manager_databases", "exactly": 1}},
}
OFF = {"databases": ["ServiceManager"], "broker": False}
ON = {"databases": ["ServiceManager"], "broker": True, "access": "multi_user"}
NEW = {
    "database": "ServiceManager",
    "state": "present",
    "create_logins": True,
    "members": [{"login": "CONTOSO\\new", "roles": ["sdk_users", "db_datareader"]}],
}


def step(name: str, action: str, with_: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "action": action, "hosts": "sql", "with": with_, **more}


def run(folder: Path, steps: list[dict[str, Any]], expect: dict[str, Any], **more: Any) -> ScenarioResult:
    (folder / "settings.yaml").write_text(yaml.safe_dump({**RUNBOOK, "steps": steps}, sort_keys=False))
    scenario = {
        "schema": "scenario/v1",
        "name": "settings",
        "title": "Settings",
        "runbook": "settings.yaml",
        "estate": "healthy",
        "expect": expect,
        **more,
    }
    (folder / "scenario.yaml").write_text(yaml.safe_dump(scenario, sort_keys=False))
    ended = rehearse(load(folder / "scenario.yaml"))
    assert ended.missed == (), ended.summary
    return ended


def test_everything_is_set_once(tmp_path: Path) -> None:
    steps = [
        step("off", "mssql.database_option", OFF),
        step("on", "mssql.database_option", ON),
        step("again", "mssql.database_option", ON),
        step("clr_off", "mssql.server_option", {"option": "clr enabled", "value": 0}),
        step("clr", "mssql.server_option", {"option": "clr enabled", "value": 1}),
        step("roles", "mssql.role_members", NEW),
        step("roles_again", "mssql.role_members", NEW),
        step("messages", "mssql.user_messages", {"minimum": 40}),
        step("workflows", "service_manager.promote", {"databases": ["ServiceManager"]}),
        step("task", "windows.scheduled_task", {"name": "wait", "command": "timeout /t 90"}),
    ]
    changed = dict.fromkeys(("off", "on", "clr_off", "clr", "roles", "task"), "changed")
    unchanged = dict.fromkeys(("again", "roles_again", "messages", "workflows"), "ok")
    run(tmp_path, steps, {"exit_code": 0, "steps": {**changed, **unchanged}})


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("mssql.database_option", OFF),
        ("mssql.role_members", NEW),
        ("mssql.server_option", {"option": "clr enabled", "value": 0}),
    ],
)
def test_a_lost_answer_is_settled_by_another_look(tmp_path: Path, action: str, args: dict[str, Any]) -> None:
    """The change was made; a second look says so, and nothing is sent twice."""
    steps = [step("first", action, args), step("then", action, args)]
    faults = {"SQL01": {"drop_on_frame": "mssql_apply.ps1"}}
    run(tmp_path, steps, {"exit_code": 0, "steps": {"first": "changed", "then": "ok"}}, faults=faults)


PROMOTION = step("promote", "service_manager.promote", {"databases": ["ServiceManager"], "server": "sm02.contoso.lab"})


def test_nobody_is_promoted_without_a_safety_copy(tmp_path: Path) -> None:
    ended = run(tmp_path, [PROMOTION], {"exit_code": 3})
    assert "needs the proof safety-copied" in ended.summary


@pytest.mark.parametrize("faults", [{}, {"SQL01": {"drop_on_frame": "mssql_apply.ps1"}}])
def test_a_second_server_is_promoted_after_a_safety_copy(tmp_path: Path, faults: dict[str, Any]) -> None:
    """Also when the answer is lost: the database says who runs the workflows, and nobody is promoted twice."""
    copy = {"databases": ["ServiceManager"], "folder": "D:\\Safety", "label": "before-promotion"}
    steps = [
        step("copy", "mssql.backup_copy_only", copy),
        PROMOTION,
        {**PROMOTION, "id": "again"},
    ]
    more = {"faults": faults} if faults else {}
    run(tmp_path, steps, {"exit_code": 0, "steps": {"copy": "changed", "promote": "changed", "again": "ok"}}, **more)
