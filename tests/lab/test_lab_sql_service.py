"""A SQL Server answers while its Windows service runs, and what it was doing ends with the service."""

from engine.actions import load_actions
from engine.app.scenario_situation import arrange
from engine.lab import machine_services as scm
from engine.lab.behaviours.windows_tcp_port import observe as port
from engine.lab.estate import Estate, build_estate
from engine.lab.machine import Machine
from engine.lab.setup_checks import predicted
from engine.lab.setup_remedies import remedy
from engine.model.command import Detached, Script
from engine.model.inventory import HostView
from engine.model.result import Change, Refuse
from tests.lab.test_lab_sql_copies import ARGS, decide
from tests.support.sql_drive import filled, look

LOOK = {"database": "master", "query": "SELECT name FROM sys.databases"}


def healthy() -> tuple[Estate, Machine]:
    estate = build_estate("healthy")
    return estate, estate.machines["SQL01"]


def stop(machine: Machine) -> None:
    assert machine.sql is not None
    service = machine.services.get(machine.sql.service)
    assert service is not None
    assert scm.stop(machine, service) == 0


def start(machine: Machine) -> None:
    assert machine.sql is not None
    service = machine.services.get(machine.sql.service)
    assert service is not None
    assert scm.start(machine, service) == 0


def answers(machine: Machine) -> bool:
    """Whether a query gets its rows; what else tells of the server has to agree."""
    assert machine.sql is not None
    args = filled("mssql.query", {**LOOK, "instance": machine.sql.name})
    command = load_actions()["mssql.query"].observe(args, HostView(name=machine.name, platform="windows"), [])
    assert isinstance(command, Script)
    told = look(machine, command)
    assert told.ok or "network-related" in told.errors[0].message
    heard = port(machine, {"computer": machine.name, "ports": [1433], "timeout_ms": 100})
    assert isinstance(heard, dict)
    assert [one["open"] for one in heard["ports"]] == [told.ok]
    assert ("sqlservr.exe" in [one.name for one in machine.running()]) is told.ok
    return told.ok


def test_it_answers_while_its_service_runs() -> None:
    _, machine = healthy()
    assert answers(machine)
    stop(machine)
    assert not answers(machine)
    start(machine)
    assert answers(machine)


def test_it_answers_only_some_time_after_a_boot() -> None:
    _, machine = healthy()
    machine.restart(delay_s=1.0)
    machine.clock.advance(machine.boot_s + 2.0)
    machine.settle()
    assert machine.reachable()
    assert not answers(machine)
    machine.clock.advance(15.0)
    machine.settle()
    assert answers(machine)


def test_a_named_instance_has_a_service_of_its_own() -> None:
    estate, machine = healthy()
    arrange(estate, {"SQL01": {"sql": {"instance": "SCSM"}}}, "here")
    assert machine.services.get("MSSQLSERVER") is None
    assert answers(machine)
    stop(machine)
    assert not answers(machine)


def test_a_job_ends_with_the_service_and_nobody_knows_how_far_it_came() -> None:
    _, machine = healthy()
    decision = decide(machine, ARGS)
    assert isinstance(decision, Change)
    for command in decision.commands[:-1]:
        assert isinstance(command, Script)
        assert look(machine, command).ok
    job = decision.commands[-1]
    assert isinstance(job, Detached)
    assert look(machine, job.start).ok
    machine.clock.advance(0.1)
    stop(machine)
    told = look(machine, job.poll).value
    assert isinstance(told, dict)
    assert told["state"] == "unknown"
    start(machine)
    left = decide(machine, ARGS)
    assert isinstance(left, Refuse)
    assert "is there and" in left.why


def test_setup_cannot_reach_a_stopped_server_until_somebody_starts_it() -> None:
    estate, machine = healthy()
    assert list(predicted(estate.wizard.product)) == []
    stop(machine)
    found = list(predicted(estate.wizard.product))
    assert {one.kind for one in found} == {"database"}
    remedy(found[0])
    assert list(predicted(estate.wizard.product)) == []
    assert answers(machine)
