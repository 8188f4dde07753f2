"""A machine's state as the stubs of ``stubs.ps1`` read it, and what a script changed there taken back.

The outcome of a start or a stop is worked out here, on a copy of the machine, so that causes live in one place.
"""

import copy
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.lab import machine_services as scm
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_events import LabEvent
from engine.lab.machine_product import NOT_YET
from engine.lab.machine_registry import RegistryData, RegistryValue
from engine.lab.machine_services import Service
from engine.lab.pwsh_product import product_state, reached, take_over_product
from engine.model.data import JsonMap, JsonValue

_WMI_CODES = {
    scm.TIMED_OUT: 7,
    scm.LOGON_FAILED: 15,
    scm.DEPENDENCY_FAILED: 13,
    scm.DISABLED: 14,
    scm.ALREADY_RUNNING: 10,
    scm.DEPENDENTS_RUNNING: 3,
    scm.NOT_STARTED: 6,
    scm.NO_CONTROL: 5,
    scm.FILE_MISSING: 9,
}
_UNKNOWN_FAILURE = 8
_CHANGEABLE = ("state", "start_mode", "exit_code", "process_id", "since")


def state_of(machine: Machine, root: Path | None = None) -> JsonMap:
    """Everything the stubs need. ``root`` is the folder that stands for the drive C."""
    return {
        "name": machine.computer_name,
        "domain": machine.domain,
        "os_caption": machine.os_caption,
        "os_version": machine.os_version,
        "booted_at": int(machine.booted_at),
        "now": machine.clock.now(),
        "root": str(root) if root else None,
        "product": product_state(machine.product) if machine.product else None,
        "not_yet": NOT_YET,
        "network": [reached(one) for one in machine.network.values() if one is not machine],
        "restart": {"delay_s": 0, "comment": ""} if machine.restart_pending else None,
        "services": [_service(machine, one) for one in machine.services],
        "logs": [
            {"name": log.name, "entries": [_event(one, log.name) for one in log.entries]} for log in machine.events
        ],
        "processes": [
            {"name": one.name, "process_id": one.process_id, "parent_id": one.parent_id, "started": int(one.started)}
            for one in machine.processes
        ],
        "volumes": [
            {"name": one.name, "label": one.label, "size": one.size, "free": one.free, "drive_type": one.drive_type}
            for one in machine.volumes.values()
        ],
        "registry": [
            {"path": key.path, "values": [_stored(one) for one in key.values.values()]}
            for key in machine.registry
            if key.path.upper().startswith("HKLM\\")
        ],
    }


def _service(machine: Machine, one: Service) -> JsonMap:
    return {
        "name": one.name,
        "display_name": one.display_name,
        "state": one.state,
        "start_mode": one.start_mode,
        "account": one.account,
        "path": one.path,
        "listens": list(one.listens),
        "process_id": one.process_id,
        "since": one.since,
        "image": one.image,
        "exit_code": one.exit_code,
        "on_start": _effect(machine, one) if one.state == scm.STOPPED else None,
        "on_stop": _effect(machine, one) if one.state != scm.STOPPED else None,
        "pending": _pending(machine, one) if one.state == scm.STARTING else None,
    }


def _effect(machine: Machine, service: Service) -> JsonMap:
    """What starting a stopped service, or stopping one that runs or soon will, does."""
    copied, target = _copy(machine, service)
    if service.state == scm.STOPPED:
        target.start_mode = "Manual" if target.start_mode == "Disabled" else target.start_mode
        code = scm.start(copied, target)
    else:
        target.state = scm.RUNNING
        code = scm.stop(copied, target)
        if code:
            return {"code": _WMI_CODES.get(code, _UNKNOWN_FAILURE), "seconds": 0, "services": [], "events": []}
    return _outcome(machine, copied, code)


def _pending(machine: Machine, service: Service) -> JsonMap:
    """What a start that is under way ends with, and when."""
    copied, target = _copy(machine, service)
    scm.finish_start(copied, target)
    return {**_outcome(machine, copied, 0), "seconds": 0, "due": service.due}


def _outcome(machine: Machine, copied: Machine, code: int) -> JsonMap:
    changed = [one for one in copied.services if one != machine.services.get(one.name)]
    return {
        "code": _WMI_CODES.get(code, _UNKNOWN_FAILURE) if code else 0,
        "seconds": copied.clock.now() - machine.clock.now(),
        "services": [
            {
                "name": one.name,
                "state": one.state,
                "exit_code": one.exit_code,
                "process_id": one.process_id,
                "since": one.since,
            }
            for one in changed
        ],
        "events": [_event(one, log.name) for log in copied.events for one in log.entries],
    }


def _copy(machine: Machine, service: Service) -> tuple[Machine, Service]:
    """Services and accounts of its own, an empty event log, a clock that only moves when somebody waits."""
    copied = Machine(machine.name, LabClock(machine.clock.now(), speed=None), accounts=copy.deepcopy(machine.accounts))
    copied.files, copied.registry = machine.files, machine.registry
    copied.services = copy.deepcopy(machine.services)
    copied.continue_process_ids(machine)
    target = copied.services.get(service.name)
    assert target is not None
    return copied, target


