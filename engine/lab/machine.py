"""One Windows machine of the lab: state, causes, boots; and the answers it gives to framed scripts.

Every public method holds the machine's lock; ``wait`` frees it while lab time passes. Nothing runs in the background:
what was due happens, with its own time stamp, as soon as somebody looks (``settle``).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from engine.lab import machine_events as events
from engine.lab import machine_services as scm
from engine.lab.clock import LabClock, iso
from engine.lab.machine_error import PayloadError
from engine.lab.machine_files import Files
from engine.lab.machine_product import ServerProduct
from engine.lab.machine_registry import Registry
from engine.lab.machine_services import Account, Services
from engine.lab.machine_sql import SqlInstance
from engine.model.data import JsonMap, JsonValue, text_digest
from engine.model.frame import HANDSHAKE, Frame
from engine.model.packaged import payloads

CONTROL_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control"
DEFAULT_TIMEOUT_MS = 30000
_ANSWER_GETS_HOME_S = 0.3

_ENDS_WITH_THE_SESSION = ("Setup.exe", "SetupWizard.exe", "msiexec.exe", "wsmprovhost.exe")

RunPayload: TypeAlias = Callable[["Machine", JsonMap], JsonValue]
RunScript: TypeAlias = Callable[["Machine", str, JsonMap], JsonMap]


@dataclass(slots=True, kw_only=True)
class Process:
    """One running process; the parent is the system's own unless another is named."""

    name: str
    process_id: int
    started: float
    parent_id: int = 4


@dataclass(slots=True, kw_only=True)
class Volume:
    r"""A volume by its mount point, as ``C:\`` or ``C:\mnt\data\``."""

    name: str
    size: int
    free: int
    label: str = ""
    drive_type: int = 3


