"""What ``windows_tcp_port.observe.ps1`` finds: a port is open where a running service of a reachable machine listens.

Another machine is only read, without its lock: two machines that look at each other must not wait for one another.
"""

from engine.lab import machine_services as scm
from engine.lab.machine import Machine
from engine.model.data import JsonMap, JsonValue

_ITSELF = ("localhost", "127.0.0.1", ".")


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Each port of the named computer."""
    ports = arguments["ports"]
    assert isinstance(ports, (list, tuple))
    target = _named(machine, str(arguments["computer"]).lower())
    answers: list[JsonValue] = []
    for port in ports:
        why = "HostNotFound" if target is None else _why_closed(machine, target, int(str(port)))
        if why == "TimedOut":
            machine.wait(int(str(arguments["timeout_ms"])) / 1000)
        answers.append({"port": port, "open": why is None, "why": why})
    return {"ports": answers}


def _named(machine: Machine, name: str) -> Machine | None:
    if name in _ITSELF:
        return machine
    for one in (machine, *machine.network.values()):
        if name in (one.name.lower(), f"{one.name}.{one.domain}".lower()):
            return one
    return None


def _why_closed(machine: Machine, target: Machine, port: int) -> str | None:
    if target is not machine and (port in target.blocked_ports or not target.up):
        return "TimedOut"
    listening = {one for service in target.services if service.state == scm.RUNNING for one in service.listens}
    return None if port in listening else "ConnectionRefused"
