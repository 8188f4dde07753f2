"""Twins of the host, service, registry, process, restart, event and volume payloads over generated states."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from engine.actions import load_actions
from engine.lab import machine_services as scm
from engine.lab.clock import LabClock, iso
from engine.lab.machine import Machine, Volume
from engine.lab.machine_services import Account, Service
from engine.lab.pwsh import Powershell, find_powershell
from engine.lab.pwsh_state import state_of
from engine.model.data import canonical_json
from engine.model.packaged import payload
from tests.support.twin import NO_POWERSHELL, compare, modelled, powershell_at_hand

pytestmark = [pytest.mark.pwsh, pytest.mark.skipif(not powershell_at_hand(), reason=NO_POWERSHELL)]
STATES = 110
CLR_FAILED = 0x80131700  # a service of .NET leaves an HRESULT, which no signed number of 32 bits holds
KEY = r"HKLM\SYSTEM\CurrentControlSet\Control"
TEXTS = ["", "x", "Gr\u00fc\u00dfe", '100 % "quoted"', "%TEMP%\\a", "line\r\nbreak", "\u65e5\u672c"]


@pytest.fixture(scope="module")
def powershell() -> Iterator[Powershell]:
    program = find_powershell()
    assert program is not None
    with Powershell(program) as one:
        yield one


def new_machine(rng: random.Random) -> Machine:
    machine = Machine(
        rng.choice(["SM01", "sql02", "DW-1"]),
        LabClock(1362218400.0 + rng.randrange(10**6) + rng.random(), speed=None),
        domain=rng.choice(["", "contoso.lab", "CONTOSO.LAB"]),
    )
    machine.booted_at = machine.clock.now() - rng.randrange(10**6) - rng.random()
    machine.os_version = rng.choice(["6.1.7601", "6.2.9200"])
    for log in ("System", "Application"):
        machine.events.make(log)
    return machine


def test_host(powershell: Powershell) -> None:
    version = powershell.run("param($Arguments)\n@{ v = $PSVersionTable.PSVersion.ToString() }", {})["value"]["v"]
    for seed in range(STATES):
        machine = new_machine(random.Random(seed))
        machine.powershell_version = version
        compare(powershell, machine, "windows_host.observe.ps1", {}, seed)


def with_services(rng: random.Random) -> Machine:
    machine = new_machine(rng)
    machine.services.timeout_ms = rng.choice([30000, 60000, 200000])
    account = Account(name="CONTOSO\\svc", password="right", may_log_on_as_service=rng.random() < 0.8)
    machine.accounts[account.name] = account
    account.locked = rng.random() < 0.2
    config = "C:\\app\\one.exe.config"
    content = rng.choice(
        [
            b"<configuration/>",
            b'<configuration><runtime><generatePublisherEvidence enabled="false"/></runtime></configuration>',
            b'<configuration><runtime><generatePublisherEvidence enabled="false"></runtime></configuration>',
        ]
    )
    machine.files.write(config, content, modified=0.0)
    if rng.random() < 0.8:
        machine.files.write("C:\\app\\one.exe", b"MZ", modified=0.0)
    names = ["OMCFG", "OMSDK", "HealthService", "Spooler"]
    for index, name in enumerate(names):
        machine.services.add(
            Service(
                name=name,
                display_name=f"Service {name}",
                path=rng.choice(["", '"C:\\app\\one.exe" -k']),
                account=rng.choice(["LocalSystem", account.name, "CONTOSO\\nobody"])
                if rng.random() < 0.4
                else "LocalSystem",
                password=rng.choice(["right", "right", "wrong"]),
                start_mode=rng.choice(["Auto", "Auto", "Manual", "Disabled"]),
                state=rng.choice(["Running", "Stopped"]),
                exit_code=rng.choice([0, 1053, 1077, CLR_FAILED]),
                start_s=rng.choice([1.0, 20.0, 45.0, 100.0]),
                start_s_unverified=rng.choice([None, 5.0, 45.0]),
                config_file=config if rng.random() < 0.3 else None,
                program="C:\\app\\one.exe" if rng.random() < 0.5 else None,
                needs=tuple(rng.sample(names[:index], k=min(index, rng.choice([0, 0, 1])))),
            )
        )
    for service in machine.services:
        if service.state == "Stopped" and rng.random() < 0.15:
            scm.begin_start(machine, service)
        service.stuck = rng.random() < 0.2
    return machine


def test_service_observe(powershell: Powershell) -> None:
    for seed in range(STATES):
        rng = random.Random(seed)
        names = rng.sample(["OMCFG", "omsdk", "Spooler", "Missing"], k=rng.randrange(1, 5))
        compare(powershell, with_services(rng), "windows_service.observe.ps1", {"names": names}, seed)


def test_service_ensure(powershell: Powershell) -> None:
    ended: Counter[str] = Counter()
    for seed in range(2 * STATES):
        rng = random.Random(seed)
        arguments = {
            "name": rng.choice(
                ["OMCFG", "omsdk", "HealthService", "Missing"] if seed % 9 == 0 else ["OMCFG", "OMSDK", "HealthService"]
            ),
            "state": rng.choice(["running", "running", "stopped", None]),
            "start_mode": rng.choice([None, None, "Automatic", "Manual", "Disabled"]),
            "timeout_s": rng.choice([10, 240]),
        }
        ended[compare(powershell, with_services(rng), "windows_service.ensure.ps1", arguments, seed)] += 1
    assert min(ended["ok"], ended["failed"]) > 20, ended


def test_a_service_that_ends_with_an_hresult(powershell: Powershell) -> None:
    def pending() -> Machine:
        machine = with_services(random.Random(1))
        service = machine.services.get("OMCFG")
        assert service is not None
        service.state, service.start_mode, service.needs = "Stopped", "Auto", ()
        scm.begin_start(machine, service)
        service.outcome = CLR_FAILED
        return machine

    arguments = {"name": "OMCFG", "state": "running", "start_mode": None, "timeout_s": 240}
    told = modelled(pending(), "windows_service.ensure.ps1", arguments)
    assert told["message"] == "The service OMCFG ended as Stopped: error 2148734720 (0x80131700)."
    assert compare(powershell, pending(), "windows_service.ensure.ps1", arguments, "starts") == "failed"
    stopped = {**arguments, "state": "stopped"}
    assert compare(powershell, pending(), "windows_service.ensure.ps1", stopped, "was to stop anyway") == "ok"


SLOW = r"""
param($Arguments)
$global:slow = $Arguments
$global:looks = 0
function global:Start-Sleep { }
function global:Get-WmiObject {
    $global:looks += 1
    $state = $global:slow.state
    if ($global:looks -gt 5) { $state = 'Stopped' }
    $code = [uint32]$global:slow.exit_code
    $one = New-Object PSObject -Property @{ Name = 'OMSDK'; State = $state; StartMode = 'Auto'; ExitCode = $code }
    foreach ($name in 'StartService', 'StopService', 'ChangeStartMode') {
        Add-Member -InputObject $one -MemberType ScriptMethod -Name $name -Value {
            New-Object PSObject -Property @{ ReturnValue = [uint32]$global:slow.code }
        }
    }
    $one
}
@{ set = $true }
"""


@pytest.mark.parametrize(
    ("wanted", "found", "message"),
    [
        # It still tells Running for some looks after it has taken the control.
        ({"state": "stopped"}, {"state": "Running", "code": 0, "exit_code": 0}, ""),
        ({"state": "running"}, {"state": "Stopped", "code": 8, "exit_code": 1077}, "did not start: WMI returned 8."),
        ({"state": "running"}, {"state": "Stopped", "code": 8, "exit_code": 1067}, "did not start: error 1067."),
        ({"state": "stopped"}, {"state": "Running", "code": 24, "exit_code": 0}, "did not stop: WMI returned 24."),
        ({"start_mode": "Manual"}, {"state": "Stopped", "code": 21, "exit_code": 1067}, "be set: WMI returned 21."),
        ({"start_mode": "Manual"}, {"state": "Stopped", "code": 2, "exit_code": 0}, "error 5, access is denied."),
    ],
)
def test_a_service_control_manager_that_is_slow_or_refuses(
    wanted: dict[str, Any], found: dict[str, Any], message: str
) -> None:
    program = find_powershell()
    assert program is not None
    with Powershell(program) as one:
        assert one.run(SLOW, found)["ok"]
        arguments = {"name": "OMSDK", "state": None, "start_mode": None, "timeout_s": 20, **wanted}
        answer = one.run(payload("windows_service.ensure.ps1"), arguments)
    if message:
        assert answer["errors"][0]["message"].endswith(message), answer
    else:
        assert answer["value"] == {"name": "OMSDK", "state": "Stopped", "start_mode": "Auto"}


def with_registry(rng: random.Random) -> Machine:
    machine = new_machine(rng)
    for name in ("ServicesPipeTimeout", "Other", "Text"):
        if rng.random() < 0.7:
            kind, data = any_value(rng)
            machine.registry.set(KEY, name, data, kind)
    machine.registry.make_key(r"HKLM\SOFTWARE\Empty")
    return machine


STRANGE = (
    "it's", "a$b", "(x)", "a, b", "a;b", "100%", "a:b", "\u201cquoted\u201d", "\u2019", "\u00fcber", "\U0001f600",
    "#a", "@a", "a b", "128/128", "a`b", "[a]", "a*", "a?",
)  # fmt: skip


def test_a_value_is_written_at_the_very_place_that_is_named_or_refused_beforehand(powershell: Powershell) -> None:
    """PowerShell takes a slash for the end of a key's name, and reads wildcards and what escapes them."""
    takes = jsonschema.Draft202012Validator(load_actions()["windows.registry_value"].info.arguments).is_valid
    taken = set()
    for text in STRANGE:
        for place in ({"key": f"{KEY}\\{text}", "name": "Size"}, {"key": KEY, "name": text}):
            if not takes(place):
                continue
            taken.add(text)
            machine = new_machine(random.Random(1))
            wanted = {**place, "kind": "DWord", "value": 7}
            assert compare(powershell, machine, "windows_registry_value.set.ps1", wanted, place) == "ok"
            assert compare(powershell, machine, "windows_registry_value.observe.ps1", place, place) == "ok"
            assert compare(powershell, machine, "windows_registry_value.remove.ps1", place, place) == "ok"
    assert {"it's", "a$b", "(x)", "128/128", "a b", "\u2019"} <= taken
    refused = [{"key": f"{KEY}\\{text}", "name": "a"} for text in ("RC4 128/128", "a`b", "a*")]
    refused += [{"key": KEY, "name": name} for name in ("a`b", "(default)", "(Default)")]
    assert not [place for place in refused if takes(place)]


