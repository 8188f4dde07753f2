"""Kerberos as far as it can be shown without a domain: what is asked before a host is contacted, what reaches the
library, and what becomes of what the library says. A stand-in of the library is on the path of a process of its own.
"""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine.connections import connect, winrm_kerberos
from engine.model.errors import AuthenticationFailed
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret

STAND_IN = """
import json, sys
GSS_C_DELEG_FLAG, GSS_C_MUTUAL_FLAG, GSS_C_SEQUENCE_FLAG = 1, 2, 8
AUTH_GSS_COMPLETE, AUTH_GSS_CONTINUE = 1, 0
class KrbError(Exception): pass
class BasicAuthError(KrbError): pass
class GSSError(KrbError): pass
def authGSSClientInit(service, principal=None, gssflags=0, **more):
    print(json.dumps({"service": service, "principal": principal, "flags": gssflags}))
    return 1, object()
def authGSSClientStep(context, challenge, **more):
    raise GSSError(%r)
def authGSSClientResponse(context): return ""
def authGSSWinRMEncryptMessage(*all): raise NotImplementedError
def authGSSWinRMDecryptMessage(*all): raise NotImplementedError
"""
OPENS = """
import json, sys
from engine.connections import connect
from engine.model.errors import EngineError
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret
fields = json.loads(sys.argv[1])
host = Host(name="SM01", connection="winrm", platform="windows", origin=Origin("lab.yaml", 1, 1), **fields)
try:
    connect(host, lambda _: Secret("none")).open(10)
except EngineError as error:
    print(json.dumps({"says": str(error), "remedy": error.remedy, "kind": type(error).__name__}))
"""
NO_TICKET = (
    ("Unspecified GSS failure.  Minor code may provide more information", 851968),
    ("No Kerberos credentials available (default cache: FILE:/tmp/krb5cc_0)", -1765328243),
)


def opened(folder: Path, says: object, **fields: object) -> list[dict[str, object]]:
    """What the library was asked, and at last what the engine says."""
    library = folder / "library"
    library.mkdir()
    for name in ("kerberos", "winkerberos"):
        (library / f"{name}.py").write_text(STAND_IN % (says,))
    code = f"import sys; sys.path.insert(0, {str(library)!r})\n{OPENS}"
    command = [sys.executable, "-W", "ignore", "-c", code, json.dumps(fields)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def host(address: str, **options: object) -> Host:
    return Host(
        name="SM01",
        address=address,
        connection="winrm",
        platform="windows",
        origin=Origin("lab.yaml", 1, 1),
        options={"scheme": "http", "transport": "kerberos", **options},  # type: ignore[dict-item]
    )


def refused(one: Host) -> tuple[str, str]:
    with pytest.raises(AuthenticationFailed) as caught:
        connect(one, lambda _: Secret("none")).open(10)
    return str(caught.value), str(caught.value.remedy)


def test_a_missing_library_is_told_before_the_host_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winrm_kerberos.importlib.util, "find_spec", lambda _: None)
    with socket.create_server(("127.48.8.1", 0)) as listens:
        listens.settimeout(0.2)
        one = host("127.48.8.1")
        words, remedy = refused(one)
        with pytest.raises(TimeoutError):
            listens.accept()
    assert "kerberos) is not installed here" in words
    assert 'pip install "recovery-runbooks[kerberos]"' in remedy


def test_a_host_named_by_an_address_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winrm_kerberos.importlib.util, "find_spec", lambda _: object())
    words, remedy = refused(host("127.48.8.1"))
    assert "knows hosts by name" in words
    assert "ansible_winrm_kerberos_hostname_override" in remedy


def test_settings_reach_the_library_and_nothing_reaches_the_host_without_a_ticket(tmp_path: Path) -> None:
    with socket.create_server(("127.48.8.2", 0)) as listens:
        listens.settimeout(0.2)
        *asked, said = opened(
            tmp_path,
            NO_TICKET,
            address="127.48.8.2",
            port=listens.getsockname()[1],
            user="svc@CONTOSO.EXAMPLE",
            options={
                "scheme": "http",
                "transport": "kerberos",
                "kerberos_delegation": True,
                "kerberos_hostname_override": "sm01.contoso.example",
            },
        )
        with pytest.raises(TimeoutError):
            listens.accept()
    service = str(asked[0]["service"])
    assert service.endswith("@sm01.contoso.example")
    assert asked[0]["principal"] == "svc@CONTOSO.EXAMPLE"
    assert int(str(asked[0]["flags"])) & 1  # GSS_C_DELEG_FLAG
    assert said["kind"] == "AuthenticationFailed"
    assert "there is no ticket (" in str(said["says"])
    assert str(said["remedy"]).startswith("get a ticket: kinit svc@CONTOSO.EXAMPLE")


@pytest.mark.parametrize(
    ("says", "words", "remedy"),
    [
        ("Ticket expired", "the ticket has expired", "kinit"),
        ("Server not found in Kerberos database", "the domain knows no such host", "hostname_override"),
        ("Clock skew too great", "too far from the domain's", "set the clock"),
        ("Cannot contact any KDC for realm 'CONTOSO.EXAMPLE'", "no domain controller", "krb5.conf"),
        ("Cannot find KDC for realm", "no domain controller", "port 88"),
        ("Server HTTP/a.b@C not found in Kerberos database", "the domain knows no such host", "hostname_override"),
        ("Can't find client principal other@C in cache collection", "no ticket of this user", "kinit"),
        ("Unable to authenticate <Response [200]>", "did not prove who it is", "answers in its place"),
        ("something else", "something else", "kinit"),
    ],
)
def test_what_the_library_says_is_told_in_plain_words(says: str, words: str, remedy: str) -> None:
    from engine.connections.winrm_settings import read_settings

    problem = winrm_kerberos.kerberos_problem("SM01", says, read_settings(host("sm01.contoso.example")))
    assert words in str(problem)
    assert says in str(problem)
    assert remedy in str(problem.remedy)


def test_only_the_cause_is_told_of_what_the_library_says() -> None:
    said = f"authGSSClientStep() failed: {NO_TICKET}"
    assert winrm_kerberos.reason(said) == NO_TICKET[1][0]
    quoted = (("Unspecified", 1), ('Can\'t find "it"', -2))
    assert winrm_kerberos.reason(f"failed: {quoted}").startswith("Can")


def test_without_a_ticket_a_command_was_certainly_not_sent() -> None:
    from engine.connections.winrm_errors import describe, was_refused

    place = {"__module__": "winrm.vendor.requests_kerberos.exceptions"}
    error = type("KerberosExchangeError", (Exception,), place)(f"authGSSClientStep() failed: {NO_TICKET}")
    assert was_refused(error)
    assert describe(error).startswith("No Kerberos credentials available")
    assert not was_refused(
        type("MutualAuthenticationError", (Exception,), place)("the answer came, and proves nothing")
    )
