"""Scripts of users run in a real PowerShell over a machine's state, and what they change is the machine's."""

import pytest

from engine.lab.estate import build_estate
from engine.lab.machine import CONTROL_KEY, Machine
from engine.lab.pwsh import find_powershell, script_runner
from engine.model.data import JsonMap
from engine.model.frame import Frame
from tests.support.twin import NO_POWERSHELL

pytestmark = [pytest.mark.pwsh, pytest.mark.skipif(find_powershell() is None, reason=NO_POWERSHELL)]
CHANGES = r"""param($Arguments)
$key = 'HKLM:\SYSTEM\CurrentControlSet\Control'
New-ItemProperty -Path $key -Name ServicesPipeTimeout -PropertyType DWord -Value $Arguments.value -Force | Out-Null
Stop-Service -Name OMSDK
Set-Content -Path C:\Users\note.txt -Value 'written'
Remove-Item -Path C:\Windows\win.ini
$running = @(Get-Service | Where-Object { $_.Status -eq 'Running' })
@{ running = $running.Count; events = @(Get-EventLog -LogName System -Newest 3).Count }
"""


def run(machine: Machine, text: str, **arguments: object) -> JsonMap:
    return machine.answer(Frame(nonce="n", number=1, name="mine", digest="d", text=text, arguments=arguments), text)


def test_a_script_changes_the_machine() -> None:
    machine = build_estate(run_script=script_runner()).machines["SM01"]
    answer = run(machine, CHANGES, value=200000)
    assert answer["ok"], answer
    assert answer["value"]["events"] == 3
    assert machine.registry.data(CONTROL_KEY, "ServicesPipeTimeout") == 200000
    assert machine.services.get("OMSDK").state == "Stopped"
    assert machine.files.get("C:\\Users\\note.txt").content.strip() == b"written"
    assert machine.files.get("C:\\Windows\\win.ini") is None
    assert machine.events.get("System").entries[-1].id == 7036


def test_a_script_that_fails_tells_its_error() -> None:
    machine = build_estate("healthy", run_script=script_runner()).machines["SQL01"]
    answer = run(machine, "param($Arguments)\nGet-WmiObject Win32_Nothing")
    assert not answer["ok"]
    assert "no WMI class Win32_Nothing" in answer["errors"][0]["message"]
    assert len(list(machine.registry)) > 5


def test_a_restart_of_a_script_restarts_the_machine() -> None:
    machine = build_estate("healthy", run_script=script_runner()).machines["SM02"]
    assert run(machine, "param($Arguments)\nRestart-Computer -Force\n@{ done = $true }")["ok"]
    machine.clock.advance(1)
    assert not machine.reachable()
    machine.clock.advance(200)
    assert machine.boot_number() == 2
