"""WinRM against the lab's server: ways to log on, certificates, quotas, breaks, slow answers, real PowerShell."""

import contextlib
import dataclasses
import gc
import importlib.util
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_lab_host import PASSWORD, USER, FakeLabHost

from engine.connections import connect, winrm_wire
from engine.connections.winrm_settings import read_settings
from engine.lab.serve import Endpoints, LabServers, ServedHost
from engine.model.command import Dialect, Script
from engine.model.errors import AuthenticationFailed, CommandTimedOut, ConnectFailed, ConnectionLost, SecretUnavailable
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret, SecretRef
from engine.ports.connection import Connection

PWSH = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")
LOOK = Script(name="look", text="param($Arguments) 'look'", arguments={"a": "\u00e4"})
SLOW = Script(name="slow", text="param($Arguments) 'slow'")


class Lab:
    def __init__(self, folder: Path) -> None:
        self.host = FakeLabHost()
        self.servers = LabServers()
        self.ends: Endpoints = self.servers.start(
            [ServedHost(host=self.host, address="127.48.0.1", winrm_port=0, https_port=0)]
        )
        self.end = self.ends.hosts["SM01"]
        self.faults = self.servers.faults("SM01")
        self.ca = folder / "ca.pem"
        self.ca.write_text(self.ends.ca_pem)
        self.made: list[Connection] = []

    def describe(self, scheme: str = "http", transport: str = "ntlm", **options: object) -> Host:
        return Host(
            name="SM01",
            address=self.end.address,
            connection="winrm",
            platform="windows",
            origin=Origin("lab.yaml", 1, 1),
            port=self.end.winrm_port if scheme == "http" else self.end.https_port,
            user=USER,
            password=SecretRef("env", "X"),
            options={"scheme": scheme, "transport": transport, "ca_trust_path": str(self.ca), **options},  # type: ignore[dict-item]
        )

    def connect(
        self, scheme: str = "http", transport: str = "ntlm", secret: str = PASSWORD, **options: object
    ) -> Connection:
        self.made.append(connect(self.describe(scheme, transport, **options), lambda _: Secret(secret)))
        return self.made[-1]

    def names(self) -> list[str]:
        return [name for name, _, _ in self.host.frames]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    try:
        yield lab
        lab.host.hold.set()
        lab.servers.set_faults("SM01", {"refuse": False})
        for one in lab.made:
            one.close()
            one.close()
    finally:
        lab.host.hold.set()
        lab.servers.stop()


@pytest.mark.parametrize(("scheme", "transport"), [("http", "ntlm"), ("https", "ntlm"), ("https", "basic")])
def test_ways_to_log_on(lab: Lab, scheme: str, transport: str) -> None:
    connection = lab.connect(scheme, transport)
    results = [connection.run(LOOK, 10) for _ in range(3)]
    assert [result.value for result in results] == [{"text": LOOK.text, "a": "\u00e4"}] * 3
    assert lab.names() == ["handshake", "look", "look", "look"]
    assert connection.info.persistent
    assert connection.info.endpoint.startswith(scheme)
    assert ("does not prove" in connection.info.note) is (scheme == "http")


