"""paramiko's transport, for logons with more than one credential: it asks for the logon service once, as the protocol
has it (asked again, some servers hang up, so that only the first key of an agent was ever tried), never waits without a
limit, and never asks the terminal for a second factor.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import cMSG_SERVICE_REQUEST, cMSG_USERAUTH_REQUEST

# What paramiko logs as it fails is raised too; without a handler Python prints it, with a traceback.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

if TYPE_CHECKING:  # the stubs do not know the newer class

    class _Transport(paramiko.Transport):
        def _parse_service_accept(self, m: paramiko.Message) -> None: ...
        def _send_message(self, data: paramiko.Message) -> None: ...

    _Handler: Any = object
else:
    from paramiko.auth_handler import AuthOnlyHandler as _Handler

    _Transport = paramiko.ServiceRequestingTransport


class LogonEnded(paramiko.SSHException):
    """The host closed the connection before it was logged on to."""


class _OneRequest(_Handler):  # type: ignore[misc]
    """One credential after the other. paramiko's own sends first and then gets ready to hear the answer: an answer that
    is quicker is lost, and the logon waits until its time is out.
    """

    def send_auth_request(
        self, username: str, method: str, finish_message: Callable[[paramiko.Message], None]
    ) -> list[str]:
        self.auth_method, self.username = method, username
        message = paramiko.Message()
        message.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (username, "ssh-connection", method):
            message.add_string(text)
        finish_message(message)
        self.auth_event = threading.Event()
        with self.transport.lock:
            self.transport._send_message(message)  # noqa: SLF001 - as its parent does
        left: list[str] = self.wait_for_response(self.auth_event)
        return left


class LogonTransport(_Transport):
    """One connection's logon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._accepted = threading.Event()

    def _parse_service_accept(self, m: paramiko.Message) -> None:
        super()._parse_service_accept(m)
        self._accepted.set()

    def ensure_session(self) -> None:
        """Ask for the logon service, once."""
        if not self.initial_kex_done:
            raise TimeoutError("the host did not complete the key exchange in time")
        if not self.is_active():
            raise LogonEnded("the host closed the connection")
        if self._accepted.is_set():
            return
        message = paramiko.Message()
        message.add_byte(cMSG_SERVICE_REQUEST)
        message.add_string("ssh-userauth")
        self._send_message(message)
        end = time.monotonic() + float(self.auth_timeout)
        while not self._accepted.wait(0.05):
            if not self.is_active():
                raise LogonEnded("the host closed the connection")
            if time.monotonic() > end:
                raise TimeoutError("the host did not begin the logon in time")
        self.auth_handler = _OneRequest(self)

    def auth_interactive_dumb(self, username: str, handler: Any = None, submethods: str = "") -> Any:
        """A second factor that only a person at a terminal could type."""
        del username, handler, submethods
        raise paramiko.AuthenticationException("the host asks for a second factor")
