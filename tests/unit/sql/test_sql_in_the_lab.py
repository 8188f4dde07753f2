"""The actions that read a SQL Server, carried out on a lab machine whose backups really happened."""

from datetime import UTC, datetime

import jsonschema
import pytest

from engine.actions import load_actions
from engine.lab.clock import LabClock
from engine.lab.estate import build_estate
from engine.lab.estate_hosts import DW_DATABASES
from engine.lab.machine import Machine
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import Wish, back_up
from engine.model.result import Refuse, Unchanged
from tests.support.sql_drive import carry_out

START = 1362218400.0  # 2013-03-02T10:00:00Z
SM, DW = "ServiceManager", "DWStagingAndConfig"


@pytest.fixture
def machine() -> Machine:
    one = Machine("SQL01", LabClock(START, speed=None))
    one.sql = SqlInstance(zone=4)
    one.sql.add(Database(name=SM, product_version="7.5.1561.0", broker_enabled=True), Database(name=DW))
    return one


def at(machine: Machine) -> str:
    return datetime.fromtimestamp(machine.clock.now(), UTC).isoformat()


def nightly(machine: Machine, name: str = SM) -> str:
    """A full backup, work, a differential and two logs, an hour each; the moment after them."""
    for number, kind in enumerate("DLIL"):
        machine.clock.advance(3600.0)
        back_up(machine, name, [f"D:\\Backup\\{name}{number}.bak"], Wish(kind=kind))
    machine.clock.advance(60.0)
    return at(machine)


def test_a_chain_is_found_with_its_age(machine: Machine) -> None:
    decision = carry_out(machine, "mssql.backup_chain", {"databases": [SM], "before": nightly(machine)})
    assert isinstance(decision, Unchanged)
    assert decision.proofs == ("backup-chain",)
    assert decision.examined == 4
    jsonschema.validate(decision.result, load_actions()["mssql.backup_chain"].info.result)
    one = decision.result["databases"][SM]
    assert [own["kind"] for own in one["sets"]] == ["full backup", "differential backup", "log backup"]
    assert one["age_s"] == 60.0
    assert one["ends"] == "2013-03-02T14:00:00+00:00"
    assert one["rejected"][0]["why"] == "the chosen chain reaches a later time"


def test_backups_after_the_moment_do_not_count(machine: Machine) -> None:
    before = at(machine)
    nightly(machine)
    decision = carry_out(machine, "mssql.backup_chain", {"databases": [SM], "before": before})
    assert isinstance(decision, Refuse)
    assert "has no usable chain in 4 backup sets; of the newest, a log backup: it finished too late" in decision.why


def test_every_database_needs_a_chain_of_its_own(machine: Machine) -> None:
    before = nightly(machine)
    decision = carry_out(machine, "mssql.backup_chain", {"databases": [SM, DW], "before": before})
    assert isinstance(decision, Refuse)
    assert "DWStagingAndConfig has no backup on record" in decision.why
    jsonschema.validate(decision.result, load_actions()["mssql.backup_chain"].info.result)


def test_a_chain_that_is_too_old(machine: Machine) -> None:
    nightly(machine)
    machine.clock.advance(86400.0)
    args = {"databases": [SM], "before": at(machine), "max_age_s": 3600}
    decision = carry_out(machine, "mssql.backup_chain", args)
    assert isinstance(decision, Refuse)
    assert "its newest chain ends 86460 seconds before the moment, 3600 are allowed" in decision.why


def test_backups_of_a_newer_server_are_of_no_use(machine: Machine) -> None:
    before = nightly(machine)
    assert machine.sql is not None
    machine.sql.version = "10.0.2531.0"
    decision = carry_out(machine, "mssql.backup_chain", {"databases": [SM], "before": before})
    assert isinstance(decision, Refuse)
    assert "SQL Server 10.50.2500, which is newer than this one" in decision.why