class Machine:
    """State and causes. ``behaviours`` answers packaged payloads; ``run_script`` any other script."""

    def __init__(
        self,
        name: str,
        clock: LabClock,
        *,
        domain: str = "contoso.lab",
        behaviours: Mapping[str, RunPayload] | None = None,
        run_script: RunScript | None = None,
        accounts: dict[str, Account] | None = None,
    ) -> None:
        self._name = name
        self.clock = clock
        self.domain = domain
        self.behaviours = behaviours or {}
        self.run_script = run_script
        self.accounts = accounts if accounts is not None else {}
        self.lock = threading.Condition(threading.RLock())
        self.registry = Registry()
        self.services = Services()
        self.events = events.EventLogs()
        self.files = Files()
        self.volumes: dict[str, Volume] = {}
        self.processes: list[Process] = []
        self.sql: SqlInstance | None = None
        self.product: ServerProduct | None = None
        self.network: Mapping[str, Machine] = {}
        self.blocked_ports: set[int] = set()
        self.os_caption = "Microsoft Windows Server 2008 R2 Enterprise"
        self.os_version = "6.1.7601"
        self.powershell_version = "2.0"
        self.logged_on = ""
        self.boots = 1
        self.booted_at = clock.now()
        self.boot_s = 90.0
        self.returns_from_reboot = True
        self._process_ids = 400
        self._restart_at: float | None = None
        self._up_at: float | None = None

    # -- what a server asks (engine/lab/host.py)

    @property
    def name(self) -> str:
        """Computer name, as ``SM01``."""
        return self._name

    def reachable(self) -> bool:
        """False from the moment the restart takes the machine down until it is up again."""
        with self.lock:
            self.settle()
            return self._up_at is None

    @property
    def up(self) -> bool:
        """True unless the machine is down for a restart; only reads, so that another machine may ask."""
        return self._up_at is None

    @property
    def computer_name(self) -> str:
        """The name as Windows has it; ``name`` is the one that the estate knows the machine by."""
        stored = self.registry.data(rf"{CONTROL_KEY}\ComputerName\ComputerName", "ComputerName")
        return stored if isinstance(stored, str) and stored else self.name

    def boot_number(self) -> int:
        """How often the machine has booted."""
        with self.lock:
            self.settle()
            return self.boots

    def password_of(self, user: str) -> str | None:
        r"""The password of ``DOMAIN\user``, ``user@domain`` or ``user``; None for an unknown account."""
        with self.lock:
            account = self.account(user)
            return account.password if account else None

    def answer(self, frame: Frame, text: str) -> JsonMap:
        """The machine's answer to one framed script."""
        with self.lock:
            self.settle()
            try:
                return self._answer(frame, text)
            except PayloadError as problem:
                return failed(problem.message, problem.category)

    def _answer(self, frame: Frame, text: str) -> JsonMap:
        if self._up_at is not None:
            return failed(f"{self.name} is restarting.")
        if frame.name == HANDSHAKE:
            return succeeded(self._handshake())
        name = payload_names().get(text_digest(text))
        if name is not None and name in self.behaviours:
            return succeeded(self.behaviours[name](self, frame.arguments))
        if self.run_script is not None:
            return self.run_script(self, text, frame.arguments)
        return failed(
            f"The lab has no model of the script {frame.name!r} and no PowerShell to run it in. "
            "Set RUNBOOK_PWSH to a PowerShell, or run the script against a real machine."
        )

    def _handshake(self) -> JsonMap:
        return {
            "version": self.powershell_version,
            "culture": "en-US",
            "code_page": 437,
            "boot_id": iso(self.booted_at),
            "process_id": self.next_process_id(),
            "computer": self.name,
        }

    def shell(self, command_line: str, stdin: bytes) -> tuple[int, bytes, bytes]:
        """A few plain commands; anything else fails and says so."""
        del stdin
        with self.lock:
            self.settle()
            known = {"hostname": self.name, "ver": f"Microsoft Windows [Version {self.os_version}]"}
            words = command_line.strip().lower().removeprefix("cmd.exe ").removeprefix("cmd ").removeprefix("/c ")
            if words.strip() in known:
                return 0, f"{known[words.strip()]}\r\n".encode(), b""
            return 1, b"", f"The lab cannot run this command line: {command_line[:200]}\r\n".encode()

    # -- causes

    def account(self, user: str) -> Account | None:
        r"""The account of ``DOMAIN\user``, ``user@domain`` or ``user``."""
        bare = user.rpartition("\\")[2].partition("@")[0].lower()
        return next((one for one in self.accounts.values() if one.name.rpartition("\\")[2].lower() == bare), None)

    def next_process_id(self) -> int:
        """A fresh process id."""
        self._process_ids += 4
        return self._process_ids

    def continue_process_ids(self, other: "Machine") -> None:
        """Count on from where another machine's process ids are."""
        self._process_ids = other._process_ids  # noqa: SLF001 - of the same class

    def add_process(self, name: str) -> Process:
        """Start a process."""
        process = Process(name=name, process_id=self.next_process_id(), started=self.clock.now())
        self.processes.append(process)
        return process

    @property
    def sql_at_work(self) -> SqlInstance | None:
        """The SQL Server while its service runs; where only the instance is modelled, without a service, always."""
        service = self.services.get(self.sql.service) if self.sql is not None else None
        return self.sql if service is None or service.state == scm.RUNNING else None

    def running(self) -> list[Process]:
        """Every process: those of programs, and one for each service that runs."""
        services = [one for one in self.services if one.state == scm.RUNNING and one.process_id and one.image]
        hosted = [Process(name=one.image, process_id=one.process_id, started=one.since) for one in services]
        return [*self.processes, *hosted]

    def wait(self, seconds: float) -> None:
        """Let lab time pass with the lock free."""
        if seconds > 0:
            self.clock.wait(seconds, self.lock)

    def restart(self, delay_s: float = 5.0, comment: str = "") -> None:
        """Schedule a restart, as shutdown.exe does; in fast lab time late enough for the answer to get home."""
        now = self.clock.now()
        self._restart_at = now + max(delay_s, _ANSWER_GETS_HOME_S * (self.clock.speed or 0.0))
        text = f"The process shutdown.exe ({self.name}) has initiated the restart of computer {self.name}: {comment}"
        self.events.add("System", "USER32", 1074, events.INFORMATION, text, (comment,), at=now, qualifiers=0x8000)

    @property
    def restart_pending(self) -> bool:
        """True between the request and the shutdown."""
        return self._restart_at is not None

    def settle(self) -> None:
        """Let everything happen that was due by now, in the order of its time."""
        now = self.clock.now()
        self._settle_services(now if self._restart_at is None else min(now, self._restart_at))
        if self._restart_at is not None and now >= self._restart_at:
            self._go_down(self._restart_at)
        if self._up_at is not None and now >= self._up_at:
            self._come_up(self._up_at)
            self._settle_services(now)

    def _settle_services(self, now: float) -> None:
        due = [one for one in self.services if one.state == scm.STARTING and one.due <= now]
        for service in sorted(due, key=lambda one: one.due):
            scm.finish_start(self, service)

    def _go_down(self, at: float) -> None:
        self.events.add("System", "EventLog", 6006, events.INFORMATION, "The Event log service was stopped.", at=at)
        for service in self.services:
            service.state, service.process_id = scm.STOPPED, 0
        self.processes = [one for one in self.processes if one.name not in _ENDS_WITH_THE_SESSION]
        self._restart_at = None
        self._up_at = at + self.boot_s if self.returns_from_reboot else float("inf")

    def _come_up(self, at: float) -> None:
        self._up_at = None
        self.boots += 1
        self.boot(at)

    def boot(self, at: float) -> None:
        """What happens at a boot: the Service Control Manager reads its time-out, automatic services start."""
        self.booted_at = at
        self.events.add("System", "EventLog", 6005, events.INFORMATION, "The Event log service was started.", at=at)
        stored = self.registry.get(CONTROL_KEY, "ServicesPipeTimeout")
        valid = stored is not None and stored.kind == "DWord" and isinstance(stored.data, int) and stored.data > 0
        self.services.timeout_ms = int(str(stored.data)) if stored is not None and valid else DEFAULT_TIMEOUT_MS
        for service in self.services:
            service.exit_code = scm.NEVER_STARTED
        for service in self.services:
            if service.start_mode == "Auto" and service.state == scm.STOPPED:
                scm.begin_start(self, service, at)


@cache
def payload_names() -> Mapping[str, str]:
    """Digest of every packaged script's text: its file name."""
    return {text_digest(text): name for name, text in payloads().items()}


def succeeded(value: JsonValue) -> JsonMap:
    """An answer that holds a value."""
    return {"ok": True, "value": value, "errors": [], "exit_code": None}


def failed(message: str, category: str = "OperationStopped") -> JsonMap:
    """An answer that holds one error."""
    error: JsonMap = {"message": message, "category": category, "position": "", "types": []}
    return {"ok": False, "value": None, "errors": [error], "exit_code": None}
