"""The install log of setup, as the Windows Installer writes it, and the event that tells how an installation ended."""

from dataclasses import dataclass
from datetime import UTC, datetime

from engine.lab import machine_events as events
from engine.lab.machine import Machine

PRODUCT = "Microsoft System Center 2012 - Service Manager"
_BARE = ("CAStart", "Configure", "ImportBundle:", "An error occurred")


@dataclass(frozen=True, slots=True)
class SetupLog:
    """The log at ``path`` of a machine."""

    machine: Machine
    path: str

    def __call__(self, line: str) -> None:
        """Append a line: UTF-16LE with its mark, with the time of day where the product writes one."""
        now = self.machine.clock.now()
        stamp = datetime.fromtimestamp(now, tz=UTC).strftime("%H:%M:%S")
        old = self.machine.files.get(self.path)
        content = old.content if old else b"\xff\xfe"
        text = line if line.startswith(_BARE) else f"[{stamp}] {line}"
        self.machine.files.write(self.path, content + f"{text}\r\n".encode("utf-16-le"), modified=now)

    def event(self, text: str) -> None:
        """What the Windows Installer leaves in the application log."""
        machine = self.machine
        told = f"{PRODUCT} -- {text}"
        machine.events.add("Application", "MsiInstaller", 1033, events.INFORMATION, told, (), at=machine.clock.now())
