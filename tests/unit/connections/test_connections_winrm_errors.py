"""Failures of pywinrm, requests and TLS as sentences with remedies: a table."""

import dataclasses
import socket
import ssl
import struct
from http.client import IncompleteRead
from xml.etree.ElementTree import ParseError

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMError, WinRMTransportError, WSManFaultError

from engine.connections.winrm_errors import NoTimeLeft, connect_problem, describe, was_refused
from engine.connections.winrm_settings import WinRmSettings, read_settings
from engine.model.errors import AuthenticationFailed, ConnectFailed, ConnectionProblem
from engine.model.inventory import Host
from engine.model.origin import Origin

HOST = Host(
    name="SM01",
    address="sm01.example",
    connection="winrm",
    platform="windows",
    origin=Origin("x.yaml", 1, 1),
    user="LAB\\operator",
)
SETTINGS: WinRmSettings = read_settings(HOST)


def fault(reason: str, code: int = 1) -> WSManFaultError:
    return WSManFaultError(500, "message", "response", reason, wsman_fault_code=code)


def certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = code, "as OpenSSL says it"
    return error


def wrapped(inner: BaseException) -> requests.ConnectionError:
    """As requests hands it on: inside the reason of an argument."""
    middle = Exception("Max retries exceeded")
    middle.reason = inner  # type: ignore[attr-defined]
    return requests.ConnectionError(middle)


TABLE: list[tuple[Exception, type[ConnectionProblem], str, str | None]] = [
    (certificate(10), AuthenticationFailed, "has expired", "renew"),
    (certificate(9), AuthenticationFailed, "not valid yet", "clocks"),
    (certificate(62), AuthenticationFailed, "another name", "ansible_host"),
    (certificate(64), AuthenticationFailed, "another address", "ansible_host"),
    (certificate(18), AuthenticationFailed, "not trusted here", "ansible_winrm_ca_trust_path"),
    (certificate(20), AuthenticationFailed, "not trusted here", "ansible_winrm_ca_trust_path"),
    (ssl.SSLError(1, "wrong version number"), ConnectFailed, "wrong version number", "TLS 1.2"),
    (InvalidCredentialsError("rejected"), AuthenticationFailed, "did not accept the credential", "locked out"),
    (InvalidCredentialsError("auth method ntlm requires a password"), AuthenticationFailed, "no password", "env:NAME"),
    (PermissionError("Access denied: no NTLM"), AuthenticationFailed, "does not take part", "ansible_winrm_transport"),
    (KeyError("www-authenticate"), AuthenticationFailed, "does not take part", "ansible_winrm_transport"),
    (WinRMError("pykerberos is not installed"), AuthenticationFailed, "not installed here", "[kerberos]"),
    (socket.gaierror(-2, "unknown"), ConnectFailed, "sm01.example:5986 cannot be resolved", "name server"),
    (ConnectionRefusedError(111, "Connection refused"), ConnectFailed, "nothing listens", "winrm quickconfig"),
    (requests.ConnectTimeout("slow"), ConnectFailed, "in time", "firewall"),
    (requests.ReadTimeout("slow"), ConnectFailed, "in time", "firewall"),
    (NoTimeLeft("none"), ConnectFailed, "in time", None),
    (ConnectionResetError(104, "reset"), ConnectFailed, "closed the connection", None),
    (OSError(113, "No route to host"), ConnectFailed, "no route to host", None),
    (WinRMTransportError("http", 403, ""), ConnectFailed, "403", "administrator"),
    (WinRMTransportError("http", 404, ""), ConnectFailed, "404", "something else than WinRM"),
    (WinRMTransportError("http", 503, ""), ConnectFailed, "503", "try again"),
    (WinRMTransportError("http", 418, ""), ConnectFailed, "418", None),
    (
        fault("The server is already executing the maximum number of concurrent shells"),
        ConnectFailed,
        "no shell left",
        "MaxShellsPerUser",
    ),
    (
        fault("This user is allowed a maximum number of 5 concurrent shells, which has been exceeded."),
        ConnectFailed,
        "no shell left",
        "MaxShellsPerUser",
    ),
    (fault("The maximum number of users has been reached"), ConnectFailed, "remote users", "MaxConcurrentUsers"),
    (
        fault("This user has exceeded the maximum number of 15 concurrent operations."),
        ConnectFailed,
        "too many operations",
        "MaxConcurrentOperationsPerUser",
    ),
    (fault("Access is denied.", 5), AuthenticationFailed, "Access is denied", "LocalAccountTokenFilterPolicy"),
    (fault("Something\n  else"), ConnectFailed, "Something else", None),
    (WinRMTransportError("http", 407, ""), ConnectFailed, "407", "a proxy answers"),
    (requests.TooManyRedirects("Exceeded 0"), ConnectFailed, "sm01.example:5986 answered with a redirect", "else than"),
    (ParseError("no element found"), ConnectFailed, "something that is not WinRM", "something else than WinRM"),
    (
        struct.error("unpack requires 4 bytes"),
        ConnectFailed,
        "something that is not WinRM",
        "something else than WinRM",
    ),
    (IncompleteRead(b"abc", 9), ConnectFailed, "broke off in the middle", "something else than WinRM"),
    (UnicodeEncodeError("latin-1", "p\u20ac", 1, 2, "ordinal"), AuthenticationFailed, "cannot send", "ntlm"),
    (ValueError("mystery"), ConnectFailed, "mystery", None),
]


