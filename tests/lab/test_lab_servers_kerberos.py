"""Kerberos for real: MIT's KDC on loopback, tickets by kinit, the engine's connection, and the lab's WinRM server."""

import contextlib
import gc
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_lab_host import USER, FakeLabHost
from real_kdc import ADDRESS, REALM, RealKdc, missing

from engine.connections import connect, winrm_wire
from engine.lab.serve import KerberosAccounts, LabServers, ServedHost
from engine.model.command import Script
from engine.model.errors import AuthenticationFailed, EngineError
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret, SecretRef
from engine.ports.connection import Connection

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")
NAME = "sm01.contoso.example"
LOOK = Script(name="look", text="param($Arguments) 'look'", arguments={"a": "\u00e4"})


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKdc]:
    kdc = RealKdc(tmp_path_factory.mktemp("realm"))
    kdc.user("operator")
    kdc.user("stranger")
    kdc.service(f"HTTP/{NAME}")
    kdc.service("HTTP/stale.contoso.example", known=False)
    kdc.start()
    yield kdc
    kdc.stop()


class Lab:
    def __init__(self, kdc: RealKdc, folder: Path) -> None:
        self.kdc = kdc
        self.host = FakeLabHost()
        self.servers = LabServers()
        tickets = KerberosAccounts(keytab=kdc.keytab, users={f"operator@{REALM}": USER})
        served = ServedHost(
            host=self.host, address="127.48.9.2", winrm_port=0, https_port=0, names=(NAME,), tickets=tickets
        )
        self.ends = self.servers.start([served])
        self.ca = folder / "ca.pem"
        self.ca.write_text(self.ends.ca_pem)
        self.made: list[Connection] = []
        self.asked: list[SecretRef] = []

    def connect(
        self, scheme: str = "http", name: str = NAME, user: str | None = None, port: int | None = None
    ) -> Connection:
        end = self.ends.hosts["SM01"]
        host = Host(
            name="SM01",
            address=end.address,
            connection="winrm",
            platform="windows",
            origin=Origin("lab.yaml", 1, 1),
            port=port or (end.winrm_port if scheme == "http" else end.https_port),
            user=user,
            password=SecretRef("env", "X"),
            options={
                "scheme": scheme,
                "transport": "kerberos",
                "ca_trust_path": str(self.ca),
                "kerberos_hostname_override": name,
            },
        )
        self.made.append(connect(host, self._open_secret))
        return self.made[-1]

    def _open_secret(self, reference: SecretRef) -> Secret:
        self.asked.append(reference)
        return Secret("of the inventory")

    def refused(self, **more: Any) -> tuple[str, str]:
        with pytest.raises(EngineError) as caught:
            self.connect(**more).open(20)
        assert isinstance(caught.value, AuthenticationFailed)
        assert not self.host.frames
        return str(caught.value), str(caught.value.remedy)


