"""What the payloads of ``windows.service`` see and do: the Service Control Manager through WMI's eyes."""

from engine.lab import machine_services as scm
from engine.lab.behaviours import PayloadError
from engine.lab.machine import Machine
from engine.lab.machine_services import Service
from engine.model.data import JsonMap, JsonValue

_REASONS = {
    2: "the file of the service was not found",
    5: "access is denied",
    1051: "other running services depend on it",
    1053: "the service did not respond in time",
    1058: "the service is disabled",
    1068: "a service that it depends on failed to start",
    1069: "the account of the service could not log on",
    14001: "its configuration file is not valid",
}
_LARGEST_WIN32 = 65535
_MODES = {"Automatic": "Auto"}


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Every named service, or that it is not there."""
    names = arguments["names"]
    assert isinstance(names, (list, tuple))
    return {"services": [_seen(machine.services.get(str(name)), str(name)) for name in names]}


def _seen(service: Service | None, name: str) -> JsonMap:
    if service is None:
        return {"name": name, "found": False}
    return {
        "name": service.name,
        "found": True,
        "display_name": service.display_name,
        "state": service.state,
        "start_mode": service.start_mode,
        "account": service.account,
        "path": service.path,
        "process_id": service.process_id,
        "exit_code": service.exit_code,
    }


def ensure(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Set the start mode, start or stop, and wait."""
    name = str(arguments["name"])
    service = machine.services.get(name)
    if service is None:
        raise PayloadError(f"There is no service {name} on this computer.")
    mode = arguments.get("start_mode")
    if mode:
        service.start_mode = _MODES.get(str(mode), str(mode))
    if arguments.get("state") == "running":
        _start(machine, service, name, arguments)
    if arguments.get("state") == "stopped":
        _stop(machine, service, name, arguments)
    return {"name": service.name, "state": service.state, "start_mode": service.start_mode}


def reason(code: int) -> str:
    """An error of the Service Control Manager, as the payload tells it."""
    if code > _LARGEST_WIN32:
        return f"error {code} (0x{code:08X})"
    return f"error {code}, {_REASONS[code]}" if code in _REASONS else f"error {code}"


def _start(machine: Machine, service: Service, name: str, arguments: JsonMap) -> None:
    if service.state == scm.STOPPED:
        code = scm.start(machine, service)
        if code:
            raise PayloadError(f"The service {name} did not start: {reason(code)}.")
    _wait(machine, service, name, (scm.RUNNING,), arguments)


def _stop(machine: Machine, service: Service, name: str, arguments: JsonMap) -> None:
    if service.state == scm.STARTING:
        _wait(machine, service, name, (scm.RUNNING, scm.STOPPED), arguments)
    if service.state == scm.RUNNING:
        code = scm.stop(machine, service)
        if code:
            raise PayloadError(f"The service {name} did not stop: {reason(code)}.")


def _wait(machine: Machine, service: Service, name: str, wanted: tuple[str, ...], arguments: JsonMap) -> None:
    """Look every second, as the payload does."""
    limit = int(str(arguments["timeout_s"]))
    for waited in range(limit + 1):
        machine.settle()
        if service.state in wanted:
            return
        if service.state != scm.STARTING:
            raise PayloadError(f"The service {name} ended as {service.state}: {reason(service.exit_code)}.")
        if waited < limit:
            machine.wait(1.0)
    raise PayloadError(f"The service {name} is still {service.state} after {limit} s.")