def _event(event: LabEvent, log: str) -> JsonMap:
    return {
        "log": log,
        "record": event.record,
        "time": event.time,
        "source": event.source,
        "id": event.id,
        "event_id": event.event_id,
        "instance_id": event.instance_id,
        "qualifiers": event.qualifiers,
        "level": event.level,
        "message": event.message,
        "strings": list(event.strings),
    }


def _stored(value: RegistryValue) -> JsonMap:
    """A value as the registry provider takes it: numbers signed, bytes as numbers."""
    data: JsonValue
    match value.data:
        case bytes():
            data = list(value.data)
        case tuple():
            data = list(value.data)
        case int():
            bits = 32 if value.kind == "DWord" else 64
            data = value.data - (1 << bits) if value.data >= 1 << (bits - 1) else value.data
        case text:
            data = text
    return {"name": value.name, "kind": value.kind, "data": data}


def take_over(machine: Machine, exported: JsonMap, before: JsonMap) -> None:
    """Make what a script changed since ``before`` the machine's state; lab time moves on by what its waits took."""
    known = {str(one["name"]): one for one in _maps(before.get("services"))}
    for one in _maps(exported.get("services")):
        service, old = machine.services.get(str(one["name"])), known.get(str(one["name"]), {})
        if service is not None and any(one[key] != old.get(key) for key in _CHANGEABLE):
            service.state, service.start_mode = str(one["state"]), str(one["start_mode"])
            service.exit_code, service.process_id = _int(one["exit_code"]), _int(one["process_id"])
            service.since = _int(one["since"])
    counts = {str(log["name"]): len(list(_maps(log.get("entries")))) for log in _maps(before.get("logs"))}
    for log in _maps(exported.get("logs")):
        name = str(log["name"])
        _take_over_events(machine, name, list(_maps(log.get("entries")))[counts.get(name, 0) :])
    if "registry" in exported:
        _take_over_registry(machine, list(_maps(exported["registry"])))
    product, known_product = exported.get("product"), before.get("product")
    if machine.product is not None and isinstance(product, Mapping) and isinstance(known_product, Mapping):
        take_over_product(machine.product, product, known_product)
    machine.clock.advance(max(0.0, float(str(exported["now"])) - float(str(before["now"]))))
    restart = exported.get("restart")
    if isinstance(restart, Mapping) and before.get("restart") is None:
        machine.restart(float(_int(restart.get("delay_s"))), str(restart.get("comment")))


def _take_over_events(machine: Machine, name: str, entries: list[JsonMap]) -> None:
    for one in entries:
        machine.events.add(
            name,
            str(one["source"]),
            _int(one["id"]),
            str(one["level"]),
            str(one["message"]),
            tuple(str(text) for text in _items(one["strings"])),
            at=float(str(one["time"])),
            qualifiers=_int(one["qualifiers"]),
        )


def _take_over_registry(machine: Machine, keys: list[JsonMap]) -> None:
    present = {str(key["path"]).lower() for key in keys}
    for key in list(machine.registry):
        if key.path.upper().startswith("HKLM\\") and key.path.lower() not in present:
            machine.registry.remove_key(key.path)
    for raw in keys:
        path = str(raw["path"])
        values = list(_maps(raw.get("values")))
        kept = machine.registry.make_key(path)
        for name in set(kept.values) - {str(one["name"]).lower() for one in values}:
            del kept.values[name]
        for one in values:
            machine.registry.set(path, str(one["name"]), _data(one), str(one["kind"]))


def _data(value: JsonMap) -> RegistryData:
    data = value["data"]
    match value["kind"]:
        case "Binary":
            return bytes.fromhex(str(data or ""))
        case "DWord" | "QWord":
            return _int(data)
        case "MultiString":
            return tuple(str(one) for one in _items(data))
        case _:
            return str(data)


def _items(value: JsonValue) -> Iterable[JsonValue]:
    return value if isinstance(value, (list, tuple)) else ()


def _maps(value: JsonValue) -> Iterable[JsonMap]:
    return [one for one in _items(value) if isinstance(one, Mapping)]


def _int(value: object) -> int:
    return int(str(value))


def write_drive(machine: Machine, root: Path) -> None:
    """The machine's drive C as a real folder."""
    for path in machine.files.folders.values():
        if path.lower().startswith("c:\\"):
            (root / path[3:].replace("\\", "/")).mkdir(parents=True, exist_ok=True)
    for file in machine.files:
        if file.path.lower().startswith("c:\\"):
            place = root / file.path[3:].replace("\\", "/")
            place.write_bytes(file.content)
            os.utime(place, (int(file.modified), int(file.modified)))


def read_drive(machine: Machine, root: Path) -> None:
    """Take over files that a script wrote or deleted on the drive C."""
    found = {f"C:\\{one.relative_to(root)}".replace("/", "\\"): one for one in root.rglob("*")}
    present = {path.lower() for path in found}
    for file in list(machine.files):
        if file.path.lower().startswith("c:\\") and file.path.lower() not in present:
            machine.files.delete(file.path)
    for path, place in found.items():
        if place.is_dir():
            machine.files.make_folder(path)
            continue
        content, old = place.read_bytes(), machine.files.get(path)
        if old is None or old.content != content:
            machine.files.write(path, content, modified=machine.clock.now())
