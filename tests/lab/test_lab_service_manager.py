"""The Service Manager actions on the lab's estate: what they see follows from causes, what they change has effects."""

from collections.abc import Mapping
from typing import Any

import pytest
from sql_drive import carry_out, look

from engine.lab import machine_services as scm
from engine.lab.clock import iso
from engine.lab.estate import RTM, SP1, Estate, build_estate
from engine.lab.estate_products import KEY_FOLDER, ORIGINAL_MEDIA, PACK_FOLDER, UPGRADE_MEDIA
from engine.lab.machine import Machine
from engine.lab.machine_services import Account
from engine.lab.pwsh_state import state_of, take_over
from engine.model.command import Script
from engine.model.result import Change, Refuse, Unchanged


@pytest.fixture
def estate() -> Estate:
    return build_estate("healthy")


def see(machine: Machine, name: str, **args: Any) -> Unchanged:
    """What the action sees, which must be as it wants it."""
    decision = carry_out(machine, name, args)
    assert isinstance(decision, Unchanged), decision
    return decision


def refused(machine: Machine, name: str, **args: Any) -> str:
    """Why the action refuses."""
    decision = carry_out(machine, name, args)
    assert isinstance(decision, Refuse), decision
    return decision.why


def change(machine: Machine, name: str, **args: Any) -> Change:
    """Carry out what the action decides, and see that it took."""
    decision = carry_out(machine, name, args)
    assert isinstance(decision, Change), decision
    apply(machine, decision.commands)
    see(machine, name, **args)
    return decision


def apply(machine: Machine, commands: tuple[Any, ...]) -> None:
    for command in commands:
        assert isinstance(command, Script)
        answer = look(machine, command)
        assert answer.ok, answer


def failure(machine: Machine, name: str, **args: Any) -> str:
    """The error of a look that fails."""
    with pytest.raises(AssertionError) as raised:
        carry_out(machine, name, args)
    return str(raised.value)


def test_stopped_services_close_the_port_and_give_no_packs(estate: Estate) -> None:
    server, warehouse = estate.machines["SM01"], estate.machines["DW01"]
    assert see(server, "service_manager.services").proofs == ("services-running",)
    see(warehouse, "windows.tcp_port", computer="sm01.contoso.lab", port=5724, expect="open")
    done = change(server, "service_manager.services", state="stopped")
    assert see(server, "service_manager.services").proofs == ("services-stopped",)
    see(warehouse, "windows.tcp_port", computer="SM01", port=[5724], expect="closed")
    assert "Data Access service is either not running" in failure(server, "service_manager.management_packs")
    apply(server, done.undo)
    assert see(server, "service_manager.services").proofs == ("services-running",)
    assert see(server, "service_manager.management_packs", min_count=3).proofs == ("management-packs-readable",)


def test_a_silent_computer_is_not_one_that_refuses(estate: Estate) -> None:
    asking, server = estate.machines["SM02"], estate.machines["SM01"]
    server.blocked_ports.add(5724)
    assert "port 5724 is silent" in refused(asking, "windows.tcp_port", computer="SM01", port=5724, expect="open")
    see(server, "windows.tcp_port", computer="localhost", port=5724, expect="open")
    assert "not found" in refused(asking, "windows.tcp_port", computer="SM09", port=5724, expect="closed")


def test_accounts_that_log_on_and_one_that_does_not_any_more(estate: Estate) -> None:
    server = estate.machines["SM01"]
    assert see(server, "windows.account_logon").proofs == ("accounts-log-on",)
    service = server.services.get("OMCFG")
    assert service is not None
    scm.stop(server, service)
    assert "nothing tells" in refused(server, "windows.account_logon", services=["OMCFG"])
    see(server, "windows.account_logon", services=["OMCFG"], require_running=False)
    account = server.account(service.account)
    assert isinstance(account, Account)
    account.locked = True
    assert scm.start(server, service) == scm.LOGON_FAILED
    assert "could not log on" in refused(server, "windows.account_logon", services=["OMCFG"])
    # The account is that of the service that still runs, so its next start would fail, too.
    assert "OMSDK could not log on" in refused(server, "windows.account_logon", services=["OMSDK"])
    account.locked = False
    assert scm.start(server, service) == 0
    see(server, "windows.account_logon", services=["OMCFG"])


def test_unsealed_packs_come_back_from_their_export(estate: Estate) -> None:
    server, second = estate.machines["SM01"], estate.machines["SM02"]
    server.files.make_folder("C:\\Export")
    done = change(server, "service_manager.export_management_packs", path="C:\\Export")
    assert done.result["packs"] == [{"name": "Contoso.Incidents", "version": "1.0.0.7"}]
    assert server.files.get("C:\\Export\\Contoso.Incidents.xml") is not None
    product = server.product
    assert product is not None
    assert product.store is not None
    database = product.store.at()
    assert database is not None
    del database.management_packs["Contoso.Incidents"]
    assert see(second, "service_manager.management_packs").result["unsealed"] == []
    change(server, "service_manager.import_management_packs", path="C:\\Export")
    assert see(second, "service_manager.management_packs").result["unsealed"] == done.result["packs"]
    apply(server, done.undo)
    assert server.files.get("C:\\Export\\Contoso.Incidents.xml") is None


