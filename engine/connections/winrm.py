"""The WinRM connection: one shell and one PowerShell per host and run."""

from engine.connections.deadline import Deadline
from engine.connections.powershell import PowerShell
from engine.connections.refusal import refuse_dialect
from engine.connections.transfer import get_by_frames, put_by_frames
from engine.connections.winrm_certificate import expiry_note
from engine.connections.winrm_settings import read_settings, refuse_plain_text
from engine.connections.winrm_wire import WinRmWire
from engine.model.command import Dialect, Script
from engine.model.inventory import Host
from engine.model.result import CommandResult
from engine.model.secret import Secret
from engine.ports.connection import ConnectionInfo, OpenSecret


class WinRmConnection:
    """``Connection`` over WinRM."""

    def __init__(self, host: Host, open_secret: OpenSecret) -> None:
        self._host = host
        self._open_secret = open_secret
        self._settings = read_settings(host)
        self._wire = WinRmWire(host.name, self._settings, self._password)
        self._powershell = PowerShell(host.name, self._wire.start, persistent=self._settings.persistent)

    @property
    def info(self) -> ConnectionInfo:
        """Kind, endpoint and mode."""
        notes = (self._powershell.note, self._settings.identity_note, expiry_note(self._settings))
        return ConnectionInfo(
            kind="winrm",
            endpoint=self._settings.endpoint,
            persistent=self._powershell.persistent,
            interpreter=self._powershell.interpreter,
            note="; ".join(note for note in notes if note),
        )

    def open(self, timeout_s: float) -> None:
        """Connect, authenticate, verify the host and start the interpreter."""
        self._open(Deadline.after(timeout_s))

    def run(self, script: Script, timeout_s: float) -> CommandResult:
        """Run a PowerShell script."""
        refuse_dialect(self._host.name, script, Dialect.POWERSHELL)
        refuse_plain_text(self._host.name, self._settings)
        return self._powershell.run(script, Deadline.after(timeout_s))

    def put(self, path: str, content: bytes, timeout_s: float) -> None:
        """Write a file through frames."""
        refuse_plain_text(self._host.name, self._settings)
        put_by_frames(self._host.name, self._powershell.run, path, content, Deadline.after(timeout_s))

    def get(self, path: str, max_bytes: int, timeout_s: float) -> bytes:
        """Read a file through frames."""
        refuse_plain_text(self._host.name, self._settings)
        return get_by_frames(self._host.name, self._powershell.run, path, max_bytes, Deadline.after(timeout_s))

    def close(self) -> None:
        """End the interpreter, the shell and the HTTP session."""
        self._powershell.close()
        self._wire.close()

    def _open(self, deadline: Deadline) -> None:
        refuse_plain_text(self._host.name, self._settings)
        self._wire.connect(deadline)
        self._powershell.open(deadline)

    def _password(self) -> Secret | None:
        if self._host.password is None or self._settings.transport == "kerberos":  # nobody is asked for nothing
            return None
        return self._open_secret(self._host.password)


def connection(host: Host, open_secret: OpenSecret) -> WinRmConnection:
    """The factory."""
    return WinRmConnection(host, open_secret)
