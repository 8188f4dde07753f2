"""What pywinrm, requests and TLS raise, as the connection exceptions, each with its remedy."""

import re
import socket
import ssl
from collections.abc import Iterator

import requests
from winrm.exceptions import (
    AuthenticationError,
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)

from engine.connections.winrm_certificate import about
from engine.connections.winrm_guard import NOT_WINRM, stranger
from engine.connections.winrm_kerberos import kerberos_problem, reason, ticket_refused
from engine.connections.winrm_settings import WinRmSettings
from engine.model.errors import AuthenticationFailed, ConnectFailed, ConnectionProblem

_QUICKCONFIG = "run `winrm quickconfig` on the host, and see that a firewall lets the port through"
_CERTIFICATES = {
    10: ("its certificate has expired", "renew the certificate of the WinRM listener on the host"),
    9: ("its certificate is not valid yet", "compare the clocks of this machine and of the host"),
    62: ("its certificate is made out to another name", "use the certificate's name as `ansible_host`, or renew it"),
    64: ("its certificate is made out to another address", "use the certificate's name as `ansible_host`, or renew it"),
}
_UNTRUSTED = (
    "its certificate comes from an authority that is not trusted here",
    "set `ansible_winrm_ca_trust_path` to a file with the certificate of that authority",
)
_QUOTAS = (
    (
        re.compile(r"maximum number of (\d+ )?concurrent shells"),
        "the user has no shell left on the host",
        'close other sessions of this user, or on the host: winrm set winrm/config/winrs @{MaxShellsPerUser="30"}',
    ),
    (
        re.compile(r"maximum number of (\d+ )?(concurrent )?users"),
        "the host serves as many remote users as it may",
        'wait, or raise the quota on the host: winrm set winrm/config/winrs @{MaxConcurrentUsers="10"}',
    ),
    (
        re.compile(r"maximum number of (\d+ )?concurrent operations"),
        "the user has too many operations on the host",
        'wait, or raise the quota on the host: winrm set winrm/config/service @{MaxConcurrentOperationsPerUser="1500"}',
    ),
)
_ALERT = re.compile(
    r"ALERT[ _](UNKNOWN_CA|CERTIFICATE_\w+|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|HANDSHAKE_FAILURE)"
)
_TRUSTED = "put the certificate of its authority into the host's Trusted Root Certification Authorities"
_MAPPING = (
    'on the host: allow it (winrm set winrm/config/service/auth @{Certificate="true"}), and map its subject and issuer '
    "to a local account (winrm create winrm/config/service/certmapping?...)"
)
_PACKAGES = {"credssp": "pywinrm[credssp]"}
_HUNG_UP = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)
_ACCESS_DENIED = 5
_HTTP_REFUSED = 400
_HTTP_BROKEN = 500
_RIGHTS = (
    "the account must be an administrator of the host or in its group WinRMRemoteWMIUsers__; "
    "for a local account see also LocalAccountTokenFilterPolicy"
)


class NoTimeLeft(TimeoutError):
    """The deadline had passed before a request was made."""


def connect_problem(host: str, operation: str, error: Exception, settings: WinRmSettings) -> ConnectionProblem:
    """The exception for a failure before anything was sent to an interpreter."""
    if isinstance(error, ConnectionProblem):
        return error
    where = f"{settings.address}:{settings.port}"
    for one in _chain(error):
        problem = _hung_up(host, one, settings) or _tls(host, one, settings)
        problem = problem or _credential(host, one, settings) or _network(host, operation, one, where)
        if problem is not None:
            return problem
        if did := stranger(one):
            return ConnectFailed(host, operation, f"{where} {did}", remedy=NOT_WINRM)
        if isinstance(one, WSManFaultError):
            return _fault(host, operation, one)
        if isinstance(one, WinRMTransportError):
            return _http(host, operation, one, where)
    return ConnectFailed(host, operation, describe(error))


