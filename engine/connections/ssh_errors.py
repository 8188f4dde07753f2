"""What paramiko and sockets raise while a connection is made, as the connection exceptions, each with its remedy."""

import re
import socket

import paramiko

from engine.connections.ssh_key import agent_words
from engine.connections.ssh_settings import Hop, SshSettings
from engine.connections.ssh_transport import LogonEnded
from engine.connections.ssh_trust import changed
from engine.model.errors import AuthenticationFailed, ConnectFailed, ConnectionProblem

_AUTHORIZED = (
    "authorize the key for that account on the host (authorized_keys; for administrators of a Windows host "
    "ProgramData\\ssh\\administrators_authorized_keys)"
)
_NO_SSH = re.compile(
    r"SSH protocol banner|Incompatible version|Invalid packet blocking|No existing session|Indecipherable"
)
_NAME_ONE = (
    "name the key with `ansible_ssh_private_key_file` (its file with .pub will do), then only that one is offered"
)


def connect_problem(
    host: str, hop: Hop, error: Exception, settings: SshSettings, *, password: bool
) -> ConnectionProblem:
    """The exception for a connection or a logon to ``hop`` that failed; ``password`` is whether one was offered."""
    operation = f"SSH to {hop}"
    match error:
        case ConnectionProblem():
            return error
        case paramiko.BadHostKeyException():
            return changed(host, hop, settings.known_hosts, error)
        case FileNotFoundError() if settings.private_key is not None:
            return AuthenticationFailed(
                host,
                operation,
                f"the key file {error.filename} is not there",
                remedy="correct the path in the inventory",
            )
        case PermissionError() if error.filename is not None:
            return AuthenticationFailed(
                host,
                operation,
                f"the key file {error.filename} cannot be read",
                remedy="give this account the right to read it",
            )
        case paramiko.SSHException():
            return _ssh(host, hop, error, settings, password=password)
        case _:
            return _network(host, operation, error)


def _network(host: str, operation: str, error: Exception) -> ConnectionProblem:
    match error:
        case socket.gaierror():
            return ConnectFailed(
                host, operation, "the name cannot be resolved", remedy="check `ansible_host` and the name server"
            )
        case ConnectionRefusedError():
            return ConnectFailed(host, operation, "nothing listens there", remedy="check that the SSH server runs")
        case TimeoutError():
            return ConnectFailed(host, operation, "no answer in time", remedy="check address, route and firewall")
        case _:
            return ConnectFailed(host, operation, str(error) or type(error).__name__)


def _ssh(
    host: str, hop: Hop, error: paramiko.SSHException, settings: SshSettings, *, password: bool
) -> ConnectionProblem:
    operation = f"SSH to {hop}"
    logon = f"{operation} as {hop.user}"
    text = str(error)
    if isinstance(error, paramiko.ChannelException):
        return ConnectFailed(host, operation, "nothing listens there", remedy="check that the SSH server runs")
    if "cannot be used for signing" in text:
        return AuthenticationFailed(
            host,
            logon,
            "the agent did not sign with the key that the host accepts",
            remedy="confirm the question that the agent asks, or unlock it, or load the key again: ssh-add",
        )
    if "No authentication methods" in text:
        return AuthenticationFailed(
            host,
            logon,
            f"there is neither a password nor a key to log on with: {agent_words()}",
            remedy="set `ansible_password` (env:NAME) or `ansible_ssh_private_key_file`, or load a key into an agent",
        )
    if isinstance(error, paramiko.PasswordRequiredException):
        # Only keys under ~/.ssh come here, which nobody named; a named one is looked for in the agent.
        return AuthenticationFailed(
            host,
            logon,
            f"a private key of ~/.ssh has a passphrase, and {agent_words()}",
            remedy="load the key into the agent of this session: ssh-add",
        )
    if "second factor" in text:
        return AuthenticationFailed(
            host,
            logon,
            "the host took the key and then asks for a second factor, which a run cannot type",
            remedy="set `ansible_password` too, or let this account log on with a key alone",
        )
    if isinstance(error, paramiko.AuthenticationException):
        return _refused(host, logon, settings, password=password)
    if isinstance(error, LogonEnded) and settings.private_key is None and not password:
        return AuthenticationFailed(
            host, logon, f"the host ended the logon after several keys: {agent_words()}", remedy=_NAME_ONE
        )
    if _NO_SSH.search(text):
        return ConnectFailed(
            host, operation, f"something else than SSH answers there ({text})", remedy="correct address and port"
        )
    return ConnectFailed(host, operation, text or type(error).__name__)


def _refused(host: str, logon: str, settings: SshSettings, *, password: bool) -> AuthenticationFailed:
    if settings.private_key is not None:
        offered = f"the key {settings.private_key}{' and a password' if password else ''}"
        cause = f"the host did not accept the credential ({offered})"
        return AuthenticationFailed(host, logon, cause, remedy=f"check `ansible_user`, and {_AUTHORIZED}")
    if password:
        return AuthenticationFailed(
            host,
            logon,
            "the host did not accept the credential (a password)",
            remedy="check `ansible_user` and `ansible_password`, and that the host allows passwords",
        )
    return AuthenticationFailed(
        host,
        logon,
        f"the host accepts none of the keys at hand: {agent_words()}",
        remedy=f"check `ansible_user`, and {_AUTHORIZED}; or {_NAME_ONE}",
    )
