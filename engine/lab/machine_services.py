"""A Service Control Manager as state with causes: time-outs, log-ons, dependencies, configuration files.

A start is decided when it is asked for, and done when its lab time has passed, so that nothing runs in the background.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol
from xml.etree import ElementTree

from engine.lab import machine_events as events
from engine.lab.clock import LabClock
from engine.lab.machine_files import Files

RUNNING, STOPPED, STARTING = "Running", "Stopped", "Start Pending"
TIMED_OUT, LOGON_FAILED, DEPENDENCY_FAILED, DISABLED, ALREADY_RUNNING = 1053, 1069, 1068, 1058, 1056
DEPENDENTS_RUNNING, NOT_STARTED, FILE_MISSING, BAD_CONFIG = 1051, 1062, 2, 14001
NO_CONTROL = 1061
NEVER_STARTED = 1077
_IMAGE = re.compile(r'\s*"?(?:[^"]*?\\)?([^"\\]+?\.exe)(?:["\s]|$)', re.IGNORECASE)
_BUILT_IN_ACCOUNTS = ("localsystem", "nt authority\\localservice", "nt authority\\networkservice")


@dataclass(slots=True, kw_only=True)
class Account:
    """A user account of the domain or the machine."""

    name: str
    password: str
    may_log_on_as_service: bool = True
    locked: bool = False


@dataclass(slots=True, kw_only=True)
class Service:
    """One service. ``start_s`` is the lab time its process needs to connect, ``start_s_unverified`` the time once its
    configuration file switches publisher evidence off. ``program`` must exist as a file if it is given.
    ``listens`` are the TCP ports that are open while it runs. A ``stuck`` one runs and takes no controls. ``since`` is
    when its process began, in whole seconds.
    """

    name: str
    display_name: str
    path: str
    account: str = "LocalSystem"
    password: str = ""
    start_mode: str = "Auto"
    state: str = STOPPED
    exit_code: int = NEVER_STARTED
    process_id: int = 0
    since: int = 0
    start_s: float = 1.0
    start_s_unverified: float | None = None
    config_file: str | None = None
    program: str | None = None
    needs: tuple[str, ...] = ()
    listens: tuple[int, ...] = ()
    stuck: bool = False
    due: float = 0.0
    outcome: int = 0

    @property
    def image(self) -> str:
        """The name of its process, as ``MonitoringHost.exe``; empty if the path names no program."""
        found = _IMAGE.match(self.path)
        return found[1] if found else ""


def evidence_switched_off(content: bytes) -> bool:
    """True if a .NET configuration file switches publisher evidence off; ``ParseError`` if it is malformed."""
    root = ElementTree.fromstring(content)
    elements = root.findall("./runtime/generatePublisherEvidence") if root.tag == "configuration" else []
    return any(one.get("enabled", "true").lower() == "false" for one in elements)


@dataclass(slots=True)
class Services:
    """The services of a machine by name without case, and the start time-out that was read at boot."""

    entries: dict[str, Service] = field(default_factory=dict)
    timeout_ms: int = 30000

    def add(self, *services: Service) -> None:
        """Install services."""
        self.entries.update({one.name.lower(): one for one in services})

    def get(self, name: str) -> Service | None:
        """The service of that name, or None."""
        return self.entries.get(name.lower())

    def __iter__(self) -> Iterator[Service]:
        """All services by name."""
        return iter([self.entries[key] for key in sorted(self.entries)])


class Owner(Protocol):
    """What the services need of the machine they are on."""

    clock: LabClock
    services: Services
    events: events.EventLogs
    files: Files
    boots: int

    def account(self, user: str) -> Account | None:
        """The account of that name."""

    def next_process_id(self) -> int:
        """A fresh process id."""

    def wait(self, seconds: float) -> None:
        """Let lab time pass."""

    def settle(self) -> None:
        """Let everything happen that was due."""


def start(machine: Owner, service: Service) -> int:
    """Start a service and those it needs; the Win32 code, 0 for success. Lab time passes meanwhile."""
    code = begin_start(machine, service)
    if service.state != STARTING:
        return code
    boot = machine.boots
    machine.wait(max(0.0, service.due - machine.clock.now()))
    machine.settle()
    return service.exit_code if machine.boots == boot else TIMED_OUT


def begin_start(machine: Owner, service: Service, after: float | None = None) -> int:
    """Ask for a start: refused at once with a code, or pending with its outcome and its time."""
    now = machine.clock.now() if after is None else after
    if service.state in (RUNNING, STARTING):
        return ALREADY_RUNNING
    if service.start_mode == "Disabled":
        return _refused(service, DISABLED)
    for name in service.needs:
        code, now = _start_needed(machine, service, name, now)
        if code:
            return _refused(service, code)
    code, seconds = outcome_of_start(machine, service)
    service.state, service.due, service.outcome = STARTING, now + seconds, code
    return 0


def _start_needed(machine: Owner, service: Service, name: str, now: float) -> tuple[int, float]:
    """Start what a service needs: a code, and the time from which the service itself can start."""
    needed = machine.services.get(name)
    if needed is None:
        return DEPENDENCY_FAILED, now
    if needed.state == STOPPED:
        begin_start(machine, needed, now)
    if needed.state == STARTING:
        now = max(now, needed.due)
    if needed.state == STOPPED or (needed.state == STARTING and needed.outcome):
        code = needed.outcome or needed.exit_code
        events.dependency_failed(machine.events, service.display_name, needed.display_name, code, now)
        return DEPENDENCY_FAILED, now
    return 0, now


def _refused(service: Service, code: int) -> int:
    service.exit_code = code
    return code


def outcome_of_start(machine: Owner, service: Service) -> tuple[int, float]:
    """What a start will end with and how long it takes, out of the machine's state now."""
    if _logon_code(machine, service):
        return LOGON_FAILED, 0.5
    if service.program and machine.files.get(service.program) is None:
        return FILE_MISSING, 0.1
    try:
        seconds = _seconds_to_connect(machine, service)
    except ElementTree.ParseError:
        return BAD_CONFIG, 0.5
    limit = machine.services.timeout_ms / 1000
    return (TIMED_OUT, limit) if seconds > limit else (0, seconds)