@pytest.mark.parametrize(("error", "kind", "words", "remedy"), TABLE, ids=lambda one: str(one)[:40])
@pytest.mark.parametrize("wrap", [lambda one: one, wrapped], ids=["bare", "wrapped"])
def test_a_failure_before_anything_was_sent(error, kind, words, remedy, wrap) -> None:
    problem = connect_problem("SM01", "opening a shell", wrap(error), SETTINGS)
    assert type(problem) is kind
    assert "SM01" in str(problem)
    if not isinstance(error, ValueError):
        assert words in str(problem)
    if remedy is not None:
        assert remedy in str(problem.remedy)


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (fault("The shell was not found", 2150858843), True),
        (InvalidCredentialsError("401"), True),
        (ConnectionRefusedError(), True),
        (wrapped(ConnectionRefusedError()), True),
        (requests.ConnectTimeout(), True),
        (NoTimeLeft(), True),
        (WinRMTransportError("http", 400, ""), True),
        (WinRMTransportError("http", 500, ""), False),
        (requests.ReadTimeout(), False),
        (ConnectionResetError(), False),
        (wrapped(ConnectionResetError()), False),
        (ValueError("a damaged answer"), False),
    ],
    ids=lambda one: str(one)[:40],
)
def test_only_what_the_host_surely_did_not_take_counts_as_refused(error: Exception, refused: bool) -> None:
    assert was_refused(error) is refused


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (fault("The shell\n was not found"), "The shell was not found"),
        (WinRMTransportError("http", 500, ""), "HTTP status 500"),
        (requests.ReadTimeout(), "did not answer in time"),
        (InvalidCredentialsError("401"), "no longer accepts this session"),
        (ConnectionResetError(104, "Connection reset by peer"), "connection reset by peer"),
        (requests.ConnectionError(), "the connection was closed"),
        (ValueError(), "ValueError"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_a_failure_in_few_words(error: Exception, words: str) -> None:
    assert words in describe(error)


def test_what_a_way_to_log_on_lacks_is_named_by_its_own_package() -> None:
    settings = read_settings(dataclasses.replace(HOST, options={"transport": "credssp"}))
    said = WinRMError("requests auth method is credssp, but requests-credssp is not installed")
    problem = connect_problem("SM01", "opening a shell", said, settings)
    assert isinstance(problem, AuthenticationFailed)
    assert 'pip install "pywinrm[credssp]"' in str(problem.remedy)