def any_value(rng: random.Random) -> tuple[str, Any]:
    return rng.choice(
        [
            ("DWord", rng.choice([0, 1, 30000, 200000, 2**31 - 1, 2**31, 2**32 - 1])),
            ("QWord", rng.choice([0, 2**40, 2**63 - 1])),
            ("String", rng.choice(TEXTS)),
            ("ExpandString", rng.choice(TEXTS)),
            ("MultiString", tuple(rng.sample(TEXTS[1:], k=rng.randrange(0, 4)))),
            ("Binary", rng.randbytes(rng.randrange(0, 6))),
        ]
    )


def place(rng: random.Random) -> dict[str, str]:
    key = rng.choice([KEY, KEY, KEY.upper(), r"HKLM\SOFTWARE\Empty", r"HKLM\SOFTWARE\Not\There"])
    return {"key": key, "name": rng.choice(["ServicesPipeTimeout", "servicespipetimeout", "Other", "Text"])}


def test_registry_observe(powershell: Powershell) -> None:
    for seed in range(STATES):
        rng = random.Random(seed)
        compare(powershell, with_registry(rng), "windows_registry_value.observe.ps1", place(rng), seed)


def test_registry_set(powershell: Powershell) -> None:
    for seed in range(STATES):
        rng = random.Random(seed)
        kind, data = any_value(rng)
        value = data.hex() if isinstance(data, bytes) else list(data) if isinstance(data, tuple) else data
        arguments = {**place(rng), "kind": kind, "value": value}
        compare(powershell, with_registry(rng), "windows_registry_value.set.ps1", arguments, seed)


