"""pywinrm's Protocol with every call bounded: one shell on the host, one process in it at a time, as a pipe.

The process runs under the shell's own cmd.exe: hosts from Windows Server 2012 R2 on ignore WINRS_SKIP_CMD_SHELL, and
older ones want the full path with it, which differs between hosts. The command line is far below cmd's limit.
"""

import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

import requests
from winrm.exceptions import WinRMOperationTimeoutError
from winrm.protocol import Protocol

from engine.connections.deadline import Deadline
from engine.connections.pipe import Output, PipeGone
from engine.connections.powershell import COMMAND_LINE
from engine.connections.winrm_certificate import refuse_unusable
from engine.connections.winrm_errors import NoTimeLeft, connect_problem, describe, was_refused
from engine.connections.winrm_guard import guard
from engine.connections.winrm_kerberos import refuse_impossible
from engine.connections.winrm_letters import Letters
from engine.connections.winrm_settings import WinRmSettings
from engine.model.errors import EngineError
from engine.model.secret import Secret

CONNECT_S = 15.0
IDLE_S = 90.0
"""Windows closes an idle HTTP connection after two minutes, and with it go NTLM's and Kerberos' keys."""

CLOSE_S = 5.0

T = TypeVar("T")


class WinRmWire:
    """The HTTP session, kept alive: NTLM's and Kerberos' keys belong to that one connection."""

    def __init__(self, host: str, settings: WinRmSettings, open_password: Callable[[], Secret | None]) -> None:
        self._host = host
        self._settings = settings
        self._open_password = open_password
        self._protocol: Protocol | None = None
        self._shell: str | None = None
        self._used_at = 0.0
        self.letters = Letters()

    def connect(self, deadline: Deadline) -> None:
        """Authenticate, verify the host and open a shell, if that is not done yet."""
        if self._shell is not None:
            return
        refuse_unusable(self._host, self._settings)
        refuse_impossible(self._host, self._settings)
        try:
            self._shell = self.call(deadline, lambda protocol: protocol.open_shell())
        except EngineError:
            self.drop()
            raise
        except Exception as error:
            self.drop()
            raise connect_problem(self._host, "opening a shell", error, self._settings) from error

    def start(self, deadline: Deadline) -> "WinRmPipe":
        """Start PowerShell in the shell; a shell that the host has forgotten is opened anew."""
        fresh = self._shell is None
        self.connect(deadline)
        try:
            return self._start()
        except Exception as error:
            stale = not fresh and was_refused(error)
            self.close()
            if not stale:
                raise connect_problem(self._host, "starting PowerShell", error, self._settings) from error
        return self.start(deadline)

    def call(self, deadline: Deadline, work: Callable[[Protocol], T]) -> T:
        """One request with its time limits set; raises whatever pywinrm does."""
        if deadline.passed:
            raise NoTimeLeft("no time was left for the next request")
        protocol = self._fresh_protocol()
        operation_s = max(1, min(self._settings.operation_timeout_s, int(deadline.remaining())))
        protocol.operation_timeout_sec = operation_s
        connect_s = max(0.5, min(CONNECT_S, deadline.remaining()))
        # requests takes a pair of limits: to connect, and between two bytes of the answer.
        read_s = operation_s + min(self._settings.answer_grace_s, 0.5 + deadline.remaining() / 2)
        protocol.transport.read_timeout_sec = (connect_s, read_s)  # type: ignore[assignment]
        try:
            return work(protocol)
        finally:
            self._used_at = time.monotonic()

    def close(self) -> None:
        """Delete the shell, and with it whatever still runs there, and close the connection."""
        shell, self._shell = self._shell, None
        if shell is not None:
            deadline = Deadline.after(CLOSE_S)
            for _ in range(2):
                try:
                    self.call(deadline, lambda protocol: protocol.close_shell(shell))
                    break
                except requests.ConnectionError:
                    self.drop()  # a shell outlives its connection: once more over a new one
                except Exception:  # noqa: BLE001 - closing is a courtesy; the host drops idle shells itself
                    break
        self.drop()

    def drop(self) -> None:
        """Close the connection without a word to the host."""
        self._shell = None
        self._hang_up()

    def _hang_up(self) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            with contextlib.suppress(Exception):
                protocol.transport.close_session()

    def _fresh_protocol(self) -> Protocol:
        """The one in use, or a new one after a pause: shells and processes outlive the connection they came by."""
        if time.monotonic() - self._used_at > IDLE_S:
            self._hang_up()
        if self._protocol is None:
            self._protocol = self._new_protocol()
        return self._protocol

    def _start(self) -> "WinRmPipe":
        shell = self._shell or ""
        deadline = Deadline.after(CONNECT_S)
        command = self.call(
            deadline, lambda protocol: protocol.run_command(shell, COMMAND_LINE, console_mode_stdin=False)
        )
        return WinRmPipe(self, shell, command)

    def _new_protocol(self) -> Protocol:
        settings = self._settings
        password = self._open_password()
        encrypted = settings.scheme == "http" and settings.transport in ("ntlm", "kerberos", "credssp")
        protocol = Protocol(
            endpoint=settings.endpoint,
            transport=settings.transport,
            username=settings.user or None,
            password=None if password is None else password.reveal(),
            # None keeps pywinrm from reading REQUESTS_CA_BUNDLE and its like.
            ca_trust_path=settings.ca_trust_path,  # type: ignore[arg-type]
            server_cert_validation="validate" if settings.validate else "ignore",
            cert_pem=settings.certificate,
            cert_key_pem=settings.certificate_key,
            kerberos_delegation=settings.kerberos_delegation,
            kerberos_hostname_override=settings.kerberos_name,
            message_encryption="always" if encrypted else settings.encryption,
            # Direct, whatever the environment says. None would mean the same, but requests then writes to the
            # environment at every request, which threads must not do at once.
            proxy="",
        )
        guard(protocol)
        return protocol


class WinRmPipe:
    """One process on the host."""

    def __init__(self, wire: WinRmWire, shell: str, command: str) -> None:
        self._wire = wire
        self._shell = shell
        self._command = command
        self._gone = False

    def write(self, data: bytes, deadline: Deadline, *, end: bool = False) -> None:
        """One Send. A fault means that the host did not take it."""
        if self._gone:
            raise PipeGone("the process has ended", delivered=False)
        try:
            self._wire.call(
                deadline,
                lambda protocol: self._wire.letters.send(protocol, self._shell, self._command, data, end=end),
            )
        except Exception as error:
            raise PipeGone(describe(error), delivered=not was_refused(error)) from error

    def read(self, deadline: Deadline) -> Output:
        """One Receive. The host answers "nothing yet" at its operation timeout, which is no failure."""
        try:
            stdout, stderr, code, done = self._wire.call(
                deadline, lambda protocol: self._wire.letters.receive(protocol, self._shell, self._command)
            )
        except (WinRMOperationTimeoutError, NoTimeLeft):
            return Output()
        except Exception as error:
            raise PipeGone(describe(error)) from error
        self._gone = self._gone or done
        return Output(stdout=stdout, stderr=stderr, ended=done, exit_code=code if done else None)

    def close(self) -> None:
        """Terminate the process. If it had not ended, its shell goes too, so that no child of it stays behind."""
        if self._gone:
            return
        self._gone = True
        with contextlib.suppress(Exception):
            self._wire.call(
                Deadline.after(CLOSE_S), lambda protocol: protocol.cleanup_command(self._shell, self._command)
            )
        self._wire.close()
