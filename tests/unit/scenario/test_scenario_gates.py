"""Which proofs stand before what, in every shipped runbook: a second writing of the gates, so that none is lost unseen.

A scenario that is refused shows that somebody looked; the step that looks ends the run by itself. That the change could
not be reached without the look, whatever becomes of that step, is the gate's own promise, and is held here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from engine.actions import load_actions
from engine.model.packaged import root
from engine.model.status import Effect

SETUP = ["Setup.exe", "SetupWizard.exe", "msiexec.exe"]
INSTANCE = '{{ host.vars.sql_instance if "sql_instance" in host.vars else "" }}'
ON_SQL = ("mssql.", "service_manager.promote", "service_manager.versions", "service_manager.warehouse_source")

APPROVED = {"approval(operator)"}
UNCHANGED = {"baseline-unchanged(estate)"}
STOPPING = {*APPROVED, "setup-not-running(all_servers) 5m"}
OVERWRITING = {
    *STOPPING,
    "safety-copied(about) 1d",
    "services-stopped(estate) 5m",
    "consent(data-loss)",
}
RESTORING = {*OVERWRITING, "backup-verified(about) 2d", "key-backed-up(server) 2d", "password-held(key)"}
REINSTALLING = {
    "safety-copied(estate) 7d",
    "key-backed-up(server) 7d",
    "same-name(server) 4h",
    "media-reachable(server) 4h",
    "baseline-unchanged(sql) 4h",
    "services-stopped(all_servers) 4h",
    "setup-not-running(all_servers) 4h",
    "password-held(key)",
}
PROMOTING = {
    *APPROVED,
    "safety-copied(about) 1d",
    "services-stopped(failed) 1h",
    "services-stopped(second) 1h",
    "baseline-unchanged(sql) 4h",
    "baseline-unchanged(second) 4h",
    "setup-not-running(failed) 4h",
}
SERVER = {
    "stop_services": {*APPROVED, "setup-not-running(all_servers)", "baseline-unchanged(sql)"},
    "remove_role": REINSTALLING,
    "restore_key": REINSTALLING,
    "reinstall": REINSTALLING,
    "apply_update": {"safety-copied(estate) 7d", "baseline-unchanged(sql) 7d"},
}
DATABASES = {"schedules_off": STOPPING, "stop_services": STOPPING, "restore": RESTORING}
UNDOING = {"stop_services": STOPPING, "restore": {*OVERWRITING, "backup-verified(about) 1d"}}
GATES: Mapping[str, Mapping[str, set[str]]] = {
    "check-backups": {},
    "configuration-service-timeout": {
        "config_file": {*APPROVED, *UNCHANGED},
        "start_timeout": {*APPROVED, *UNCHANGED},
        "reboot": APPROVED,
        "value_stands": UNCHANGED,
        "start_timeout_again": {*APPROVED, *UNCHANGED},
        "reboot_again": APPROVED,
    },
    "database-recovery": DATABASES,
    "failed-before-permanent-changes": {},
    "management-server-recovery": {**SERVER, "import_packs": APPROVED},
    "predicted-check-failed": {},
    "prerequisite-check-failed": {},
    "promote-management-server": {
        "stop_services": {*APPROVED, "setup-not-running(failed)", "setup-not-running(second)"},
        "state_folder": {"services-stopped(second)"},
        "promote": PROMOTING,
    },
    "readiness": {"export_packs": APPROVED},
    "stage-restore": {"stage": {"backup-verified(about)"}},
    "undo-database-recovery": UNDOING,
    "undo-warehouse-database-recovery": UNDOING,
    "verify-recovery": {"recorded_schedules": APPROVED, "all_schedules": APPROVED},
    "warehouse-database-recovery": DATABASES,
    "warehouse-server-recovery": SERVER,
}
# What interrupts people at work, and what cannot be taken back; a nested runbook has its own gates.
DISRUPTIVE = {"stop_services", "remove_role"}
REHEARSING = {
    "names": "{{ params.databases }}",
    "before": "{{ params.upgrade_started_at }}",
    "data_folder": "{{ params.staging }}",
    "log_folder": "{{ params.staging }}",
}
REINSTALLED = {"label": "{{ params.label }}-reinstall", "retry_button": "missing", "verify": False}
# What a nested runbook is given otherwise than by its own name; every input that both know by one name is handed on.
HANDED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("database-recovery", "rehearsal"): REHEARSING,
    ("database-recovery", "reinstall"): {**REINSTALLED, "database": "{{ params.databases[0] }}"},
    ("warehouse-database-recovery", "rehearsal"): REHEARSING,
    ("warehouse-database-recovery", "reinstall"): {
        **REINSTALLED,
        "configuration_database": "{{ params.broker_databases[0] }}",
    },
}
PERMANENT = {"remove_role", "restore_key", "reinstall", "apply_update", "restore", "promote", "import_packs"}

Step = Mapping[str, Any]


def books() -> dict[str, Mapping[str, Any]]:
    """Every shipped runbook as it is written."""
    found = {}
    for path in sorted((root("runbooks") / "service-manager").iterdir(), key=str):
        if path.name.endswith(".yaml"):
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            if document["schema"].startswith("runbook/"):
                found[document["name"]] = document
    return found


BOOKS = books()
EVERY = pytest.mark.parametrize("name", BOOKS)


def steps(name: str) -> Iterator[tuple[str, Step]]:
    """Its steps by their ids."""
    yield from ((step["id"], step) for step in BOOKS[name]["steps"])


def told(requirement: str | Mapping[str, str]) -> str:
    """A requirement and how old its proof may be."""
    return requirement if isinstance(requirement, str) else f"{requirement['proof']} {requirement['max_age']}"


def test_no_runbook_is_left_out() -> None:
    assert set(GATES) == set(BOOKS)


@EVERY
def test_the_gates_are_those_of_this_table(name: str) -> None:
    found = {step_id: {told(one) for one in step["requires"]} for step_id, step in steps(name) if "requires" in step}
    assert found == GATES[name]


@EVERY
def test_nothing_permanent_is_without_a_gate(name: str) -> None:
    actions = load_actions()
    permanent = {
        step_id
        for step_id, step in steps(name)
        if step.get("effect") == "permanent"
        or (actions[step["action"]].info.effect is Effect.PERMANENT and _changes(actions[step["action"]].info, step))
    }
    assert permanent == {one for one, step in steps(name) if one in PERMANENT and step["action"] != "runbook"}
    assert permanent <= set(GATES[name])


def _changes(info: Any, step: Step) -> bool:
    return not info.changes_with or bool({*info.changes_with} & {*step.get("with", {})})


@EVERY
def test_what_a_recovery_was_given_reaches_the_runbook_that_it_runs(name: str) -> None:
    for step_id, step in steps(name):
        if step["action"] == "runbook":
            inner, given = step["with"]["name"], step["with"].get("params", {})
            by_name = {one for one in BOOKS[inner].get("params", {}) if one in BOOKS[name].get("params", {})}
            other = HANDED.get((name, step_id), {})
            if inner == "stage-restore":
                by_name -= {"databases"}  # which is a mapping there; ``names`` has the list
            assert given == {**{one: f"{{{{ params.{one} }}}}" for one in by_name}, **other}, step_id


@EVERY
def test_what_interrupts_people_says_so(name: str) -> None:
    for step_id, step in steps(name):
        if step_id in DISRUPTIVE:
            assert step["disruptive"], step_id


@EVERY
def test_every_look_for_setup_names_all_its_processes(name: str) -> None:
    params = BOOKS[name].get("params", {})
    for step_id, step in steps(name):
        if step["action"] == "windows.process":
            names = step["with"]["names"]
            known = params["setup_processes"]["default"] if names == "{{ params.setup_processes }}" else names
            assert known == SETUP, step_id
            assert step["with"]["expect"] == "absent", step_id


@EVERY
def test_a_setup_that_is_about_to_end_is_waited_for_before_anything_is_decided(name: str) -> None:
    for step_id, step in steps(name):
        if step_id == "setup_ended" and name != "verify-recovery":
            assert step["wait"] == {"until": "result.found == false", "every": "10s", "timeout": "10m"}


@EVERY
def test_every_question_to_sql_server_goes_to_the_instance_of_the_inventory(name: str) -> None:
    for step_id, step in steps(name):
        if step["action"].startswith(ON_SQL):
            assert step["with"]["instance"] == INSTANCE, step_id
