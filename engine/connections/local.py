"""The machine the engine runs on: ``sh`` on POSIX, PowerShell on Windows."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from engine.connections.deadline import Deadline
from engine.connections.pipe import Pipe, PipeGone
from engine.connections.posix_script import Collected, result_of, shell_text
from engine.connections.powershell import ARGUMENTS, PowerShell
from engine.connections.process_pipe import ProcessPipe
from engine.connections.refusal import refuse_dialect
from engine.connections.transfer import TransferFailed, refuse_size
from engine.model.command import Dialect, Script
from engine.model.errors import CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.frame import NO_TRACES
from engine.model.inventory import Host
from engine.model.result import CommandResult
from engine.ports.connection import ConnectionInfo, OpenSecret


class LocalConnection:
    """``Connection`` to this machine. ``options``: ``shell`` (posix, powershell), ``powershell`` (the program)."""

    def __init__(self, host: Host) -> None:
        self._name = host.name
        default = Dialect.POWERSHELL if sys.platform == "win32" else Dialect.POSIX
        self._dialect = Dialect(str(host.options.get("shell") or default))
        self._program = str(host.options.get("powershell") or "powershell")
        persistent = host.options.get("persistent") is not False
        self._powershell = PowerShell(host.name, self._start, persistent=persistent)

    @property
    def info(self) -> ConnectionInfo:
        """Kind, endpoint and mode."""
        framed = self._dialect is Dialect.POWERSHELL
        return ConnectionInfo(
            kind="local",
            endpoint="this machine",
            persistent=framed and self._powershell.persistent,
            interpreter=self._powershell.interpreter if framed else "sh",
            note=self._powershell.note if framed else "",
        )

    def open(self, timeout_s: float) -> None:
        """Start the interpreter, where there is one."""
        if self._dialect is Dialect.POWERSHELL:
            self._powershell.open(Deadline.after(timeout_s))

    def run(self, script: Script, timeout_s: float) -> CommandResult:
        """Run a script in this machine's language."""
        refuse_dialect(self._name, script, self._dialect)
        deadline = Deadline.after(timeout_s)
        if self._dialect is Dialect.POWERSHELL:
            return self._powershell.run(script, deadline)
        return self._run_posix(script, deadline)

    def put(self, path: str, content: bytes, timeout_s: float) -> None:  # noqa: ARG002 - the port's shape
        """Write beside the place, then rename."""
        target = Path(path)
        part = target.with_name(f"{target.name}.{secrets.token_hex(6)}.part")
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise TransferFailed(self._name, f"writing {path}", error.strerror or str(error)) from error

    def get(self, path: str, max_bytes: int, timeout_s: float) -> bytes:  # noqa: ARG002 - the port's shape
        """Read a file."""
        try:
            with Path(path).open("rb") as file:
                content = file.read(max_bytes + 1)
                size = max(len(content), os.fstat(file.fileno()).st_size)
        except OSError as error:
            raise TransferFailed(self._name, f"reading {path}", error.strerror or str(error)) from error
        refuse_size(self._name, path, size, max_bytes)
        return content

    def close(self) -> None:
        """End the interpreter."""
        self._powershell.close()

    def _start(self, deadline: Deadline) -> Pipe:  # noqa: ARG002 - the port's shape
        return self._process((self._program, *ARGUMENTS), {**os.environ, **NO_TRACES})

    def _process(self, command: tuple[str, ...], environment: Mapping[str, str] | None = None) -> ProcessPipe:
        try:
            return ProcessPipe(command, environment)
        except OSError as error:
            raise ConnectFailed(
                self._name,
                f"starting {command[0]}",
                error.strerror or str(error),
                remedy=f"install {command[0]}, or correct `ansible_shell_type`",
            ) from error

    def _run_posix(self, script: Script, deadline: Deadline) -> CommandResult:
        pipe = self._process(("sh", "-s"))
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
                    _kill_group(pipe.process_id)
                    raise CommandTimedOut(self._name, script.name, "the script did not end in the time allowed")
        finally:
            pipe.close()
        if output.exit_code is None:
            raise ConnectionLost(self._name, script.name, "the shell ended without an exit code")
        return result_of(
            bytes(out.content),
            bytes(err.content),
            output.exit_code,
            truncated=out.truncated or err.truncated,
            duration_s=started - deadline.remaining(),
        )


def _kill_group(process_id: int) -> None:
    """End the shell and its children; each script runs in a process group of its own."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process_id)], check=False, capture_output=True)  # noqa: S603, S607
    else:
        with contextlib.suppress(OSError):
            os.killpg(process_id, signal.SIGKILL)


def connection(host: Host, open_secret: OpenSecret) -> LocalConnection:  # noqa: ARG001 - the factories' shape
    """The factory."""
    return LocalConnection(host)
