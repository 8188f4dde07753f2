"""Engine, WinRM, lab server, a real PowerShell behind the shell, the real interpreter, the real payloads."""

import time
from collections.abc import Iterator

import pytest

from engine.actions.base import script
from engine.connections import connect
from engine.lab.clock import LabClock
from engine.lab.estate import OPERATOR, Estate, build_estate
from engine.lab.machine import CONTROL_KEY
from engine.lab.pwsh import find_powershell
from engine.lab.pwsh_machine import PwshMachine, literal
from engine.lab.serve import Endpoint, LabServers, ServedHost
from engine.model.errors import ConnectionProblem
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.result import CommandResult
from engine.model.secret import Secret, SecretRef
from engine.ports.connection import Connection
from tests.support.twin import NO_POWERSHELL

pytestmark = [pytest.mark.pwsh, pytest.mark.skipif(find_powershell() is None, reason=NO_POWERSHELL)]


@pytest.fixture
def estate() -> Estate:
    return build_estate(clock=LabClock(speed=60.0))


@pytest.fixture
def endpoint(estate: Estate) -> Iterator[Endpoint]:
    servers, machine = LabServers(), PwshMachine(estate.machines["SM01"])
    served = ServedHost(host=machine, address="127.47.8.1", winrm_port=0, https_port=None, interpreter="pwsh")
    try:
        yield servers.start([served]).hosts["SM01"]
    finally:
        servers.stop()
        machine.close()


def opened(estate: Estate, endpoint: Endpoint) -> Connection:
    host = Host(
        name="SM01",
        address=endpoint.address,
        connection="winrm",
        platform="windows",
        origin=Origin("inventory.yaml", 1, 1),
        port=endpoint.winrm_port,
        user=OPERATOR,
        password=SecretRef("env", "LAB"),
        options={"transport": "ntlm", "scheme": "http"},
    )
    connection = connect(host, lambda _: Secret(estate.spec.password))
    connection.open(30.0)
    return connection


def run(connection: Connection, payload_name: str, **arguments: object) -> CommandResult:
    return connection.run(script(payload_name, arguments), 60.0)


@pytest.mark.parametrize("stdin_mode", ["", "2.0"])
def test_the_time_out_is_raised_by_real_payloads(
    estate: Estate, endpoint: Endpoint, stdin_mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PWSH_STDIN", stdin_mode)
    machine = estate.machines["SM01"]
    connection = opened(estate, endpoint)
    before = run(connection, "windows_host.observe.ps1").value
    assert before["computer_name"] == "SM01"
    start = {"name": "OMCFG", "state": "running", "start_mode": None, "timeout_s": 240}
    refused = run(connection, "windows_service.ensure.ps1", **start)
    assert "error 1053" in refused.errors[0].message
    place = {"key": CONTROL_KEY, "name": "ServicesPipeTimeout"}
    assert run(connection, "windows_registry_value.set.ps1", **place, kind="DWord", value=200000).ok
    assert machine.registry.data(CONTROL_KEY, "ServicesPipeTimeout") == 200000
    assert run(connection, "windows_reboot.restart.ps1", delay_s=5, comment="Recovery runbook").ok
    connection.close()
    connection = reopened(estate, endpoint)
    after = run(connection, "windows_host.observe.ps1").value
    assert after["boot_id"] > before["boot_id"]
    assert run(connection, "windows_service.ensure.ps1", **start).ok
    assert machine.services.get("OMCFG").state == "Running"
    connection.close()


def reopened(estate: Estate, endpoint: Endpoint) -> Connection:
    deadline = time.monotonic() + 30.0
    while estate.machines["SM01"].boot_number() == 1 or not estate.machines["SM01"].reachable():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while True:
        try:
            return opened(estate, endpoint)
        except ConnectionProblem:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_values_as_source() -> None:
    assert literal({"a": [1, True, None, 2.5]}) == "@{'a' = @(1, $true, $null, 2.5)}"
    assert "'" not in literal("it's").replace("('", "").replace("')", "")
