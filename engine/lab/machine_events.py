"""Windows event logs as state, with the texts and insertion strings that Windows gives its own events."""

from collections.abc import Iterator
from dataclasses import dataclass, field

SCM = "Service Control Manager"
ERROR, WARNING, INFORMATION = "Error", "Warning", "Information"
_QUALIFIERS = {ERROR: 0xC000, WARNING: 0x8000, INFORMATION: 0x4000}

WIN32_TEXTS = {
    2: "The system cannot find the file specified.",
    1051: "A stop control has been sent to a service that other running services are dependent on.",
    1053: "The service did not respond to the start or control request in a timely fashion.",
    1056: "An instance of the service is already running.",
    1058: "The service cannot be started, either because it is disabled or because it has no enabled devices "
    "associated with it.",
    1062: "The service has not been started.",
    1068: "The dependency service or group failed to start.",
    1069: "The service did not start due to a logon failure.",
    1326: "Logon failure: unknown user name or bad password.",
    1385: "Logon failure: the user has not been granted the requested logon type at this computer.",
    1909: "The referenced account is currently locked out and may not be logged on to.",
    14001: "The application has failed to start because its side-by-side configuration is incorrect.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabEvent:
    """One record. ``qualifiers`` are the upper 16 bits of the instance id; ``time`` is epoch seconds."""

    record: int
    time: float
    source: str
    id: int
    level: str
    message: str
    strings: tuple[str, ...] = ()
    qualifiers: int = 0

    @property
    def instance_id(self) -> int:
        """What ``EventLogEntry.InstanceId`` shows."""
        return (self.qualifiers << 16) | self.id

    @property
    def event_id(self) -> int:
        """What ``EventLogEntry.EventID`` shows: the instance id without its two severity bits."""
        return self.instance_id & 0x3FFFFFFF


@dataclass(slots=True)
class EventLog:
    """One log, oldest record first."""

    name: str
    entries: list[LabEvent] = field(default_factory=list)
    next_record: int = 1


@dataclass(slots=True)
class EventLogs:
    """All logs of a machine, by name without case."""

    logs: dict[str, EventLog] = field(default_factory=dict)

    def make(self, name: str) -> EventLog:
        """The log, created if it is new."""
        return self.logs.setdefault(name.lower(), EventLog(name))

    def get(self, name: str) -> EventLog | None:
        """The log of that name, or None."""
        return self.logs.get(name.lower())

    def add(
        self,
        log: str,
        source: str,
        number: int,
        level: str,
        message: str,
        strings: tuple[str, ...] = (),
        *,
        at: float,
        qualifiers: int | None = None,
    ) -> None:
        """Append a record."""
        target = self.make(log)
        bits = _QUALIFIERS.get(level, 0) if qualifiers is None else qualifiers
        target.entries.append(
            LabEvent(
                record=target.next_record,
                time=at,
                source=source,
                id=number,
                level=level,
                message=message,
                strings=strings,
                qualifiers=bits,
            )
        )
        target.next_record += 1

    def __iter__(self) -> Iterator[EventLog]:
        """All logs by name."""
        return iter([self.logs[key] for key in sorted(self.logs)])


def service_entered(logs: EventLogs, display: str, state: str, at: float) -> None:
    """7036: a service changed its state."""
    text = f"The {display} service entered the {state} state."
    logs.add("System", SCM, 7036, INFORMATION, text, (display, state), at=at)


def start_timed_out(logs: EventLogs, display: str, timeout_ms: int, at: float) -> None:
    """7009: the service's process did not connect in time."""
    text = f"A timeout was reached ({timeout_ms} milliseconds) while waiting for the {display} service to connect."
    logs.add("System", SCM, 7009, ERROR, text, (str(timeout_ms), display), at=at)


def start_failed(logs: EventLogs, display: str, code: int, at: float) -> None:
    """7000: a service did not start, with the reason."""
    reason = WIN32_TEXTS.get(code, f"Error {code}")
    text = f"The {display} service failed to start due to the following error: \r\n{reason}"
    logs.add("System", SCM, 7000, ERROR, text, (display, f"%%{code}"), at=at)


def dependency_failed(logs: EventLogs, display: str, needed: str, code: int, at: float) -> None:
    """7001: a service that this one needs did not start."""
    reason = WIN32_TEXTS.get(code, f"Error {code}")
    text = (
        f"The {display} service depends on the {needed} service which failed to start because of the "
        f"following error: \r\n{reason}"
    )
    logs.add("System", SCM, 7001, ERROR, text, (display, needed, f"%%{code}"), at=at)


def logon_failed(logs: EventLogs, display: str, account: str, code: int, at: float) -> None:
    """7038 (wrong password, locked account) or 7041 (missing right)."""
    number = 7041 if code == 1385 else 7038  # noqa: PLR2004 - the Win32 code is its own name
    text = (
        f"The {display} service was unable to log on as {account} with the currently configured password due to the "
        f"following error: \r\n{WIN32_TEXTS[code]}"
    )
    logs.add("System", SCM, number, ERROR, text, (display, account, f"%%{code}"), at=at)