def test_registry_remove(powershell: Powershell) -> None:
    for seed in range(STATES):
        rng = random.Random(seed)
        compare(powershell, with_registry(rng), "windows_registry_value.remove.ps1", place(rng), seed)


def test_process(powershell: Powershell) -> None:
    names = ["System", "setup.exe", "Setup.exe", "msiexec.exe", "svchost.exe", "SetupWizard.exe", "one.exe", "ONE.EXE"]
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = with_services(rng)
        for service in machine.services:
            if service.state == scm.RUNNING:
                service.process_id, service.since = machine.next_process_id(), int(machine.booted_at)
        for _ in range(rng.randrange(0, 8)):
            machine.add_process(rng.choice(names))
            machine.clock.advance(rng.random() * 100)
        machine.settle()
        arguments = {"names": rng.sample(names, k=rng.randrange(1, 4))}
        compare(powershell, machine, "windows_process.observe.ps1", arguments, seed)


def test_a_service_has_a_process_while_it_runs(powershell: Powershell) -> None:
    seen: Counter[int] = Counter()
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = with_services(rng)
        for service in machine.services:
            service.path, service.process_id = f'"C:\\app\\{service.name}.exe"', 0
            if service.state == scm.RUNNING:
                service.process_id, service.since = machine.next_process_id(), int(machine.booted_at)
        asked = {"name": "OMCFG", "state": rng.choice(["running", "stopped"]), "start_mode": None, "timeout_s": 240}
        names = {"names": [f"{one.name}.exe" for one in machine.services]}
        powershell.become(state_of(machine))
        powershell.run(payload("windows_service.ensure.ps1"), asked)
        real = powershell.run(payload("windows_process.observe.ps1"), names)["value"]
        modelled(machine, "windows_service.ensure.ps1", asked)
        machine.settle()
        expected = modelled(machine, "windows_process.observe.ps1", names)["value"]
        assert canonical_json(real) == canonical_json(expected), (seed, asked)
        running = {f"{one.name}.exe" for one in machine.services if one.state == scm.RUNNING}
        assert {one["name"] for one in real["processes"]} == running
        seen[len(running)] += 1
    assert len(seen) > 3, seen


