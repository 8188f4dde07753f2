"""PowerShell remoting against the lab: pypsrp's runspace pools, served by a real PowerShell on a machine's state."""

import os
import time
import uuid
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from fake_lab_host import PASSWORD, USER, FakeLabHost
from pypsrp.client import Client
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from requests.exceptions import RequestException

from engine.lab.clock import LabClock
from engine.lab.estate import OPERATOR, build_estate
from engine.lab.machine import CONTROL_KEY, Machine
from engine.lab.pwsh import find_powershell
from engine.lab.pwsh_machine import PwshMachine
from engine.lab.serve import Endpoint, LabServers, ServedHost
from tests.support.twin import NO_POWERSHELL

needs_pwsh = pytest.mark.skipif(find_powershell() is None, reason=NO_POWERSHELL)
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"


class Lab:
    def __init__(self) -> None:
        self.host = FakeLabHost()
        self.servers = LabServers()
        served = ServedHost(host=self.host, address="127.47.9.1", winrm_port=0, https_port=None, interpreter="pwsh")
        self.end = self.servers.start([served]).hosts["SM01"]

    def wsman(self) -> WSMan:
        return wsman(self.end, USER, PASSWORD)


def wsman(end: Endpoint, user: str, password: str) -> WSMan:
    return WSMan(
        end.address, port=end.winrm_port, ssl=False, auth="ntlm", username=user, password=password,
        encryption="always", no_proxy=True, operation_timeout=5, read_timeout=20,
    )  # fmt: skip


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    try:
        yield lab
    finally:
        lab.servers.stop()


def invoked(pool: RunspacePool, script: str, given: list[object] | None = None) -> PowerShell:
    shell = PowerShell(pool)
    shell.add_script(script)
    shell.invoke(given)
    return shell


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(process: int) -> None:
    ends = time.monotonic() + 10
    while is_alive(process):
        assert time.monotonic() < ends, "the PowerShell behind the pool lives on"
        time.sleep(0.05)


@needs_pwsh
def test_a_client_runs_scripts_and_reads_every_stream(lab: Lab) -> None:
    with Client(
        lab.end.address, port=lab.end.winrm_port, ssl=False, auth="ntlm", username=USER, password=PASSWORD,
        encryption="always", no_proxy=True,
    ) as client:  # fmt: skip
        told, streams, failed = client.execute_ps("'Gr\u00fc\u00dfe'; Write-Warning 'a doubt'; Write-Error 'a fault'")
        assert told == "Gr\u00fc\u00dfe"
        assert [str(one) for one in streams.warning] == ["a doubt"]
        assert [str(one) for one in streams.error] == ["a fault"]
        assert failed is False  # the script went on, as on Windows


@needs_pwsh
def test_a_pool_keeps_its_session_and_gives_objects(lab: Lab) -> None:
    with RunspacePool(lab.wsman()) as pool:
        invoked(pool, "$kept = 41")
        assert invoked(pool, "$kept + 1; @{ name = 'OMCFG'; parts = 1, 2 }").output == [
            42,
            {"name": "OMCFG", "parts": [1, 2]},
        ]
        assert invoked(pool, "$input | ForEach-Object { $_ * 2 }", [1, 2, 3]).output == [2, 4, 6]
        assert [len(text) for text in invoked(pool, "'x' * 300000; 'y' * 90000").output] == [300000, 90000]
        # Commands and aliases of the PowerShell itself are there too, and what formats works without a screen.
        assert invoked(pool, "'b', 'a' | sort | Out-String -Stream").output == ["a", "b"]
        process = invoked(pool, "$PID").output[0]
    wait_until_gone(process)


@needs_pwsh
def test_a_pipeline_that_throws_fails_and_one_that_is_stopped_stops(lab: Lab) -> None:
    with RunspacePool(lab.wsman(), max_runspaces=2) as pool:
        thrown = invoked(pool, "1; throw 'no way'; 2")
        assert (thrown.output, thrown.state, str(thrown.streams.error[0])) == ([1], PSInvocationState.FAILED, "no way")
        slow = PowerShell(pool)
        slow.add_script("Start-Sleep -Seconds 60")
        slow.begin_invoke()
        assert invoked(pool, "'meanwhile'").output == ["meanwhile"]
        began = time.monotonic()
        slow.stop()
        assert slow.state == PSInvocationState.STOPPED
        assert time.monotonic() - began < 20