def was_refused(error: Exception) -> bool:
    """True if the host certainly did not take the message: it answered with a refusal, or was not reached at all."""
    for one in _chain(error):
        if isinstance(one, (WSManFaultError, AuthenticationError, ConnectionRefusedError, socket.gaierror)):
            return True
        if isinstance(one, (requests.ConnectTimeout, NoTimeLeft)):
            return True
        if _is_kerberos(one) and type(one).__name__ == "KerberosExchangeError":  # no ticket, so nothing was sent
            return True
        # Not SOAP, so it comes from before WinRM: mostly a message sealed with the keys of a closed connection.
        if isinstance(one, WinRMTransportError) and _HTTP_REFUSED <= one.code < _HTTP_BROKEN:
            return True
    return False


def describe(error: Exception) -> str:
    """A short sentence for any failure."""
    for one in _chain(error):
        if isinstance(one, WSManFaultError):
            return " ".join(str(one.reason).split())
        if isinstance(one, WinRMTransportError):
            return f"the host answered with HTTP status {one.code}"
        if isinstance(one, (WinRMOperationTimeoutError, requests.Timeout, TimeoutError)):
            return "the host did not answer in time"
        if isinstance(one, AuthenticationError):
            return "the host no longer accepts this session"
        if isinstance(one, ConnectionError) and one.strerror:
            return one.strerror.lower()
        if isinstance(one, requests.ConnectionError):
            return "the connection was closed"
        if _is_kerberos(one):
            return reason(str(one))
        if did := stranger(one):
            return f"the host {did}"
    return str(error) or type(error).__name__


def _is_kerberos(error: BaseException) -> bool:
    return "kerberos" in type(error).__module__.lower()


def _tls(host: str, error: BaseException, settings: WinRmSettings) -> ConnectionProblem | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        cause, remedy = _CERTIFICATES.get(error.verify_code, _UNTRUSTED)
        return AuthenticationFailed(host, "the host's identity", f"{cause} ({error.verify_message})", remedy=remedy)
    if isinstance(error, ssl.SSLError) and (alert := _ALERT.search(str(error).upper())) is not None:
        return _certificate_refused(host, settings, alert[1].replace("_", " ").lower())
    if isinstance(error, ssl.SSLError):
        return ConnectFailed(
            host,
            "TLS",
            str(getattr(error, "reason", None) or error),
            remedy="the host must offer TLS 1.2 (off by default on Windows Server 2008 R2), and HTTPS on that port",
        )
    return None


def _certificate_refused(host: str, settings: WinRmSettings, alert: str) -> AuthenticationFailed:
    """The host said in TLS itself what it holds against the client's certificate."""
    if settings.transport != "certificate":
        return AuthenticationFailed(
            host,
            "TLS",
            f"the host wants a client certificate ({alert})",
            remedy="set `ansible_winrm_transport: certificate`, or let the listener ask for none",
        )
    shown = f"{settings.certificate} ({about(settings)})"
    if "unknown ca" in alert:
        remedy = _TRUSTED
    elif "expired" in alert:
        remedy = "the host holds it for expired: compare the clocks, or get a new one"
    else:
        remedy = _MAPPING
    return AuthenticationFailed(
        host, "the client certificate", f"the host refuses {shown}, saying: {alert}", remedy=remedy
    )


def _hung_up(host: str, error: BaseException, settings: WinRmSettings) -> ConnectionProblem | None:
    """A host that trusts a certificate as little as that says nothing at all."""
    if settings.transport != "certificate" or not isinstance(error, _HUNG_UP):
        return None
    shown = f"{settings.certificate} ({about(settings)})"
    return AuthenticationFailed(
        host,
        "the client certificate",
        f"the host hung up when it was shown {shown}",
        remedy=f"{_TRUSTED}; the event log of the host, Schannel and WinRM, says why",
    )


