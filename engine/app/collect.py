"""Use case: collect evidence from the live estate, by looks alone, into plain values; every gap is told.

Hosts are asked side by side. What one host does not give never keeps the others from being asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from engine.app.look import LookRefused, look
from engine.connections import connect
from engine.model.data import JsonMap
from engine.model.errors import ConnectionProblem
from engine.model.inventory import Host
from engine.model.triage import Missing
from engine.ports.connection import Connection
from engine.secrets import open_box

LOGS = r"C:\Users\*\AppData\Local\Temp\**\SCSM*.log"
SYSTEM_EVENTS = (7000, 7009, 7011, 7022, 7023, 7024, 7031, 7034, 7038, 7041)
INSTALLER_EVENTS = (1033,)
CONTROL_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control"
MAX_LOG_BYTES = 64 * 1024 * 1024
LOOK_S = 120.0
OPEN_S = 20.0

Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class HostEvidence:
    """What one host gave. ``events`` is log name to records, ``registry`` key to values."""

    name: str
    role: str | None = None
    binaries: str | None = None
    management_packs: str | None = None
    databases: dict[str, str] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    events: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    registry: dict[str, dict[str, Any]] = field(default_factory=dict)
    setup_running: bool | None = None
    missing: list[Missing] = field(default_factory=list)


def collect(hosts: Sequence[Host], forks: int, say: Say) -> tuple[HostEvidence, ...]:
    """Ask every host; the order of the answers is that of ``hosts``."""
    box = open_box()

    def one(host: Host) -> HostEvidence:
        found = HostEvidence(name=host.name)
        connection = connect(host, box.open)
        try:
            connection.open(OPEN_S)
            _from_host(connection, host, found)
        except ConnectionProblem as problem:
            found.missing.append(Missing(what=f"{host.name} as a whole", why=problem.message, host=host.name))
        finally:
            connection.close()
        say(f"{host.name}: setup logs {len(found.logs)}, events {sum(map(len, found.events.values()))}, {_gaps(found)}")
        return found

    with ThreadPoolExecutor(max_workers=forks, thread_name_prefix="collect") as pool:
        return tuple(pool.map(one, hosts))


def _gaps(found: HostEvidence) -> str:
    return f"gaps {len(found.missing)}" if found.missing else "no gaps"


def _from_host(connection: Connection, host: Host, found: HostEvidence) -> None:
    facts = _try(found, "role and build", connection, "service_manager.installation", {"allow_none": True})
    found.role = str(facts["role"]) if facts and facts.get("role") not in (None, "none") else None
    _versions(connection, found, facts or {})
    if found.role == "sql-server":
        return
    _processes(connection, found)
    _logs(connection, host, found)
    for log, query in _logs_to_read():
        records = _try(found, f"event log {log}", connection, "windows.event_log", {"log": log, **query})
        if records is not None and records.get("log_found") is True:
            found.events[log] = tuple(one for one in records.get("events", ()) if isinstance(one, Mapping))  # type: ignore[union-attr]
    value = _try(
        found,
        "registry value ServicesPipeTimeout",
        connection,
        "windows.registry_value",
        {"key": CONTROL_KEY, "name": "ServicesPipeTimeout"},
    )
    if value is not None and value.get("value") is not None:
        found.registry[CONTROL_KEY] = {"ServicesPipeTimeout": value.get("value")}


def _logs_to_read() -> Iterator[tuple[str, dict[str, Any]]]:
    every = {"limit": 500, "allow_none": True}
    yield "System", {"source": "Service Control Manager", "id": list(SYSTEM_EVENTS), **every}
    yield "Application", {"id": list(INSTALLER_EVENTS), **every}
    yield "Operations Manager", every


def _versions(connection: Connection, found: HostEvidence, facts: JsonMap) -> None:
    build = facts.get("build")
    if isinstance(build, str) and build:
        found.binaries = build
    result = _try(found, "versions", connection, "service_manager.versions", {})
    versions = result.get("versions") if result else None
    if not isinstance(versions, Mapping):
        return
    databases = versions.get("databases")
    if isinstance(databases, Mapping):
        found.databases = {str(name): str(version) for name, version in databases.items()}
    for kind in ("binaries", "management_packs"):
        value = versions.get(kind)
        if isinstance(value, str) and value != "unknown":
            setattr(found, kind, value)


def _processes(connection: Connection, found: HostEvidence) -> None:
    running = _try(found, "running processes", connection, "windows.process", {"expect": "any"})
    if running is not None and isinstance(running.get("examined"), int) and running["examined"]:
        found.setup_running = running.get("found") is True


def _logs(connection: Connection, host: Host, found: HostEvidence) -> None:
    arguments = {"files": LOGS, "patterns": [], "allow_none": True}
    listing = _try(found, "setup logs", connection, "windows.log_search", arguments)
    files = listing.get("files", ()) if listing else ()
    for one in files if isinstance(files, (list, tuple)) else ():
        path = str(one["path"]) if isinstance(one, Mapping) else ""
        try:
            found.logs[path] = connection.get(path, MAX_LOG_BYTES, LOOK_S)
        except ConnectionProblem as problem:
            found.missing.append(Missing(what=path, why=problem.cause, host=host.name))


def _try(
    found: HostEvidence, what: str, connection: Connection, action: str, arguments: Mapping[str, Any]
) -> JsonMap | None:
    """The look's result, or a gap that says why."""
    try:
        return look(connection, found.name, action, arguments, LOOK_S)
    except LookRefused as refused:
        found.missing.append(Missing(what=what, why=str(refused), host=found.name))
    return None