def _seconds_to_connect(machine: Owner, service: Service) -> float:
    config = machine.files.get(service.config_file) if service.config_file else None
    if config and evidence_switched_off(config.content) and service.start_s_unverified is not None:
        return service.start_s_unverified
    return service.start_s


def _logon_code(machine: Owner, service: Service) -> int:
    """The Win32 code of the log-on of a service's account; 0 if it can log on."""
    if service.account.lower() in _BUILT_IN_ACCOUNTS:
        return 0
    account = machine.account(service.account)
    if account is None or account.password != service.password:
        return 1326
    if account.locked:
        return 1909
    return 0 if account.may_log_on_as_service else 1385


def finish_start(machine: Owner, service: Service) -> None:
    """The pending start's time has come: running, or stopped with its events."""
    at, code, display = service.due, service.outcome, service.display_name
    service.exit_code = code
    if code == 0:
        service.state, service.process_id, service.since = RUNNING, machine.next_process_id(), int(at)
        events.service_entered(machine.events, display, "running", at)
        return
    service.state, service.process_id = STOPPED, 0
    if code == TIMED_OUT:
        events.start_timed_out(machine.events, display, machine.services.timeout_ms, at)
    if code == LOGON_FAILED:
        events.logon_failed(machine.events, display, service.account, _logon_code(machine, service) or 1326, at)
    events.start_failed(machine.events, display, code, at)


def stop(machine: Owner, service: Service) -> int:
    """Stop a service: 0, or the Win32 code of the refusal."""
    if service.state != RUNNING:
        return NOT_STARTED
    if service.stuck:
        return NO_CONTROL
    needed_by = [one for one in machine.services if service.name.lower() in [name.lower() for name in one.needs]]
    if any(one.state != STOPPED for one in needed_by):
        return DEPENDENTS_RUNNING
    service.state, service.process_id, service.exit_code = STOPPED, 0, 0
    events.service_entered(machine.events, service.display_name, "stopped", machine.clock.now())
    return 0