@pytest.fixture
def lab(realm: RealKdc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for name, value in realm.environment.items():
        monkeypatch.setenv(name, value)
    realm.kdestroy()
    lab = Lab(realm, tmp_path)
    try:
        yield lab
        for one in lab.made:
            one.close()
    finally:
        realm.write_client()
        lab.servers.stop()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("user", [None, f"operator@{REALM}"])
def test_a_ticket_logs_on(lab: Lab, scheme: str, user: str | None) -> None:
    lab.kdc.kinit("operator")
    connection = lab.connect(scheme, user=user)
    connection.open(20)
    for _ in range(3):
        assert connection.run(LOOK, 20).value == {"text": LOOK.text, "a": "\u00e4"}
    assert not connection.info.note


def test_who_listens_on_the_way_reads_nothing(lab: Lab) -> None:
    lab.kdc.kinit("operator")
    with listening(lab.ends.hosts["SM01"].winrm_port) as (port, heard):
        connection = lab.connect(port=port)
        assert connection.run(LOOK, 20).value == {"text": LOOK.text, "a": "\u00e4"}
        connection.close()
    everything = b"".join(heard)
    assert everything.count(b"application/HTTP-SPNEGO-session-encrypted") > 4
    assert not any(word in everything for word in (b"Envelope", b"ShellId", b"operator", b"powershell"))


def test_nobody_is_asked_for_a_password_that_is_not_used(lab: Lab) -> None:
    lab.kdc.kinit("operator")
    lab.connect().open(20)
    assert lab.asked == []


def test_another_client_logs_on_with_its_ticket(lab: Lab) -> None:
    from pypsrp.shell import Process, WinRS
    from pypsrp.wsman import WSMan

    lab.kdc.kinit("operator")
    end = lab.ends.hosts["SM01"]
    for auth in ("kerberos", "negotiate"):
        with (
            WSMan(
                end.address,
                port=end.winrm_port,
                ssl=False,
                auth=auth,
                username=f"operator@{REALM}",
                negotiate_hostname_override=NAME,
                negotiate_service="HTTP",
                encryption="always",
            ) as wsman,
            WinRS(wsman) as shell,
        ):
            process = Process(shell, "echo", ["hello"])
            process.invoke()
            assert process.stdout == b"hello\r\n"


def test_without_a_ticket(lab: Lab) -> None:
    words, remedy = lab.refused()
    assert words.startswith("SM01: Kerberos logon was refused: there is no ticket (No Kerberos credentials available")
    assert remedy.startswith("get a ticket: kinit USER@REALM")
    assert "does not use the password of the inventory" in remedy


def test_with_the_ticket_of_another_user(lab: Lab) -> None:
    lab.kdc.kinit("operator")
    words, remedy = lab.refused(user=f"svc@{REALM}")
    assert f"Kerberos logon as svc@{REALM} was refused: there is no ticket of this user" in words
    assert f"kinit svc@{REALM}" in remedy
    assert "not DOMAIN\\USER" in lab.refused(user="CONTOSO\\operator")[1]


def test_with_a_ticket_that_has_expired(lab: Lab) -> None:
    lab.kdc.kinit("operator", "-l", "1s")
    time.sleep(2)
    words, remedy = lab.refused()
    assert words == "SM01: Kerberos logon was refused: the ticket has expired (Ticket expired)"
    assert "kinit" in remedy


def test_the_user_has_no_account_on_the_host(lab: Lab) -> None:
    lab.kdc.kinit("stranger")
    words, remedy = lab.refused()
    assert words == "SM01: Kerberos logon was refused: the host did not accept the ticket"
    assert "klist" in remedy


def test_the_domain_knows_no_such_host(lab: Lab) -> None:
    lab.kdc.kinit("operator")
    words, remedy = lab.refused(name="nobody.contoso.example")
    assert "the domain knows no such host (Server HTTP/nobody.contoso.example@CONTOSO.EXAMPLE not found" in words
    assert "ansible_winrm_kerberos_hostname_override" in remedy


def test_the_name_belongs_to_another_account(lab: Lab) -> None:
    lab.kdc.kinit("operator")
    words, remedy = lab.refused(name="stale.contoso.example")
    assert "the host did not accept the ticket" in words
    assert "setspn -Q" in remedy


def test_no_domain_controller_answers(lab: Lab) -> None:
    lab.kdc.kinit("operator")
    with socket.socket() as nobody:
        nobody.bind((ADDRESS, 0))
        lab.kdc.write_client(port=nobody.getsockname()[1])
        words, remedy = lab.refused()
    assert "no domain controller is found or answers (Cannot contact any KDC" in words
    assert "port 88" in remedy


def test_the_clock_is_not_that_of_the_domain(lab: Lab) -> None:
    if shutil.which("faketime") is None:
        pytest.skip("no faketime here (Debian: faketime)")
    lab.kdc.kinit("operator")
    lab.kdc.stop()
    try:
        lab.kdc.start("faketime", "-f", "+20m")
        words, remedy = lab.refused()
    finally:
        lab.kdc.stop()
        lab.kdc.start()
    assert "this machine's clock is too far from the domain's (Clock skew too great" in words
    assert "set the clock" in remedy


def test_a_ticket_that_ends_during_a_run_leaves_no_doubt(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.kdc.kinit("operator")
    connection = lab.connect()
    connection.open(20)
    assert connection.run(LOOK, 20).ok
    frames = len(lab.host.frames)
    monkeypatch.setattr(winrm_wire, "IDLE_S", 0.0)  # a pause long enough for Windows to close the connection
    lab.kdc.kdestroy()
    with pytest.raises(AuthenticationFailed, match="there is no ticket"):
        connection.run(LOOK, 20)
    assert len(lab.host.frames) == frames
    lab.kdc.kinit("operator")
    assert connection.run(LOOK, 20).ok


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pywinrm leaves that answer open
def test_who_does_not_prove_to_be_the_host_is_sent_nothing(lab: Lab) -> None:
    lab.kdc.kinit("operator")
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, seen):
        words, remedy = lab.refused(port=port)
        gc.collect()
    assert "the host did not prove who it is" in words
    assert "answers in its place" in remedy
    assert not any(b"Envelope" in one or b"encrypted" in one for one in seen)


def test_nothing_is_printed_beside_the_sentence(lab: Lab) -> None:
    code = f"""
from engine.connections import connect
from engine.model.errors import EngineError
from engine.model.inventory import Host
from engine.model.origin import Origin
options = {{"scheme": "http", "transport": "kerberos", "kerberos_hostname_override": "{NAME}"}}
host = Host(name="SM01", address="127.48.9.2", connection="winrm", platform="windows",
  origin=Origin("i", 1, 1), options=options)
try:
    connect(host, None).open(10)
except EngineError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "there is no ticket" in done.stdout
    assert done.stderr == ""


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Whoever answers to anything with the same."""
    seen: list[bytes] = []
    with socket.create_server(("127.48.9.2", 0)) as door:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = door.accept()
                    with client:
                        client.settimeout(5)
                        while data := client.recv(1 << 16):
                            seen.append(data)
                            client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1], seen
        door.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@contextlib.contextmanager
def listening(port: int | None) -> Iterator[tuple[int, list[bytes]]]:
    """Hands everything on, and keeps it."""
    heard: list[bytes] = []
    with socket.create_server(("127.48.9.2", 0)) as door:

        def pump(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError), source:
                while data := source.recv(1 << 16):
                    heard.append(data)
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = door.accept()
                    there = socket.create_connection(("127.48.9.2", port))
                    for pair in ((client, there), (there, client)):
                        threading.Thread(target=pump, args=pair, daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1], heard
        door.shutdown(socket.SHUT_RDWR)
    thread.join(5)
