"""Settings sent by the real payload in a real PowerShell behind the lab's WinRM, and carried out by the lab's model."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.actions import load_actions
from engine.connections import connect
from engine.lab.clock import LabClock
from engine.lab.estate import OPERATOR, Estate, build_estate
from engine.lab.pwsh import find_powershell
from engine.lab.pwsh_machine import PwshMachine
from engine.lab.serve import LabServers, ServedHost
from engine.model.command import Script
from engine.model.inventory import Host, HostView
from engine.model.origin import Origin
from engine.model.result import Change, CommandResult, Decision, Unchanged
from engine.model.secret import Secret, SecretRef
from engine.ports.connection import Connection
from tests.support.twin import NO_POWERSHELL

pytestmark = [pytest.mark.pwsh, pytest.mark.skipif(find_powershell() is None, reason=NO_POWERSHELL)]
VIEW = HostView(name="SQL01", platform="windows")


@pytest.fixture(scope="module")
def estate() -> Estate:
    return build_estate("healthy", clock=LabClock(speed=60.0))


@pytest.fixture(scope="module")
def connection(estate: Estate) -> Iterator[Connection]:
    servers, machine = LabServers(), PwshMachine(estate.machines["SQL01"])
    served = ServedHost(host=machine, address="127.47.9.1", winrm_port=0, https_port=None, interpreter="pwsh")
    try:
        endpoint = servers.start([served]).hosts["SQL01"]
        host = Host(
            name="SQL01",
            address=endpoint.address,
            connection="winrm",
            platform="windows",
            origin=Origin("inventory.yaml", 1, 1),
            port=endpoint.winrm_port,
            user=OPERATOR,
            password=SecretRef("env", "LAB"),
            options={"transport": "ntlm", "scheme": "http"},
        )
        one = connect(host, lambda _: Secret(estate.spec.password))
        one.open(30.0)
        yield one
        one.close()
    finally:
        servers.stop()
        machine.close()


def decide(connection: Connection, name: str, args: dict[str, Any]) -> Decision:
    action = load_actions()[name]
    properties: Any = action.info.arguments["properties"]
    given = {**{key: one["default"] for key, one in properties.items() if "default" in one}, **args}
    seen: list[CommandResult] = []
    while (command := action.observe(given, VIEW, seen)) is not None:
        assert isinstance(command, Script)
        seen.append(connection.run(command, 60.0))
        assert seen[-1].ok, seen[-1].errors
    return action.decide(given, VIEW, seen)


MEMBERS = [{"login": "CONTOSO\\new", "roles": ["sdk_users", "db_datareader"]}]
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("mssql.database_option", {"databases": ["ServiceManager"], "broker": False}),
    ("mssql.database_option", {"databases": ["ServiceManager"], "broker": True}),
    ("mssql.server_option", {"option": "clr enabled", "value": 0}),
    (
        "mssql.role_members",
        {"database": "ServiceManager", "members": MEMBERS, "state": "present", "create_logins": True},
    ),
    ("service_manager.promote", {"databases": ["ServiceManager"], "server": "sm02.contoso.lab"}),
]


@pytest.mark.parametrize(("name", "args"), STEPS)
def test_a_change_takes(connection: Connection, name: str, args: dict[str, Any]) -> None:
    decision = decide(connection, name, args)
    assert isinstance(decision, Change), decision
    for command in decision.commands:
        assert isinstance(command, Script)
        answer = connection.run(command, 60.0)
        assert answer.ok, answer.errors
    assert isinstance(decide(connection, name, args), Unchanged)


def test_the_machine_is_what_was_made_of_it(estate: Estate, connection: Connection) -> None:
    del connection
    sql = estate.machines["SQL01"].sql
    assert sql is not None
    database = sql.databases["ServiceManager"]
    assert (database.broker_enabled, database.user_access) == (True, "MULTI_USER")
    assert (sql.options["clr enabled"], database.workflow_server) == (0, "SM02.contoso.lab")
    assert ("sdk_users", "contoso\\new") in database.principals.members