def test_packs_of_a_database_that_is_restoring_cannot_be_read(estate: Estate) -> None:
    sql = estate.machines["SQL01"].sql
    assert sql is not None
    sql.databases["ServiceManager"].state = "RESTORING"
    assert "Data Access service" in failure(estate.machines["SM01"], "service_manager.management_packs")
    assert see(estate.machines["DW01"], "service_manager.management_packs").proofs == ("management-packs-readable",)


def test_an_upgrade_leaves_the_packs_of_the_customer_at_their_versions() -> None:
    estate = build_estate("database-changed")
    result = see(estate.machines["SM02"], "service_manager.management_packs").result
    assert result["unsealed"] == [{"name": "Contoso.Incidents", "version": "1.0.0.7"}]
    see(estate.machines["SM02"], "service_manager.import_management_packs", path=PACK_FOLDER)


def test_schedules_go_off_and_the_running_job_ends(estate: Estate) -> None:
    server = estate.machines["DW01"]
    product = server.product
    assert product is not None
    product.jobs["MPSyncJob"].until = server.clock.now() + 600.0
    before: Mapping[str, Any] = see(server, "service_manager.warehouse_jobs").result
    done = change(server, "service_manager.warehouse_jobs", schedules="disabled")
    assert see(server, "service_manager.warehouse_jobs").proofs == ("schedules-off",)
    assert "MPSyncJob is Running" in refused(server, "service_manager.warehouse_jobs", expect_idle=True)
    server.clock.advance(600.0)
    assert see(server, "service_manager.warehouse_jobs", expect_idle=True).proofs == ("warehouse-idle", "schedules-off")
    apply(server, done.undo)
    assert see(server, "service_manager.warehouse_jobs").result["enabled"] == before["enabled"]


def test_a_management_server_has_no_warehouse_module(estate: Estate) -> None:
    assert "Warehouse.Cmdlets.psd1 is not there" in failure(estate.machines["SM01"], "service_manager.warehouse_jobs")


def test_a_key_backup_counts_only_from_before_the_upgrade() -> None:
    estate = build_estate("upgrade-failed")
    server = estate.machines["SM01"]
    assert estate.upgrade_started_at is not None
    args = {"path": f"{KEY_FOLDER}\\SM01.bin", "before": iso(estate.upgrade_started_at)}
    decision = see(server, "service_manager.key_backup", **args)
    assert decision.proofs == ("key-backed-up",)
    assert decision.result["installed_by"] == "program-folder"
    late = {**args, "path": "C:\\late.bin"}
    server.files.write("C:\\late.bin", b"SMKEY SM01", modified=server.clock.now())
    assert "not before the upgrade began" in refused(server, "service_manager.key_backup", **late)
    assert "it holds another key" in refused(
        server, "service_manager.key_backup", **args, installed_after=iso(estate.upgrade_started_at - 60.0)
    )


def test_the_media_are_told_apart_by_their_version(estate: Estate) -> None:
    server = estate.machines["SM01"]
    original, upgrade = (one.rpartition("\\")[0] for one in (ORIGINAL_MEDIA, UPGRADE_MEDIA))
    assert see(server, "service_manager.media", path=original, version=RTM).proofs == ("media-reachable",)
    assert f"holds version {SP1}" in refused(server, "service_manager.media", path=upgrade, version=RTM)
    assert "a share can look absent" in refused(server, "service_manager.media", path="\\\\files\\media")


def test_a_host_is_known_by_its_name_and_domain(estate: Estate) -> None:
    server = estate.machines["SM01"]
    see(server, "service_manager.identity", computer="SM01", domain="contoso.lab")
    assert "recorded SM02" in refused(server, "service_manager.identity", computer="SM02", domain="contoso.lab")


def test_the_registration_lives_in_the_database(estate: Estate) -> None:
    machine = estate.machines["SQL01"]
    decision = see(machine, "service_manager.warehouse_source", server="dw01")
    assert decision.proofs == ("warehouse-registered",)
    assert machine.sql is not None
    machine.sql.databases["ServiceManager"].warehouses.clear()
    assert "no data warehouse" in refused(machine, "service_manager.warehouse_source")
    assert "Cannot open database" in failure(machine, "service_manager.warehouse_source", database="Gone")


def test_what_a_powershell_only_knew_of_is_not_written_back(estate: Estate) -> None:
    server = estate.machines["DW01"]
    product = server.product
    assert product is not None
    before = state_of(server)
    product.jobs["MPSyncJob"].scheduled = False
    take_over(server, before, before)
    assert product.jobs["MPSyncJob"].scheduled is False
    first = estate.machines["SM01"]
    known, sql = state_of(first), estate.machines["SQL01"].sql
    assert sql is not None
    sql.databases["ServiceManager"].management_packs.pop("Contoso.Incidents")
    take_over(first, known, known)
    assert see(first, "service_manager.management_packs").result["unsealed"] == []
