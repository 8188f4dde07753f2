"""The SSH connection: PowerShell frames over one channel, or one POSIX shell a script."""

import contextlib
import posixpath
import re
import secrets
import stat
from typing import Any

import paramiko

from engine.connections.deadline import Deadline
from engine.connections.pipe import PipeGone
from engine.connections.posix_script import Collected, result_of, shell_text
from engine.connections.powershell import COMMAND_LINE, PowerShell
from engine.connections.refusal import refuse_dialect
from engine.connections.ssh_pipe import SshPipe
from engine.connections.ssh_settings import read_settings
from engine.connections.ssh_wire import SshWire
from engine.connections.transfer import TransferFailed, get_by_frames, put_by_frames, refuse_size
from engine.model.command import Dialect, Script
from engine.model.errors import CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.inventory import Host
from engine.model.result import CommandResult
from engine.model.secret import Secret
from engine.ports.connection import ConnectionInfo, OpenSecret

_POSIX_COMMAND = "sh -s"


class SshConnection:
    """``Connection`` over SSH."""

    def __init__(self, host: Host, open_secret: OpenSecret) -> None:
        self._host = host
        self._open_secret = open_secret
        self._settings = read_settings(host)
        self._wire = SshWire(host.name, self._settings, self._password)
        self._powershell = PowerShell(host.name, self._start, persistent=self._settings.persistent)

    @property
    def info(self) -> ConnectionInfo:
        """Kind, endpoint and mode."""
        way = [str(hop) for hop in (*self._settings.jumps, self._settings.target)]
        return ConnectionInfo(
            kind="ssh",
            endpoint=" then ".join(way),
            persistent=self._framed and self._powershell.persistent,
            interpreter=self._powershell.interpreter if self._framed else "sh",
            note=self._powershell.note if self._framed else "",
        )

    @property
    def _framed(self) -> bool:
        return self._settings.dialect is Dialect.POWERSHELL

    def open(self, timeout_s: float) -> None:
        """Connect, verify the host's key, authenticate, and start the interpreter where there is one."""
        deadline = Deadline.after(timeout_s)
        self._wire.connect(deadline)
        if self._framed:
            self._powershell.open(deadline)

    def run(self, script: Script, timeout_s: float) -> CommandResult:
        """Run a script in the far side's language."""
        refuse_dialect(self._host.name, script, self._settings.dialect)
        deadline = Deadline.after(timeout_s)
        return self._powershell.run(script, deadline) if self._framed else self._run_posix(script, deadline)

    def put(self, path: str, content: bytes, timeout_s: float) -> None:
        """Write a file by SFTP, or through frames where the host has none."""
        deadline = Deadline.after(timeout_s)
        sftp = self._sftp(deadline)
        if sftp is None:
            put_by_frames(self._host.name, self._powershell.run, path, content, deadline)
            return
        with sftp:
            self._put(sftp, path, content)

    def get(self, path: str, max_bytes: int, timeout_s: float) -> bytes:
        """Read a file by SFTP, or through frames where the host has none."""
        deadline = Deadline.after(timeout_s)
        sftp = self._sftp(deadline)
        if sftp is None:
            return get_by_frames(self._host.name, self._powershell.run, path, max_bytes, deadline)
        with sftp:
            return self._get(sftp, path, max_bytes)

    def close(self) -> None:
        """End the interpreter and the transport."""
        self._powershell.close()
        self._wire.close()

    def _password(self) -> Secret | None:
        return None if self._host.password is None else self._open_secret(self._host.password)

    def _start(self, deadline: Deadline) -> SshPipe:
        return self._exec(COMMAND_LINE, deadline)

    def _exec(self, command: str, deadline: Deadline) -> SshPipe:
        channel = self._wire.channel(deadline)
        channel.settimeout(max(1.0, deadline.remaining()))
        try:
            return SshPipe(channel, command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise ConnectFailed(self._host.name, "starting a command", str(error) or "the channel closed") from error

    def _run_posix(self, script: Script, deadline: Deadline) -> CommandResult:
        name = self._host.name
        pipe = self._exec(_POSIX_COMMAND, deadline)
        started = deadline.remaining()
        out, err = Collected(), Collected()
        try:
            with contextlib.suppress(PipeGone):  # a script may end without reading all of itself; its exit code tells
                pipe.write(shell_text(script), deadline, end=True)
            while True:
                output = pipe.read(deadline)
                out.add(output.stdout)
                err.add(output.stderr)
                if output.ended:
                    break
                if deadline.passed:
                    raise CommandTimedOut(name, script.name, "the script did not end in the time allowed")
        except PipeGone as gone:
            raise ConnectionLost(name, script.name, gone.cause) from gone
        finally:
            pipe.close()
        if output.exit_code is None:
            raise ConnectionLost(name, script.name, "the shell ended without an exit code")
        return result_of(
            bytes(out.content),
            bytes(err.content),
            output.exit_code,
            truncated=out.truncated or err.truncated,
            duration_s=started - deadline.remaining(),
        )

    def _sftp(self, deadline: Deadline) -> paramiko.SFTPClient | None:
        """None where the host offers no SFTP and frames can do it instead."""
        try:
            return self._wire.sftp(deadline)
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self._framed:
                return None
            raise ConnectFailed(
                self._host.name,
                "SFTP",
                "the host does not offer it",
                remedy="enable the sftp subsystem of its SSH server",
            ) from error

    def _put(self, sftp: paramiko.SFTPClient, path: str, content: bytes) -> None:
        target = _remote(path)
        part = f"{target}.{secrets.token_hex(6)}.part"
        try:
            with sftp.open(part, "wx") as file:
                file.set_pipelined(True)
                file.write(content)
            if sftp.stat(part).st_size != len(content):
                raise OSError("the file arrived incomplete")  # noqa: TRY301 - told like the host's own refusals
            self._rename(sftp, part, target)
        except (OSError, paramiko.SSHException, EOFError) as error:
            with contextlib.suppress(Exception):
                sftp.remove(part)
            raise self._failed(f"writing {path}", error) from error

    def _rename(self, sftp: paramiko.SFTPClient, part: str, target: str) -> None:
        try:
            sftp.posix_rename(part, target)
        except OSError:
            # A server without the extension does not replace: only then is there a moment without the file.
            with contextlib.suppress(OSError):
                sftp.remove(target)
            sftp.rename(part, target)

    def _get(self, sftp: paramiko.SFTPClient, path: str, max_bytes: int) -> bytes:
        target = _remote(path)
        try:
            about: Any = sftp.stat(target)
            if stat.S_ISDIR(about.st_mode or 0):
                raise OSError("this is a folder, not a file")  # noqa: TRY301
            refuse_size(self._host.name, path, about.st_size, max_bytes)
            with sftp.open(target, "rb") as file:
                file.prefetch(about.st_size)
                content: bytes = file.read(max_bytes + 1)
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise self._failed(f"reading {path}", error) from error
        refuse_size(self._host.name, path, len(content), max_bytes)
        return content

    def _failed(self, operation: str, error: Exception) -> TransferFailed | ConnectionLost:
        if not self._wire.connected:
            return ConnectionLost(self._host.name, operation, "the connection was closed")
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return TransferFailed(self._host.name, operation, reason)


def _remote(path: str) -> str:
    """A path with a drive as SFTP servers on Windows name it: ``/C:/x/y``."""
    if re.match(r"[A-Za-z]:[\\/]", path):
        return posixpath.normpath("/" + path.replace("\\", "/"))
    return path


def connection(host: Host, open_secret: OpenSecret) -> SshConnection:
    """The factory."""
    return SshConnection(host, open_secret)
