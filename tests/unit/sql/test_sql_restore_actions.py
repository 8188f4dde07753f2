"""The restoring actions on a lab machine without an engine: every command they decide on is carried out there."""

from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from engine.actions import load_actions
from engine.lab import machine_sql_jobs as jobs
from engine.lab.estate import Estate, build_estate
from engine.lab.machine import Machine
from engine.lab.machine_services import STOPPED
from engine.lab.machine_sql import Database
from engine.model.command import Detached
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Refuse, Unchanged
from tests.support.sql_drive import carry_out, filled, look, looks, send

SM = "ServiceManager"
HOST = HostView(name="SQL01", platform="windows")
STAGED = {"databases": [SM], "data_folder": "D:\\Staged", "log_folder": "L:\\Staged"}


def apply(machine: Machine, decision: Decision, stop_after: int = 1000) -> list[CommandResult]:
    """Carry a change out, up to its first failure."""
    assert isinstance(decision, Change), decision
    applied = []
    for command in decision.commands[:stop_after]:
        applied.append(send(machine, command))
        if not applied[-1].ok:
            break
    return applied


@pytest.fixture
def estate() -> Estate:
    return build_estate("database-changed")


@pytest.fixture
def machine(estate: Estate) -> Machine:
    return estate.machines["SQL01"]


def chain(estate: Estate) -> dict[str, Any]:
    assert estate.upgrade_started_at is not None
    before = datetime.fromtimestamp(estate.upgrade_started_at, UTC).isoformat()
    found = carry_out(estate.machines["SQL01"], "mssql.backup_chain", {"databases": [SM], "before": before})
    assert isinstance(found, Unchanged)
    return {"databases": [SM], "sets": found.result["sets"], "before": before}


def stop_services(estate: Estate) -> None:
    for name in ("SM01", "SM02"):
        for service in estate.machines[name].services:
            service.state = STOPPED


def database(machine: Machine, name: str = SM) -> Database:
    assert machine.sql is not None
    return machine.sql.databases[name]


def valid(name: str, decision: Decision) -> None:
    jsonschema.validate(decision.result, load_actions()[name].info.result)


def test_a_snapshot_stands_in_the_way_before_anything_is_sent(estate: Estate, machine: Machine) -> None:
    args = {**chain(estate), "replace": True}
    stop_services(estate)
    change = carry_out(machine, "mssql.restore_database", args)
    assert machine.sql is not None
    machine.sql.add(Database(name="before the upgrade", snapshot_of=SM))
    told = apply(machine, change)[-1]
    assert "has database snapshots" in told.errors[0].message
    for name in ("mssql.restore_progress", "mssql.restore_database"):
        decision = carry_out(machine, name, args)
        assert isinstance(decision, Refuse)
        assert decision.why.endswith("ServiceManager on SQL01 has before the upgrade")
        valid(name, decision)
    del machine.sql.databases["before the upgrade"]
    apply(machine, carry_out(machine, "mssql.restore_database", args))
    machine.sql.add(Database(name="before the upgrade", snapshot_of=SM))
    assert isinstance(carry_out(machine, "mssql.restore_progress", args), Unchanged)
    assert isinstance(carry_out(machine, "mssql.restore_database", args), Unchanged)


def test_a_database_is_brought_back_once(estate: Estate, machine: Machine) -> None:
    args = {**chain(estate), "replace": True}
    stop_services(estate)
    first = carry_out(machine, "mssql.restore_database", args)
    valid("mssql.restore_database", first)
    apply(machine, first)
    assert (database(machine).product_version, database(machine).broker_enabled) == ("7.5.1561.0", False)
    again = carry_out(machine, "mssql.restore_database", args)
    assert isinstance(again, Unchanged)
    assert again.proofs == ("restored",)
    valid("mssql.restore_database", again)
    assert machine.sql is not None
    assert len(machine.sql.history.restorehistory) == 3


def test_a_second_failed_upgrade_is_restored_again(estate: Estate, machine: Machine) -> None:
    args = {**chain(estate), "replace": True}
    stop_services(estate)
    apply(machine, carry_out(machine, "mssql.restore_database", args))
    machine.clock.advance(3600.0)
    later = {**args, "before": datetime.fromtimestamp(machine.clock.now(), UTC).isoformat()}
    apply(machine, carry_out(machine, "mssql.restore_database", later))
    assert isinstance(carry_out(machine, "mssql.restore_database", later), Unchanged)
    assert machine.sql is not None
    assert len(machine.sql.history.restorehistory) == 6


def test_a_service_that_runs_fails_the_restore_and_nothing_changes(estate: Estate, machine: Machine) -> None:
    applied = apply(machine, carry_out(machine, "mssql.restore_database", {**chain(estate), "replace": True}))
    assert "Exclusive access could not be obtained" in applied[-1].errors[0].message
    assert (database(machine).state, database(machine).product_version) == ("ONLINE", "7.5.2905.0")


@pytest.mark.parametrize("done", [2, 4])
def test_a_chain_that_was_broken_off_goes_on(estate: Estate, machine: Machine, done: int) -> None:
    args = {**chain(estate), "replace": True}
    stop_services(estate)
    apply(machine, carry_out(machine, "mssql.restore_database", args), stop_after=done)
    rest = carry_out(machine, "mssql.restore_database", args)
    assert isinstance(rest, Change)
    assert len(rest.commands) == 6 - done
    apply(machine, rest)
    assert isinstance(carry_out(machine, "mssql.restore_database", args), Unchanged)
    assert machine.sql is not None
    assert len(machine.sql.history.restorehistory) == 3