@needs_pwsh
def test_a_machine_takes_over_what_a_pipeline_changed() -> None:
    estate = build_estate(clock=LabClock(speed=60.0))
    machine: Machine = estate.machines["SM01"]
    host, servers = PwshMachine(machine), LabServers()
    try:
        end = servers.start([ServedHost(host=host, address="127.47.9.2", winrm_port=0, https_port=None)]).hosts["SM01"]
        with RunspacePool(wsman(end, OPERATOR, estate.spec.password)) as pool:
            assert invoked(pool, "(Get-Service -Name OMCFG).Status").output == ["Stopped"]
            key = "HKLM:\\" + CONTROL_KEY.partition("\\")[2]
            changed = invoked(pool, f"Set-ItemProperty -Path '{key}' -Name ServicesPipeTimeout -Value 200000")
            assert not changed.streams.error
            assert machine.registry.data(CONTROL_KEY, "ServicesPipeTimeout") == 200000
    finally:
        servers.stop()
        host.close()


@needs_pwsh
def test_a_pool_ends_with_its_host(lab: Lab) -> None:
    pool = RunspacePool(lab.wsman())
    pool.open()
    process = invoked(pool, "$PID").output[0]
    lab.host.boot = 2
    lab.servers.refresh()
    wait_until_gone(process)
    with pytest.raises((WSManFaultError, WinRMTransportError, RequestException)):
        invoked(pool, "1")


@needs_pwsh
def test_a_pool_counts_as_a_shell(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"max_shells": 1})
    with RunspacePool(lab.wsman()), pytest.raises(WSManFaultError, match="maximum number of 1 concurrent shells"):
        RunspacePool(lab.wsman()).open()
    with RunspacePool(lab.wsman()) as pool:
        assert invoked(pool, "1").output == [1]


@needs_pwsh
@pytest.mark.parametrize(
    ("verb", "body", "told"),
    [
        ("Command", "<r:CommandLine CommandId='x'><r:Command/><r:Arguments>AAAA</r:Arguments></r:CommandLine>", "UUID"),
        ("Command", "<r:CommandLine CommandId='{id}'><r:Command/></r:CommandLine>", "first message"),
        ("Send", "<r:Send><r:Stream Name='stdin'>no base 64!</r:Stream></r:Send>", "base64"),
        ("Receive", "<r:Receive><r:DesiredStream CommandId='{id}'>stdout</r:DesiredStream></r:Receive>", "not exist"),
    ],
)
def test_what_is_no_message_of_a_pool_is_refused(lab: Lab, verb: str, body: str, told: str) -> None:
    with RunspacePool(lab.wsman()) as pool:
        text = body.format(id=str(uuid.uuid4()).upper()).replace("r:", "rsp:")
        element = ElementTree.fromstring(text.replace(">", f" xmlns:rsp='{SHELL}'>", 1))
        ask = getattr(pool.connection, verb.casefold())
        with pytest.raises(WSManFaultError, match=told):
            ask(pool.shell.resource_uri, element, selector_set=pool.shell._selector_set)
        assert invoked(pool, "1").output == [1]


def test_without_a_powershell_a_pool_is_refused_and_the_way_out_told() -> None:
    servers = LabServers()
    try:
        served = ServedHost(host=FakeLabHost(), address="127.47.9.3", winrm_port=0, https_port=None)
        end = servers.start([served]).hosts["SM01"]
        with pytest.raises(WSManFaultError, match="RUNBOOK_PWSH"):
            RunspacePool(wsman(end, USER, PASSWORD)).open()
    finally:
        servers.stop()


@needs_pwsh
def test_a_pool_without_creation_xml_is_refused(lab: Lab) -> None:
    pool = RunspacePool(lab.wsman())
    with pytest.raises(WSManFaultError, match="creationXml"):
        pool.shell.open()
