"""Client certificates against the lab's HTTPS listener: who gets in, and the sentence for each one who does not."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from client_certificate import Authority
from cryptography.x509.oid import ExtendedKeyUsageOID
from fake_lab_host import PASSWORD, USER, FakeLabHost

from engine.app.clock import SystemClock
from engine.app.doctor import Health
from engine.app.doctor_hosts import examine
from engine.connections import connect
from engine.lab.serve import ClientCertificates, LabServers, ServedHost
from engine.lab.tls import LabAuthority
from engine.model.command import Script
from engine.model.errors import AuthenticationFailed
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret, SecretRef
from engine.ports.connection import Connection

NAME = "svc-recovery@contoso.example"
LOOK = Script(name="look", text="param($Arguments) 'look'")
Make = Callable[..., Connection]


class Lab:
    """One host that asks for certificates of one authority and maps one user principal name."""

    def __init__(self, folder: Path, *, required: bool = True) -> None:
        self.folder, self.authority, self.host, self.servers = folder, Authority(), FakeLabHost(), LabServers()
        asked = ClientCertificates(authorities=self.authority.pem, users={NAME: USER}, required=required)
        served = ServedHost(host=self.host, address="127.48.7.1", winrm_port=0, https_port=0, client_certificates=asked)
        ends = self.servers.start([served])
        self.end = ends.hosts["SM01"]
        (folder / "ca.pem").write_text(ends.ca_pem)
        self.made: list[Connection] = []

    def describe(self, files: tuple[Path, Path] | None, transport: str = "certificate") -> Host:
        options = {"scheme": "https", "transport": transport, "ca_trust_path": str(self.folder / "ca.pem")}
        if files is not None:
            options |= {"cert_pem": str(files[0]), "cert_key_pem": str(files[1])}
        return Host(
            name="SM01",
            address=self.end.address,
            connection="winrm",
            platform="windows",
            origin=Origin("lab.yaml", 1, 1),
            port=self.end.https_port,
            user=USER if transport == "ntlm" else None,
            options=options,  # type: ignore[arg-type]
        )

    def connect(self, files: tuple[Path, Path] | None, transport: str = "certificate") -> Connection:
        self.made.append(connect(self.describe(files, transport), lambda _: Secret("none")))
        return self.made[-1]

    def refused(self, files: tuple[Path, Path] | None, **more: str) -> tuple[str, str]:
        with pytest.raises(AuthenticationFailed) as caught:
            self.connect(files, **more).open(10)
        return str(caught.value), str(caught.value.remedy)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    for one in lab.made:
        one.close()
    lab.host.hold.set()
    lab.servers.stop()


def test_a_mapped_certificate_logs_on_without_a_password(lab: Lab, tmp_path: Path) -> None:
    connection = lab.connect(lab.authority.sign(tmp_path / "me", NAME.upper()))
    assert [connection.run(LOOK, 10).ok for _ in range(2)] == [True, True]
    assert connection.info.persistent
    assert connection.info.note == ""
    connection.close()
    connection.open(10)


def test_one_that_ends_soon_is_told(lab: Lab, tmp_path: Path) -> None:
    connection = lab.connect(lab.authority.sign(tmp_path / "me", NAME, ends=9))
    connection.open(10)
    assert f"the client certificate CN={NAME}" in connection.info.note
    assert "ends in 8 days" in connection.info.note


def test_a_certificate_of_another_authority(lab: Lab, tmp_path: Path) -> None:
    words, remedy = lab.refused(Authority("Strangers").sign(tmp_path / "me", NAME))
    assert f"the host hung up when it was shown {tmp_path}/me/client.pem (CN={NAME}, issued by CN=Strangers)" in words
    assert "Trusted Root" in remedy


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls1.2", "tls1.3"])
def alerting(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Callable[..., tuple[str, str]]]:
    """A listener that says in TLS itself what it holds against a certificate, as the lab's does not."""
    context = LabAuthority().context(["SM01"], "127.48.7.2")
    context.load_verify_locations(cadata=lab.authority.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = request.param
    plain = socket.create_server(("127.48.7.2", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = plain.accept()
                one = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                with one, contextlib.suppress(OSError):
                    try:
                        one.do_handshake()
                    except ssl.SSLError:
                        time.sleep(0.3)  # closed with input unread, the alert would be lost

    thread = threading.Thread(target=serve)
    thread.start()

    def refused(files: tuple[Path, Path] | None, transport: str = "certificate") -> tuple[str, str]:
        options = {"scheme": "https", "transport": transport, "server_cert_validation": "ignore"}
        if files is not None:
            options |= {"cert_pem": str(files[0]), "cert_key_pem": str(files[1])}
        host = Host(
            name="SM01",
            address="127.48.7.2",
            connection="winrm",
            platform="windows",
            origin=Origin("lab.yaml", 1, 1),
            port=plain.getsockname()[1],
            user=USER,
            password=SecretRef("env", "X"),
            options=options,  # type: ignore[arg-type]
        )
        with pytest.raises(AuthenticationFailed) as caught:
            connect(host, lambda _: Secret("none")).open(10)
        return str(caught.value), str(caught.value.remedy)

    yield refused
    plain.shutdown(socket.SHUT_RDWR)
    plain.close()
    thread.join()


def test_what_a_host_says_in_tls_is_told(alerting: Callable[..., tuple[str, str]], lab: Lab, tmp_path: Path) -> None:
    words, remedy = alerting(Authority("Strangers").sign(tmp_path / "me", NAME))
    assert "unknown ca" in words
    assert "issued by CN=Strangers" in words
    assert "Trusted Root" in remedy
    words, remedy = alerting(None, transport="basic")
    assert "the host wants a client certificate" in words
    assert "ansible_winrm_transport: certificate" in remedy


def test_a_certificate_that_no_account_is_mapped_to(lab: Lab, tmp_path: Path) -> None:
    words, remedy = lab.refused(lab.authority.sign(tmp_path / "me", "somebody@contoso.example"))
    assert "(CN=somebody@contoso.example, issued by CN=Clients' authority) to no account" in words
    assert "certmapping" in remedy


def test_a_mapped_account_that_is_gone(lab: Lab, tmp_path: Path) -> None:
    lab.servers.set_faults("SM01", {"wrong_password": True})
    assert "to no account" in lab.refused(lab.authority.sign(tmp_path / "me", NAME))[0]


@pytest.mark.parametrize(
    ("days", "words"), [((-9, -1), "expired on"), ((1, 9), "is not valid before")], ids=["expired", "early"]
)
def test_dates_are_judged_before_the_host_is_contacted(
    lab: Lab, tmp_path: Path, days: tuple[int, int], words: str
) -> None:
    files = lab.authority.sign(tmp_path / "me", NAME, starts=days[0], ends=days[1])
    lab.servers.set_faults("SM01", {"refuse": True})
    assert words in lab.refused(files)[0]


def test_what_is_wrong_with_the_files_is_told_before_the_host_is_contacted(lab: Lab, tmp_path: Path) -> None:
    mine, other = lab.authority.sign(tmp_path / "me", NAME), lab.authority.sign(tmp_path / "other", NAME)
    sealed = lab.authority.sign(tmp_path / "sealed", NAME, passphrase=b"words")
    server = lab.authority.sign(tmp_path / "server", NAME, purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    lab.servers.set_faults("SM01", {"refuse": True})
    assert "ansible_winrm_cert_pem" in lab.refused(None)[1]
    assert "has a passphrase" in lab.refused(sealed)[0]
    assert "does not belong to" in lab.refused((mine[0], other[1]))[0]
    assert "not made for the authentication of a client" in lab.refused(server)[0]
    assert "no such file" in lab.refused((tmp_path / "none.pem", mine[1]))[0]
    assert "no such file" in lab.refused((mine[0], tmp_path / "none.key"))[0]
    assert "no certificate in PEM form" in lab.refused((mine[1], mine[1]))[0]
    assert "no private key in PEM form" in lab.refused((mine[0], mine[0]))[0]


def test_the_doctor_says_it(lab: Lab, tmp_path: Path) -> None:
    expired = lab.authority.sign(tmp_path / "old", NAME, starts=-9, ends=-1)
    stranger = Authority("Strangers").sign(tmp_path / "other", NAME)
    hosts = [lab.describe(expired), lab.describe(stranger)]
    health = examine(hosts, lambda _: Secret("none"), SystemClock(), forks=1, tell=lambda _: None)
    assert health[0].health is Health.FAILED
    assert "old/client.pem expired on" in health[0].says
    assert "get a new client certificate" in str(health[0].remedy)
    assert "hung up when it was shown" in health[1].says
    assert "Trusted Root" in str(health[1].remedy)


def test_other_ways_to_log_on_still_work_where_a_certificate_is_only_asked_for(tmp_path: Path) -> None:
    lab = Lab(tmp_path, required=False)
    try:
        host = Host(
            name="SM01",
            address=lab.end.address,
            connection="winrm",
            platform="windows",
            origin=Origin("lab.yaml", 1, 1),
            port=lab.end.https_port,
            user=USER,
            password=SecretRef("env", "X"),
            options={"scheme": "https", "transport": "basic", "ca_trust_path": str(tmp_path / "ca.pem")},
        )
        connection = connect(host, lambda _: Secret(PASSWORD))
        assert connection.run(LOOK, 10).ok
        connection.close()
        assert lab.connect(lab.authority.sign(tmp_path / "me", NAME)).run(LOOK, 10).ok
    finally:
        for one in lab.made:
            one.close()
        lab.host.hold.set()
        lab.servers.stop()