def test_restart(powershell: Powershell) -> None:
    ended: Counter[str] = Counter()
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = new_machine(rng)
        if rng.random() < 0.3:
            machine.restart(60.0, "earlier")
        arguments = {
            "delay_s": rng.randrange(2, 100),
            "comment": rng.choice(["Recovery runbook", "", "two words & more"]),
        }
        ended[compare(powershell, machine, "windows_reboot.restart.ps1", arguments, seed)] += 1
    assert min(ended.values()) > 10, ended


def with_events(rng: random.Random) -> Machine:
    machine = new_machine(rng)
    at = machine.clock.now() - 10 * 86400
    for _ in range(rng.randrange(0, 25)):
        at += rng.choice([1.0, 3600.5, 86400.0, -7200.0, -100000.0])
        machine.events.add(
            rng.choice(["System", "system", "Application"]),
            rng.choice(["Service Control Manager", "EventLog", "USER32"]),
            rng.choice([7000, 7009, 7036, 6005, 1074]),
            rng.choice(["Error", "Warning", "Information", "SuccessAudit"]),
            rng.choice(TEXTS),
            tuple(rng.sample(TEXTS, k=rng.randrange(0, 3))),
            at=at,
            qualifiers=rng.choice([0, 0x4000, 0x8000, 0xC000, 0x0001, 0xC004]),
        )
    return machine


def test_event_log(powershell: Powershell) -> None:
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = with_events(rng)
        since = None
        if rng.random() < 0.5:
            since = iso(machine.clock.now() - rng.randrange(0, 12 * 86400))
        arguments = {
            "log": rng.choice(["System", "SYSTEM", "Application", "Operations Manager"]),
            "sources": rng.choice([[], ["service control manager"], ["EventLog", "USER32"]]),
            "ids": rng.choice([[], [7009], [7000, 7009, 7011]]),
            "levels": rng.choice([[], [], ["Error"], ["Error", "Warning"]]),
            "since": since,
            "within_s": rng.choice([None, None, 900, 86400]),
            "limit": rng.choice([1, 3, 50]),
            "scan_limit": rng.choice([5, 20000]),
        }
        compare(powershell, machine, "windows_event_log.observe.ps1", arguments, seed)


def test_volume_space(powershell: Powershell) -> None:
    names = ["C:\\", "D:\\", "C:\\mnt\\data\\", "C:\\mnt\\", "\\\\?\\Volume{1}\\"]
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = new_machine(rng)
        for name in rng.sample(names, k=rng.randrange(0, 5)):
            size = rng.randrange(1, 2**44)
            kind = rng.choice([3, 3, 3, 5])
            machine.volumes[name] = Volume(name=name, size=size, free=rng.randrange(size), label="L", drive_type=kind)
        path = rng.choice(["c:\\", "C:\\mnt\\data\\", "C:\\mnt\\database\\", "D:\\x\\", "E:\\"])
        compare(powershell, machine, "windows_volume_space.observe.ps1", {"path": path}, seed)