@pytest.mark.parametrize("before", ["2013-03-02T10:00:00", "yesterday!", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_is_none_is_not_asked_about(machine: Machine, before: str) -> None:
    decision = carry_out(machine, "mssql.backup_chain", {"databases": [SM], "before": before})
    assert isinstance(decision, Refuse)
    assert decision.remedy == "Write it as 2013-03-02T09:00:00+01:00."


def test_an_instance_tells_both_rules(machine: Machine) -> None:
    for version, older, newer in (
        ("10.0.1600.22", False, False),
        ("10.00.2531.00", True, False),
        ("10.0.4000.0", True, False),
        ("10.0.5500.0", False, False),
        ("10.50.1600.1", True, False),
        ("10.50.2500.0", True, True),
        ("11.0.2100.60", False, True),
    ):
        assert machine.sql is not None
        machine.sql.version = version
        decision = carry_out(machine, "mssql.instance", {})
        assert isinstance(decision, Unchanged)
        assert decision.proofs == ()
        assert decision.result["is_2008_sp1_sp2_or_2008_r2"] is older, version
        assert decision.result["is_2008_r2_sp1_or_later"] is newer, version


def test_an_instance_is_held_to_what_is_expected(machine: Machine) -> None:
    good = {"minimum": "10.50.2500", "collation": "latin1_general_100_ci_as", "full_text": True, "clr_enabled": True}
    decision = carry_out(machine, "mssql.instance", good)
    assert isinstance(decision, Unchanged)
    assert decision.proofs == ("sql-instance-checked",)
    bad = {"minimum": "10.50.4000.0", "collation": "x", "full_text": False, "clr_enabled": False, "allow_updates": True}
    decision = carry_out(machine, "mssql.instance", bad)
    assert isinstance(decision, Refuse)
    assert decision.why == (
        "SQL Server 2008 R2 SP1, build 10.50.2500.0 on SQL01: 10.50.4000.0 or later is needed, "
        "its collation is Latin1_General_100_CI_AS and has to be x, full-text search is installed, "
        "the option clr enabled is on, the option allow updates is off"
    )


def test_a_database_is_described(machine: Machine) -> None:
    args = {"databases": ["servicemanager", DW], "state": "ONLINE", "clr_enabled": True}
    decision = carry_out(machine, "mssql.database", args)
    assert isinstance(decision, Unchanged)
    jsonschema.validate(decision.result, load_actions()["mssql.database"].info.result)
    one = decision.result["databases"][SM]
    assert (one["version"], one["broker_enabled"], one["owner"]) == ("7.5.1561.0", True, "sa")
    assert [file["path"] for file in one["files"]] == [
        "D:\\SQLData\\ServiceManager.mdf",
        "L:\\SQLLogs\\ServiceManager_log.ldf",
    ]
    assert decision.result["databases"][DW]["version"] is None
    assert decision.proofs == ("database-checked",)


def test_a_database_is_held_to_what_is_expected(machine: Machine) -> None:
    assert machine.sql is not None
    machine.sql.databases[DW].state = "RESTORING"
    args = {"databases": [SM, DW, "Gone"], "state": "ONLINE", "broker_enabled": False, "version": "7.5.2905.0"}
    decision = carry_out(machine, "mssql.database", args)
    assert isinstance(decision, Refuse)
    assert decision.why == (
        "2 of 3 databases are on SQL01: Gone does not exist; "
        "ServiceManager: its broker is on and has to be off; "
        "ServiceManager: its version is 7.5.1561.0 and has to be 7.5.2905.0; "
        "DWStagingAndConfig: its state is RESTORING and has to be ONLINE; "
        "DWStagingAndConfig: its version is unknown and has to be 7.5.2905.0"
    )


def test_a_name_may_have_to_be_free(machine: Machine) -> None:
    assert isinstance(carry_out(machine, "mssql.database", {"databases": ["New"], "exists": False}), Unchanged)
    decision = carry_out(machine, "mssql.database", {"databases": [SM], "exists": False})
    assert isinstance(decision, Refuse)
    assert decision.why == "1 of 1 databases are on SQL01: ServiceManager exists"


@pytest.mark.parametrize(("host", "names"), [("SQL01", (SM,)), ("SQL02", DW_DATABASES)])
def test_the_estate_has_backups_from_before_its_upgrade(host: str, names: tuple[str, ...]) -> None:
    estate = build_estate("upgrade-failed")
    one = estate.machines[host]
    assert estate.upgrade_started_at is not None
    before = datetime.fromtimestamp(estate.upgrade_started_at, UTC).isoformat()
    chain = carry_out(one, "mssql.backup_chain", {"databases": list(names), "before": before, "max_age_s": 7200})
    assert isinstance(chain, Unchanged), chain
    assert chain.examined == 5 * len(names)
    assert len(chain.result["sets"]) == 3 * len(names)
    given = {"sets": chain.result["sets"], "data_folder": "D:\\SQLData", "log_folder": "L:\\SQLLogs"}
    verified = carry_out(one, "mssql.verify_backup", given)
    assert isinstance(verified, Unchanged), verified
    assert verified.proofs == ("backup-verified",)
