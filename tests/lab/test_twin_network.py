"""Twins of the look at TCP ports: real sockets on loopback against the lab's listening services."""

import random
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from engine.actions import load_actions
from engine.lab.behaviours import BEHAVIOURS
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_services import Service
from engine.lab.pwsh import Powershell, find_powershell
from engine.lab.pwsh_state import state_of
from engine.model.data import canonical_json
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import CommandResult
from tests.support.twin import NO_POWERSHELL, powershell_at_hand

pytestmark = [pytest.mark.pwsh, pytest.mark.skipif(not powershell_at_hand(), reason=NO_POWERSHELL)]
STATES = 110
NAME = "windows_tcp_port.observe.ps1"


@pytest.fixture
def powershell() -> Iterator[Powershell]:
    program = find_powershell()
    assert program is not None
    with Powershell(program) as one:
        yield one


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[int, bool]]:
    """Real ports of this computer, and whether something listens there; all stay bound for the test."""
    with ExitStack() as held:
        found = {}
        for listens in (True, True, True, False, False):
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            if listens:
                one.listen(64)
            found[one.getsockname()[1]] = listens
        yield found


def new_machine(name: str, listening: list[int], rng: random.Random) -> Machine:
    machine = Machine(name, LabClock(1362218400.0, speed=None))
    for port in listening:
        service = Service(name=f"S{port}", display_name="x", path="x", state="Running", listens=(port,))
        machine.services.add(service)
    if rng.random() < 0.5:
        machine.services.add(Service(name="Stopped", display_name="x", path="x", listens=(1, 2)))
    return machine


def test_ports(powershell: Powershell, ports: dict[int, bool]) -> None:
    ended: Counter[str] = Counter()
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = new_machine("SM01", [port for port, listens in ports.items() if listens], rng)
        asked = rng.sample(list(ports), k=rng.randrange(1, 5))
        arguments = {
            "computer": rng.choice(["127.0.0.1", "127.0.0.1", "localhost"]),
            "ports": asked,
            "timeout_ms": 5000,
        }
        real = powershell.run(payload(NAME), arguments)
        value = BEHAVIOURS[NAME](machine, arguments)
        assert canonical_json(real["value"]) == canonical_json(value), (seed, arguments)
        ended.update(str(one["why"]) for one in real["value"]["ports"])
    assert min(ended["None"], ended["ConnectionRefused"]) > STATES // 4, ended


def states(computer: str, answer: Any) -> list[str]:
    """What the action makes of an answer."""
    asked = [one["port"] for one in answer["ports"]]
    arguments = {"computer": computer, "port": asked, "expect": "any", "timeout_s": 1}
    seen = [CommandResult(ok=True, value=answer)]
    decision = load_actions()["windows.tcp_port"].decide(arguments, HostView(name="SM01", platform="windows"), seen)
    found = decision.result["ports"]
    assert isinstance(found, list)
    return [one["state"] for one in found]


def test_connections_of_a_real_powershell_stay_in_the_lab(powershell: Powershell) -> None:
    """Behind a machine with a real PowerShell the stubs stand for the network."""
    ended: Counter[str] = Counter()
    for seed in range(STATES):
        rng = random.Random(seed)
        names = ["SM01", "SM02", "DW01"]
        machines = {name: new_machine(name, rng.sample([1433, 5724, 80], k=rng.randrange(4)), rng) for name in names}
        machine = machines["SM01"]
        for one in machines.values():
            one.network = machines
            one.clock = machine.clock
            one.blocked_ports.update(rng.sample([1433, 5724], k=rng.randrange(3)))
        if rng.random() < 0.2:
            machines["DW01"].restart(delay_s=0.0)
            machines["DW01"].settle()
        computer = rng.choice(["localhost", "sm01", "sm02", "SM02.contoso.lab", "dw01", "sm09", "sm01.contoso.lab"])
        arguments = {"computer": computer, "ports": rng.sample([1433, 5724, 80, 443], k=2), "timeout_ms": 2000}
        before = state_of(machine)
        powershell.become(before)
        real = powershell.run(payload(NAME), arguments)
        passed = powershell.export()["now"]
        started = machine.clock.now()
        assert canonical_json(real["value"]) == canonical_json(BEHAVIOURS[NAME](machine, arguments)), (seed, arguments)
        assert float(str(passed)) - started == pytest.approx(machine.clock.now() - started)
        ended.update(str(one["why"]) for one in real["value"]["ports"])
    assert min(ended[one] for one in ("None", "ConnectionRefused", "TimedOut", "HostNotFound")) > STATES // 10, ended


def test_a_name_that_nobody_knows(powershell: Powershell) -> None:
    arguments = {"computer": "nowhere.invalid", "ports": [5724, 80], "timeout_ms": 5000}
    real = powershell.run(payload(NAME), arguments)["value"]
    value = BEHAVIOURS[NAME](new_machine("SM01", [], random.Random(0)), arguments)
    assert states("nowhere.invalid", real) == states("nowhere.invalid", value) == ["name-not-found", "name-not-found"]


def test_a_computer_that_does_not_answer(powershell: Powershell) -> None:
    """Loopback never loses a packet, but a full queue of a listener leaves a connection without an answer."""
    with ExitStack() as held:
        full = held.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        for _ in range(8):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        real = powershell.run(payload(NAME), {"computer": "127.0.0.1", "ports": [port], "timeout_ms": 300})["value"]
    machine, other = (new_machine(name, [port], random.Random(0)) for name in ("SM01", "SM02"))
    machine.network = {"SM02": other}
    other.blocked_ports.add(port)
    before = machine.clock.now()
    value = BEHAVIOURS[NAME](machine, {"computer": "sm02", "ports": [port], "timeout_ms": 300})
    assert real == value == {"ports": [{"port": port, "open": False, "why": "TimedOut"}]}
    assert machine.clock.now() - before == pytest.approx(0.3)
