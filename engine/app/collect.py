"""Use case: collect evidence from the live estate, by looks alone, into plain values; every gap is told.

Hosts are asked side by side. What one host does not give never keeps the others from being asked.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from engine.app.look import LookRefused, look
from engine.connections import connect
from engine.evidence.stamps import moment
from engine.evidence.writer import HostEvidence
from engine.model.data import JsonMap
from engine.model.errors import ConnectionProblem, EngineError, SecretUnavailable
from engine.model.inventory import Host
from engine.model.triage import UNKNOWN, Concern, EvidenceHost, Missing, Versions
from engine.ports.connection import Connection
from engine.secrets import Masker, SecretBox, open_box

LOGS = r"C:\Users\*\AppData\Local\Temp\**\SCSM*.log"
SYSTEM_EVENTS = (7000, 7009, 7011, 7022, 7023, 7024, 7031, 7034, 7038, 7041)
INSTALLER_EVENTS = (1033,)
CONTROL_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control"
MAX_LOG_BYTES = 64 * 1024 * 1024
LOOK_S = 120.0
OPEN_S = 20.0
_NUMBER = re.compile(r"\d+(\.\d+)*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
WHOLE = "the host as a whole"

Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Collected:
    """What one host gave so far. ``events`` is log name to records, ``registry`` key to values."""

    name: str
    role: str | None = None
    binaries: str | None = None
    management_packs: str | None = None
    databases: dict[str, str] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    modified: dict[str, float] = field(default_factory=dict)
    events: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    registry: dict[str, dict[str, Any]] = field(default_factory=dict)
    setup_running: bool | None = None
    missing: list[Missing] = field(default_factory=list)

    def miss(self, what: str, why: str, concerns: Concern) -> None:
        """Something that the host did not give."""
        self.missing.append(Missing(what=what, why=why, host=self.name, concerns=concerns))

    def hide(self, masker: Masker) -> None:
        """Mask what the host said: an installer's log may hold the password that the engine came with. A version number
        stays, as it is what the verdict rests on.
        """
        self.logs = {masker.text(path): masker.data(content) for path, content in self.logs.items()}
        self.modified = {masker.text(path): when for path, when in self.modified.items()}
        self.events = {log: _records(records, masker) for log, records in self.events.items()}
        self.registry = {key: _values(values, masker) for key, values in self.registry.items()}
        self.missing = [replace(one, what=masker.text(one.what), why=masker.text(one.why)) for one in self.missing]
        self.databases = {masker.text(name): _version(one, masker) for name, one in self.databases.items()}
        self.binaries = self.binaries and _version(self.binaries, masker)
        self.management_packs = self.management_packs and _version(self.management_packs, masker)

    def evidence(self) -> HostEvidence:
        """The same, as it is written down."""
        versions = Versions(
            binaries=self.binaries or UNKNOWN,
            management_packs=self.management_packs or UNKNOWN,
            databases=dict(self.databases),
        )
        return HostEvidence(
            host=EvidenceHost(name=self.name, role=self.role or UNKNOWN, versions=versions),
            logs=self.logs,
            modified=self.modified,
            events=self.events,
            registry=self.registry,
            missing=tuple(self.missing),
        )


def collect(hosts: Sequence[Host], forks: int, say: Say) -> tuple[Collected, ...]:
    """Ask every host; the order of the answers is that of ``hosts``. Passwords are had before it."""
    box = open_box()
    closed = _closed(hosts, box)
    if closed and len(closed) == len(hosts):
        raise next(iter(closed.values()))

    def one(host: Host) -> Collected:
        found = Collected(name=host.name)
        if host.name in closed:
            _not_asked(found, closed[host.name])
        else:
            _ask(host, box, found)
        found.hide(box.masker)
        say(f"{host.name}: setup logs {len(found.logs)}, events {sum(map(len, found.events.values()))}, {_gaps(found)}")
        return found

    with ThreadPoolExecutor(max_workers=forks, thread_name_prefix="collect") as pool:
        return tuple(pool.map(one, hosts))


def _records(records: Sequence[Mapping[str, Any]], masker: Masker) -> Sequence[Mapping[str, Any]]:
    return tuple(_values(one, masker) for one in records)


def _values(said: Mapping[str, Any], masker: Masker) -> dict[str, Any]:
    """Texts; a number, or the time of a record, is none, and is read as one again."""
    return {
        name: value if isinstance(value, (int, float)) or _TIME.fullmatch(str(value)) else masker.value(value)
        for name, value in said.items()
    }


def _version(said: str, masker: Masker) -> str:
    return said if _NUMBER.fullmatch(said) else masker.text(said)


def _closed(hosts: Sequence[Host], box: SecretBox) -> Mapping[str, SecretUnavailable]:
    """The hosts whose password cannot be had, and why."""
    found: dict[str, SecretUnavailable] = {}
    for host in hosts:
        try:
            if host.password is not None:
                box.open(host.password)
        except SecretUnavailable as problem:
            found[host.name] = problem
    return found


def _ask(host: Host, box: SecretBox, found: Collected) -> None:
    connection: Connection | None = None
    what = WHOLE
    try:
        connection = connect(host, box.open)
        connection.open(OPEN_S)
        what = "what was not yet asked of the host"
        _from_host(connection, found)
    except ConnectionProblem as problem:
        found.miss(what, f"{problem.operation} {problem.verb}: {problem.cause}", Concern.ANYTHING)
    except EngineError as problem:
        _not_asked(found, problem, what)
    finally:
        if connection is not None:
            connection.close()


def _not_asked(found: Collected, problem: EngineError, what: str = WHOLE) -> None:
    found.miss(what, f"{problem.message}; {problem.remedy}" if problem.remedy else problem.message, Concern.ANYTHING)


def _gaps(found: Collected) -> str:
    return f"gaps {len(found.missing)}" if found.missing else "no gaps"


def _from_host(connection: Connection, found: Collected) -> None:
    facts = _try(
        found, "role and build", Concern.VERSIONS, connection, "service_manager.installation", {"allow_none": True}
    )
    found.role = str(facts["role"]) if facts and facts.get("role") not in (None, "none") else None
    _versions(connection, found, facts or {})
    if found.role == "sql-server":
        return
    _processes(connection, found)
    _logs(connection, found)
    for log, query in _logs_to_read():
        _events(connection, found, log, query)
    wanted = {"key": CONTROL_KEY, "name": "ServicesPipeTimeout"}
    # No finding asks for it: what the value means is the runbook's to say.
    value = _try(
        found, "registry value ServicesPipeTimeout", Concern.NOTHING, connection, "windows.registry_value", wanted
    )
    if value is not None and value.get("value") is not None:
        found.registry[CONTROL_KEY] = {"ServicesPipeTimeout": value.get("value")}


def _events(connection: Connection, found: Collected, log: str, query: Mapping[str, Any]) -> None:
    records = _try(found, f"event log {log}", Concern.EVENTS, connection, "windows.event_log", {"log": log, **query})
    if records is None or records.get("log_found") is not True:
        return
    listed = records.get("events")
    found.events[log] = tuple(one for one in _listed(listed) if isinstance(one, Mapping))
    if records.get("complete") is False:
        why = f"the search ended after {records.get('examined')} records; older ones were not read"
        found.miss(f"older records of the event log {log}", why, Concern.EVENTS)


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _logs_to_read() -> Iterator[tuple[str, dict[str, Any]]]:
    every = {"limit": 500, "allow_none": True}
    yield "System", {"source": "Service Control Manager", "id": list(SYSTEM_EVENTS), **every}
    yield "Application", {"id": list(INSTALLER_EVENTS), **every}
    yield "Operations Manager", every


def _versions(connection: Connection, found: Collected, facts: JsonMap) -> None:
    build = facts.get("build")
    if isinstance(build, str) and build:
        found.binaries = build
    result = _try(found, "versions", Concern.VERSIONS, connection, "service_manager.versions", {})
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


def _processes(connection: Connection, found: Collected) -> None:
    running = _try(found, "running processes", Concern.SETUP_RUNNING, connection, "windows.process", {"expect": "any"})
    if running is not None and isinstance(running.get("examined"), int) and running["examined"]:
        found.setup_running = running.get("found") is True


def _logs(connection: Connection, found: Collected) -> None:
    arguments = {"files": LOGS, "patterns": [], "allow_none": True}
    listing = _try(found, "setup logs", Concern.LOGS, connection, "windows.log_search", arguments) or {}
    for one in _listed(listing.get("skipped")):
        if isinstance(one, Mapping):
            found.miss(str(one.get("path")), f"it cannot be read: {one.get('why')}", Concern.LOGS)
    for one in _listed(listing.get("files")):
        if isinstance(one, Mapping):
            _log(connection, found, str(one.get("path")), str(one.get("modified")))


def _log(connection: Connection, found: Collected, path: str, modified: str) -> None:
    try:
        found.logs[path] = connection.get(path, MAX_LOG_BYTES, LOOK_S)
    except ConnectionProblem as problem:
        found.miss(path, problem.cause, Concern.LOGS)
        return
    when = moment(modified)
    if when is not None:
        found.modified[path] = when[0]


def _try(
    found: Collected,
    what: str,
    concerns: Concern,
    connection: Connection,
    action: str,
    arguments: Mapping[str, Any],
) -> JsonMap | None:
    """The look's result, or a gap that says why."""
    try:
        return look(connection, found.name, action, arguments, LOOK_S)
    except LookRefused as refused:
        found.miss(what, str(refused), concerns)
    return None