def test_a_restore_at_work_is_found_and_not_begun_again(estate: Estate, machine: Machine) -> None:
    args = {**chain(estate), "replace": True}
    stop_services(estate)
    first = carry_out(machine, "mssql.restore_database", args)
    assert isinstance(first, Change)
    begun = first.commands[1]
    assert isinstance(begun, Detached)
    assert look(machine, begun.start).value == {"begun": True}
    again = carry_out(machine, "mssql.restore_database", args)
    assert isinstance(again, Change)
    assert send(machine, again.commands[0]).value == {"forgotten": False}
    assert look(machine, begun.start).value == {"begun": False}
    apply(machine, again)
    assert database(machine).product_version == "7.5.1561.0"


def test_a_restore_whose_process_was_ended_begins_anew(estate: Estate, machine: Machine) -> None:
    args = {**chain(estate), "replace": True}
    stop_services(estate)
    first = carry_out(machine, "mssql.restore_database", args)
    assert isinstance(first, Change)
    begun = first.commands[1]
    assert isinstance(begun, Detached)
    look(machine, begun.start)
    jobs.kill(machine, str(begun.poll.arguments["key"]))
    told: Any = look(machine, begun.poll).value
    assert told["state"] == "unknown"
    assert database(machine).state == "RESTORING"
    anew = carry_out(machine, "mssql.restore_database", args)
    assert isinstance(anew, Change)
    assert len(anew.commands) == 6
    apply(machine, anew)
    assert isinstance(carry_out(machine, "mssql.restore_database", args), Unchanged)


def test_a_restart_ends_a_restore(estate: Estate, machine: Machine) -> None:
    args = {**chain(estate), "replace": True}
    stop_services(estate)
    first = carry_out(machine, "mssql.restore_database", args)
    assert isinstance(first, Change)
    begun = first.commands[1]
    assert isinstance(begun, Detached)
    look(machine, begun.start)
    machine.restart(0.0)
    machine.clock.advance(1.0)
    machine.settle()
    machine.clock.advance(machine.boot_s + 1.0)
    machine.settle()
    told: Any = look(machine, begun.poll).value
    assert told["state"] == "unknown"
    assert (database(machine).state, database(machine).rolling) == ("RESTORING", None)


def test_a_copy_is_staged_measured_and_dropped(estate: Estate, machine: Machine) -> None:
    args = {**STAGED, **chain(estate), "versions": {SM.lower(): "7.5.1561.0"}}
    del args["before"]
    action = load_actions()["mssql.stage_restore"]
    first = carry_out(machine, "mssql.stage_restore", args)
    assert isinstance(first, Change)
    assert [one.key for one in first.owes] == [f"staged-database({SM}_staged)"]
    valid("mssql.stage_restore", first)
    looked = looks(machine, "mssql.stage_restore", args)
    applied = apply(machine, first)
    verdict = action.verify(
        filled("mssql.stage_restore", args), HOST, looked, applied, looks(machine, "mssql.stage_restore", args)
    )
    assert isinstance(verdict, Unchanged)
    assert verdict.proofs == ("restorable",)
    valid("mssql.stage_restore", verdict)
    one: Any = verdict.result["databases"]
    assert one[SM]["seconds"] > 3.0
    assert one[SM]["version"] == "7.5.1561.0"
    assert verdict.result["seconds"] == one[SM]["seconds"]
    assert database(machine).product_version == "7.5.2905.0"
    assert database(machine, f"{SM}_staged").broker_enabled is False
    assert isinstance(carry_out(machine, "mssql.check_integrity", {"databases": [f"{SM}_staged"]}), Unchanged)
    away = {**STAGED, "state": "absent"}
    apply(machine, carry_out(machine, "mssql.stage_restore", away))
    gone = carry_out(machine, "mssql.stage_restore", away)
    assert isinstance(gone, Unchanged)
    assert gone.pays == (f"staged-database({SM}_staged)",)
    apply(machine, carry_out(machine, "mssql.stage_restore", args))
    apply(machine, Change(why="", before="", after="", commands=first.undo))
    assert machine.sql is not None
    assert f"{SM}_staged" not in machine.sql.databases


def test_an_older_copy_of_ours_is_replaced(estate: Estate, machine: Machine) -> None:
    args = {**STAGED, **chain(estate)}
    del args["before"]
    only_full = {**args, "sets": args["sets"][:1]}
    apply(machine, carry_out(machine, "mssql.stage_restore", only_full))
    free = machine.volumes["D:\\"].free
    newer = carry_out(machine, "mssql.stage_restore", args)
    assert isinstance(newer, Change)
    apply(machine, newer)
    assert isinstance(carry_out(machine, "mssql.stage_restore", args), Unchanged)
    assert machine.volumes["D:\\"].free == free


def test_a_copy_of_somebody_else_is_never_dropped(machine: Machine) -> None:
    assert machine.sql is not None
    machine.sql.add(Database(name=f"{SM}_staged"))
    decision = carry_out(machine, "mssql.stage_restore", {**STAGED, "state": "absent"})
    assert isinstance(decision, Unchanged)
    assert decision.pays == ()
    assert "is left alone" in decision.why


def test_damage_inside_is_found_by_checkdb(machine: Machine) -> None:
    database(machine).damaged_pages = 2
    decision = carry_out(machine, "mssql.check_integrity", {"databases": [SM, "msdb"]})
    assert isinstance(decision, Refuse)
    assert "CHECKDB found 0 allocation errors and 2 consistency errors" in decision.why
    valid("mssql.check_integrity", decision)
    found: Any = decision.result["databases"]
    assert (found[SM]["sound"], found["msdb"]["sound"]) == (False, True)