def _credential(host: str, error: BaseException, settings: WinRmSettings) -> ConnectionProblem | None:
    way = settings.transport.upper() if settings.transport == "ntlm" else settings.transport.capitalize()
    if isinstance(error, UnicodeEncodeError):  # its own text would show a letter of the password
        return AuthenticationFailed(
            host,
            f"{way} logon",
            "the user or the password has a letter that this way to log on cannot send",
            remedy="set `ansible_winrm_transport: ntlm`, which sends every letter, or choose another password",
        )
    if isinstance(error, AuthenticationError) and " requires a " in str(error):
        return AuthenticationFailed(
            host,
            f"{way} logon",
            "the inventory names no user or no password for it",
            remedy="set `ansible_user` and `ansible_password` (as env:NAME, file:PATH, prompt:LABEL or keyring:...)",
        )
    if isinstance(error, AuthenticationError) and settings.transport == "certificate":
        return AuthenticationFailed(
            host,
            "the client certificate",
            f"the host maps {settings.certificate} ({about(settings)}) to no account",
            remedy=_MAPPING,
        )
    if isinstance(error, AuthenticationError) and settings.transport == "kerberos":
        return ticket_refused(host, settings)
    if isinstance(error, AuthenticationError):
        return AuthenticationFailed(
            host,
            f"{way} logon as {settings.user}",
            "the host did not accept the credential",
            remedy="check user and password, that the account is not locked out, and that the host allows "
            f"{way} (winrm get winrm/config/service/auth)",
        )
    if isinstance(error, PermissionError) or (isinstance(error, KeyError) and "www-authenticate" in str(error).lower()):
        return AuthenticationFailed(
            host,
            f"{way} logon as {settings.user}",
            "the host does not take part in this kind of authentication",
            remedy="see `winrm get winrm/config/service/auth` on the host, and set `ansible_winrm_transport` to match",
        )
    if isinstance(error, WinRMError) and "not installed" in str(error):
        return AuthenticationFailed(
            host,
            f"{way} logon",
            "the Python package for it is not installed here",
            remedy=f'install it: pip install "{_PACKAGES.get(settings.transport, "recovery-runbooks[kerberos]")}"',
        )
    if _is_kerberos(error):
        return kerberos_problem(host, str(error), settings)
    return None


def _network(host: str, operation: str, error: BaseException, where: str) -> ConnectionProblem | None:
    if isinstance(error, socket.gaierror):
        return ConnectFailed(
            host,
            operation,
            f"the name of {where} cannot be resolved",
            remedy="check `ansible_host` and the name server",
        )
    if isinstance(error, ConnectionRefusedError):
        return ConnectFailed(host, operation, f"nothing listens on {where}", remedy=_QUICKCONFIG)
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return ConnectFailed(host, operation, f"no answer from {where} in time", remedy=_QUICKCONFIG)
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return ConnectFailed(host, operation, f"{where} closed the connection")
    if isinstance(error, OSError) and error.strerror and not isinstance(error, requests.RequestException):
        return ConnectFailed(host, operation, f"{where}: {error.strerror.lower()}")
    return None


def _fault(host: str, operation: str, fault: WSManFaultError) -> ConnectionProblem:
    reason = " ".join(str(fault.reason).split())
    for words, cause, remedy in _QUOTAS:
        if words.search(reason.lower()):
            return ConnectFailed(host, operation, f"{cause} ({reason})", remedy=remedy)
    if fault.wsman_fault_code == _ACCESS_DENIED or "access is denied" in reason.lower():
        return AuthenticationFailed(host, operation, reason, remedy=_RIGHTS)
    return ConnectFailed(host, operation, reason)


def _http(host: str, operation: str, error: WinRMTransportError, where: str) -> ConnectionProblem:
    remedies = {
        403: _RIGHTS,
        404: NOT_WINRM,
        407: "a proxy answers in the host's place, and the engine uses none; correct the address, port or route",
        503: "the WinRM service is starting or stopping; try again",
    }
    return ConnectFailed(
        host, operation, f"{where} answered with HTTP status {error.code}", remedy=remedies.get(error.code)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and everything inside it: causes, contexts, reasons, and exceptions given as arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