def test_the_environment_is_neither_heeded_nor_written(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is for the web; and threads that write to the environment at once break each other."""

    def written(name: str, value: str | None) -> contextlib.AbstractContextManager[None]:
        assert value is None, f"requests wrote {name} to the environment"
        return contextlib.nullcontext()

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setattr("requests.utils.set_environ", written)
    assert lab.connect().run(LOOK, 10).ok


def test_a_run_keeps_one_shell_and_gives_it_back(lab: Lab) -> None:
    lab.faults.max_shells = 1
    connection = lab.connect()
    for _ in range(3):
        connection.run(LOOK, 10)
    connection.close()
    again = lab.connect()
    assert again.run(LOOK, 10).ok


@pytest.mark.parametrize(("scheme", "transport"), [("http", "ntlm"), ("https", "basic"), ("https", "ntlm")])
def test_a_wrong_password_is_said_and_never_shown(lab: Lab, scheme: str, transport: str) -> None:
    with pytest.raises(AuthenticationFailed, match="did not accept the credential") as caught:
        lab.connect(scheme, transport, secret="not-it-17").open(10)
    assert USER in str(caught.value)
    assert "not-it-17" not in f"{caught.value} {caught.value.remedy}"
    assert "locked out" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("options", "words"), [({"transport": "basic"}, "Basic"), ({"message_encryption": "never"}, "encryption")]
)
def test_what_everybody_could_read_is_refused_before_sending(lab: Lab, options: dict[str, object], words: str) -> None:
    host = lab.describe(**options)  # type: ignore[arg-type]
    opened: list[SecretRef] = []

    def never(ref: SecretRef) -> Secret:
        opened.append(ref)
        return Secret("x")

    for call in (
        lambda c: c.open(5),
        lambda c: c.run(LOOK, 5),
        lambda c: c.put("x", b"", 5),
        lambda c: c.get("x", 1, 5),
    ):
        with pytest.raises(AuthenticationFailed, match=words) as caught:
            call(connect(host, never))
        assert "ansible_winrm" in str(caught.value.remedy)
    assert opened == []


def test_an_expired_certificate(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"expired_certificate": True})
    with pytest.raises(AuthenticationFailed, match="has expired") as caught:
        lab.connect("https", "basic").open(10)
    assert "renew" in str(caught.value.remedy)
    assert lab.host.frames == []


def test_an_untrusted_certificate(lab: Lab) -> None:
    with pytest.raises(AuthenticationFailed, match="not trusted") as caught:
        lab.connect("https", "basic", ca_trust_path=None).open(10)
    assert "ansible_winrm_ca_trust_path" in str(caught.value.remedy)


def test_a_certificate_of_another_name(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolve(name: str, *rest: object, **more: object) -> object:
        return real(lab.end.address if name == "sql.example" else name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    other = dataclasses.replace(lab.describe("https", "basic"), address="sql.example")
    with pytest.raises(AuthenticationFailed, match="another name"):
        connect(other, lambda _: Secret(PASSWORD)).open(5)
    assert lab.host.frames == []


def test_a_certificate_that_is_not_to_be_verified(lab: Lab) -> None:
    connection = lab.connect("https", "basic", ca_trust_path=None, server_cert_validation="ignore")
    assert connection.run(LOOK, 10).ok
    assert "not verified" in connection.info.note


def test_nothing_listens(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"refuse": True})
    with pytest.raises(ConnectFailed, match=r"nothing listens on 127\.48\.0\.1") as caught:
        lab.connect().open(5)
    assert "winrm quickconfig" in str(caught.value.remedy)


def test_a_name_that_cannot_be_resolved(lab: Lab) -> None:
    host = dataclasses.replace(lab.describe(), address="no-such-host.invalid")
    with pytest.raises(ConnectFailed, match="cannot be resolved"):
        connect(host, lambda _: Secret("x")).open(5)


def test_a_server_that_says_nothing(lab: Lab) -> None:
    with socket.create_server(("127.48.0.9", 0)) as mute:
        host = dataclasses.replace(lab.describe(), address="127.48.0.9", port=mute.getsockname()[1])
        started = time.monotonic()
        with pytest.raises(ConnectFailed, match="in time"):
            connect(host, lambda _: Secret("x")).open(1)
        assert time.monotonic() - started < 8


def take_request(peer: socket.socket) -> None:
    """All of it: a connection that is closed on unread bytes is reset, and the answer is lost on the way."""
    data = b""
    while b"\r\n\r\n" not in data and (piece := peer.recv(65536)):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0 and (piece := peer.recv(65536)):
        missing -= len(piece)


def test_something_else_than_winrm(lab: Lab) -> None:
    with socket.create_server(("127.48.0.9", 0)) as other:

        def answer() -> None:
            peer, _ = other.accept()
            with peer:
                take_request(peer)
                peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        host = dataclasses.replace(lab.describe(), address="127.48.0.9", port=other.getsockname()[1])
        with pytest.raises(ConnectFailed, match="HTTP status 404") as caught:
            connect(host, lambda _: Secret("x")).open(5)
        thread.join()
    assert "something else than WinRM" in str(caught.value.remedy)


@contextlib.contextmanager
def stranger(head: bytes, piece: bytes = b"", pause_s: float = 0.0) -> Iterator[int]:
    """Whoever answers to everything with the same, and goes on as long as it is listened to."""
    with socket.create_server(("127.48.0.9", 0)) as door:

        def talk() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = door.accept()
                    with peer, contextlib.suppress(OSError):
                        take_request(peer)
                        peer.sendall(head)
                        until = time.monotonic() + 10
                        while piece and time.monotonic() < until:
                            peer.sendall(piece)
                            time.sleep(pause_s)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield door.getsockname()[1]
        door.shutdown(socket.SHUT_RDWR)
    thread.join(15)


STRANGERS = {
    "html": (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", b"", "not WinRM"),
    "half": (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nabc", b"", "broke off in the middle"),
    "token": (
        b"HTTP/1.1 401 no\r\nWWW-Authenticate: Negotiate %%%%\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"",
        "not WinRM",
    ),
    "redirect": (
        b"HTTP/1.1 307 go\r\nLocation: http://127.48.0.8:9/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"",
        "redirect",
    ),
    "endless": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"100000\r\n" + bytes(0x100000) + b"\r\n",
        "without an end",
    ),
}


@pytest.mark.parametrize("kind", STRANGERS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pywinrm leaves a broken answer open
def test_a_server_that_is_no_winrm_is_told_as_such(lab: Lab, kind: str) -> None:
    head, piece, words = STRANGERS[kind]
    with stranger(head, piece) as port:
        host = dataclasses.replace(lab.describe(), address="127.48.0.9", port=port)
        with pytest.raises(ConnectFailed, match=f"127.48.0.9:{port} .*{words}") as caught:
            connect(host, lambda _: Secret("x")).open(5)
        gc.collect()
    assert "something else than WinRM" in str(caught.value.remedy)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_answer_that_drips_is_given_up_in_time(lab: Lab) -> None:
    with stranger(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x", 0.1) as port:
        host = dataclasses.replace(lab.describe(), address="127.48.0.9", port=port)
        started = time.monotonic()
        with pytest.raises(ConnectFailed, match="in time"):
            connect(host, lambda _: Secret("x")).open(2)
        assert time.monotonic() - started < 8
        gc.collect()


@pytest.mark.parametrize("password", ["50% \"of\" 'it'", "a:b:c", "\u00fc\u00df", "\u20ac\u65e5", " lead", "$(x)`y`\\"])
@pytest.mark.parametrize(("scheme", "transport"), [("http", "ntlm"), ("https", "basic")])
def test_any_password_logs_on_or_is_never_shown(lab: Lab, scheme: str, transport: str, password: str) -> None:
    lab.host.accounts[USER.casefold()] = password
    connection = lab.connect(scheme, transport, secret=password)
    if transport == "basic" and not password.isascii() and "\u20ac" in password:
        with pytest.raises(AuthenticationFailed, match="cannot send") as caught:
            connection.open(10)
        assert not any(letter in str(caught.value) for letter in ("\u20ac", "20ac", "\u65e5"))
        assert "ntlm" in str(caught.value.remedy)
        return
    connection.open(10)
    assert connection.run(LOOK, 10).ok


def test_the_quota_of_shells(lab: Lab) -> None:
    lab.faults.max_shells = 1
    lab.connect().open(10)
    with pytest.raises(ConnectFailed, match="no shell left") as caught:
        lab.connect().open(10)
    assert "MaxShellsPerUser" in str(caught.value.remedy)


def test_a_break_after_sending_is_in_doubt_and_the_next_script_runs(lab: Lab) -> None:
    connection = lab.connect()
    connection.run(LOOK, 10)
    lab.faults.drop_on_frame = "look"
    with pytest.raises(ConnectionLost):
        connection.run(LOOK, 10)
    assert lab.names().count("look") == 2
    assert connection.run(LOOK, 10).ok
    assert lab.names().count("look") == 3


def test_a_break_right_after_the_send_does_not_run_the_script_twice(lab: Lab) -> None:
    connection = lab.connect()
    connection.open(10)
    lab.faults.drop_after_sends = 1
    with pytest.raises(ConnectionLost):
        connection.run(LOOK, 10)
    time.sleep(0.2)
    assert lab.names().count("look") == 1


def test_a_slow_receive_is_waited_for(lab: Lab) -> None:
    lab.faults.empty_receives = 3
    assert lab.connect().run(LOOK, 20).ok


def test_a_damaged_answer_is_in_doubt(lab: Lab) -> None:
    connection = lab.connect()
    connection.open(10)
    lab.faults.garble_answers = 1
    with pytest.raises((ConnectionLost, CommandTimedOut)):
        connection.run(LOOK, 2)
    assert connection.run(LOOK, 10).ok


def test_a_damaged_handshake_falls_back_to_one_process_a_command(lab: Lab) -> None:
    lab.faults.garble_answers = 1
    connection = lab.connect()
    connection.open(6)
    assert not connection.info.persistent
    assert "handshake failed" in connection.info.note
    assert [connection.run(LOOK, 10).ok for _ in range(2)] == [True, True]


def test_one_process_a_command_when_asked_for(lab: Lab) -> None:
    connection = lab.connect(persistent=False)
    assert [connection.run(LOOK, 10).ok for _ in range(2)] == [True, True]
    assert not connection.info.persistent


def test_a_hung_script_is_ended(lab: Lab) -> None:
    connection = lab.connect()
    connection.open(10)
    lab.host.hold.clear()
    started = time.monotonic()
    with pytest.raises(CommandTimedOut):
        connection.run(SLOW, 1.5)
    assert time.monotonic() - started < 6
    lab.host.hold.set()
    assert connection.run(LOOK, 10).ok


def test_a_script_longer_than_an_operation_is_waited_for(lab: Lab) -> None:
    connection = lab.connect(operation_timeout_s=1)
    connection.open(10)
    lab.host.hold.clear()
    timer = threading.Timer(2.3, lab.host.hold.set)
    timer.start()
    assert connection.run(SLOW, 15).ok
    timer.join()


def test_a_shell_that_the_host_forgot_is_opened_anew(lab: Lab) -> None:
    connection = lab.connect()
    connection.run(LOOK, 10)
    lab.faults.idle_timeout_s = 0.1
    time.sleep(0.4)
    lab.faults.idle_timeout_s = 7200.0
    assert connection.run(LOOK, 10).ok


def test_a_host_that_booted_meanwhile_is_reached_again(lab: Lab) -> None:
    connection = lab.connect()
    connection.run(LOOK, 10)
    lab.host.up = False
    lab.servers.refresh()
    with pytest.raises((ConnectFailed, ConnectionLost)):
        connection.run(LOOK, 5)
    lab.host.boot += 1
    lab.host.up = True
    lab.servers.refresh()
    assert connection.run(LOOK, 10).ok
    connection.close()
    connection.open(10)
    assert connection.run(LOOK, 10).ok


def test_a_pause_renews_the_connection_and_keeps_the_shell(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = lab.connect()
    connection.run(LOOK, 10)
    monkeypatch.setattr(winrm_wire, "IDLE_S", 0.0)
    assert connection.run(LOOK, 10).ok
    assert lab.names() == ["handshake", "look", "look"]


@pytest.mark.parametrize(("scheme", "transport"), [("http", "ntlm"), ("https", "basic")])
def test_a_connection_that_was_closed_meanwhile(lab: Lab, scheme: str, transport: str) -> None:
    connection = lab.connect(scheme, transport)
    connection.run(LOOK, 10)
    session = connection._wire._protocol.transport.session  # type: ignore[attr-defined]
    for adapter in session.adapters.values():
        adapter.poolmanager.clear()
    assert connection.run(LOOK, 10).ok
    assert lab.names().count("look") == 2


def test_a_secret_that_cannot_be_opened_is_said_as_such(lab: Lab) -> None:
    def nothing(ref: SecretRef) -> Secret:
        raise SecretUnavailable("env:X: the environment has no variable X")

    with pytest.raises(SecretUnavailable):
        connect(lab.describe(), nothing).open(5)


def test_no_password_in_the_inventory(lab: Lab) -> None:
    host = dataclasses.replace(lab.describe(), password=None)
    with pytest.raises(AuthenticationFailed, match="no user or no password"):
        connect(host, lambda _: Secret("x")).open(5)


def test_kerberos_says_what_it_lacks(lab: Lab) -> None:
    if importlib.util.find_spec("kerberos") or importlib.util.find_spec("winkerberos"):
        pytest.skip("the package for Kerberos is installed here")
    with pytest.raises(AuthenticationFailed, match="not installed") as caught:
        lab.connect(transport="kerberos").open(5)
    assert "[kerberos]" in str(caught.value.remedy)


def test_no_time_left_is_no_doubt(lab: Lab) -> None:
    with pytest.raises(ConnectFailed):
        lab.connect().run(LOOK, 0.0)
    assert lab.host.frames == []


def test_large_arguments_go_in_several_messages(lab: Lab) -> None:
    text = "\u00e4" * 400_000
    script = Script(name="look", text="x", arguments={"t": text})
    assert lab.connect().run(script, 20).value == {"text": "x", "t": text}


def test_a_posix_script_is_refused_before_sending(lab: Lab) -> None:
    with pytest.raises(ConnectFailed, match="posix"):
        lab.connect().run(Script(name="x", text="x", dialect=Dialect.POSIX), 5)
    assert lab.host.frames == []


@pytest.mark.parametrize(
    ("port", "options", "endpoint"),
    [
        (None, {}, "https://h:5986/wsman"),
        (5985, {}, "http://h:5985/wsman"),
        (5986, {}, "https://h:5986/wsman"),
        (None, {"scheme": "http"}, "http://h:5985/wsman"),
        (8443, {"scheme": "https"}, "https://h:8443/wsman"),
    ],
)
def test_https_unless_told_otherwise(port: int | None, options: dict[str, str], endpoint: str) -> None:
    host = Host(
        name="H",
        address="h",
        connection="winrm",
        platform="windows",
        origin=Origin("x", 1, 1),
        port=port,
        options=options,
    )
    settings = read_settings(host)
    assert settings.endpoint == endpoint
    assert settings.validate


@pytest.mark.pwsh
@pytest.mark.skipif(PWSH is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH")
@pytest.mark.parametrize("stdin", ["", "2.0"])
def test_with_a_real_powershell_behind_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stdin: str) -> None:
    monkeypatch.setenv("RUNBOOK_PWSH", str(PWSH))
    monkeypatch.setenv("PWSH_STDIN", stdin)
    servers = LabServers()
    ends = servers.start(
        [ServedHost(host=FakeLabHost(), address="127.48.0.2", winrm_port=0, https_port=None, interpreter="pwsh")]
    )
    end = ends.hosts["SM01"]
    host = Host(
        name="SM01",
        address=end.address,
        connection="winrm",
        platform="windows",
        origin=Origin("lab.yaml", 1, 1),
        port=end.winrm_port,
        user=USER,
        password=SecretRef("env", "X"),
        options={"scheme": "http", "transport": "ntlm"},
    )
    connection: Connection = connect(host, lambda _: Secret(PASSWORD))
    try:
        connection.open(20)
        text = "param($Arguments)\n@{ p = $PID; t = $Arguments.t }"

        def run(argument: str) -> object:
            return connection.run(Script(name="x", text=text, arguments={"t": argument}), 20).value

        first, second = run("\u65e5\u672c"), run("b" * 200_000)
        assert (first["t"], len(second["t"]), first["p"]) == ("\u65e5\u672c", 200_000, second["p"])  # type: ignore[index]
        content = bytes(range(256)) * 1500
        connection.put(str(tmp_path / "file"), content, 20)
        assert connection.get(str(tmp_path / "file"), len(content), 20) == content
        with pytest.raises(CommandTimedOut):
            connection.run(Script(name="x", text="param($Arguments) Start-Sleep 30"), 1.5)
        assert connection.run(Script(name="x", text="param($Arguments) exit 4"), 20).exit_code == 4
        assert connection.run(Script(name="x", text="param($Arguments) @{ a = 1 }"), 20).ok
    finally:
        connection.close()
        servers.stop()
