"""SSH against a server that runs real shells: trust, credentials, jumps, scripts, files and breaks."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import paramiko
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from real_ssh_server import PASSWORD, USER, RealSshServer

from engine.connections import connect
from engine.connections.ssh import SshConnection
from engine.connections.transfer import TransferFailed
from engine.model.command import Dialect, Script
from engine.model.errors import AuthenticationFailed, CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret, SecretRef
from engine.ports.connection import Connection

PWSH = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")
KEY = paramiko.ECDSAKey.generate()
needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="no POSIX shell on the PATH")
pytestmark = needs_sh

ROOT = Path(__file__).parents[3]
Make = Callable[..., Connection]


@pytest.fixture(scope="module")
def server() -> Iterator[RealSshServer]:
    server = RealSshServer("127.47.0.1", keys=[f"{KEY.get_name()} {KEY.get_base64()}"], pwsh=PWSH)
    yield server
    server.stop()


def host_of(server: RealSshServer, known_hosts: Path, platform: str = "posix", **options: object) -> Host:
    return Host(
        name="SQL02",
        address=server.address,
        connection="ssh",
        platform=platform,
        origin=Origin("lab.yaml", 1, 1),
        port=server.port,
        user=USER,
        password=SecretRef("env", "X") if options.pop("password", True) else None,
        options={"known_hosts": str(known_hosts), **options},  # type: ignore[dict-item]
    )


@pytest.fixture
def known_hosts(server: RealSshServer, tmp_path: Path) -> Path:
    path = tmp_path / "known_hosts"
    path.write_text(server.known_hosts())
    return path


@pytest.fixture
def make(server: RealSshServer, known_hosts: Path) -> Iterator[Make]:
    made: list[Connection] = []

    def make(secret: str = PASSWORD, **options: object) -> Connection:
        made.append(connect(host_of(server, known_hosts, **options), lambda _: Secret(secret)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.close()


def posix(text: str, **arguments: object) -> Script:
    return Script(name="test.sh", text=text, arguments=arguments, dialect=Dialect.POSIX)  # type: ignore[arg-type]


def test_a_script_runs_with_its_arguments_and_gives_streams_and_code(make: Make, server: RealSshServer) -> None:
    result = make().run(posix('echo "$RB_WHO"; echo bad >&2; exit 3', who="it's $HOME `x`"), 10)
    assert result.value == {"stdout": "it's $HOME `x`\n", "stderr": "bad\n", "exit_code": 3}
    assert (result.ok, result.exit_code, result.errors[0].message) == (False, 3, "bad")
    assert server.commands[-1] == "sh -s"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_arrives(make: Make, text: str) -> None:
    connection = make()
    try:
        assert connection.run(posix('printf "%s" "$RB_T"', t=text), 10).value == {
            "stdout": text,
            "stderr": "",
            "exit_code": 0,
        }
    finally:
        connection.close()


def test_arguments_of_every_kind(make: Make) -> None:
    script = posix(
        'echo "$RB_A|$RB_B|$RB_C|$RB_D|$RB_SOME_LIST"', a=None, b=True, c=1.5, d=Secret("hush"), some_list=[1, "x"]
    )
    assert make().run(script, 10).value["stdout"] == '|true|1.5|hush|[1, "x"]\n'  # type: ignore[index, call-overload]


@pytest.mark.parametrize("text", ["cat; echo end", "read x; echo end", "{ echo end", "}", "echo 'a"])
def test_a_script_cannot_swallow_or_break_the_rest(make: Make, text: str) -> None:
    result = make().run(posix(text), 10)
    assert result.ok is (result.value["stdout"] == "end\n")  # type: ignore[index, call-overload]


def test_large_output_on_both_streams_does_not_block(make: Make) -> None:
    result = make().run(posix("head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2"), 20)
    assert (len(result.value["stdout"]), len(result.value["stderr"])) == (3_000_000, 3_000_000)  # type: ignore[index, call-overload, arg-type]


def test_one_command_is_fast(make: Make) -> None:
    connection = make()
    connection.run(posix(":"), 10)
    started = time.monotonic()
    for _ in range(10):
        connection.run(posix(":"), 10)
    assert time.monotonic() - started < 0.4  # Nagle's algorithm alone would take 0.44


def test_a_key_file_logs_on(make: Make, tmp_path: Path) -> None:
    KEY.write_private_key_file(str(tmp_path / "key"))
    assert make(password=False, private_key_file=str(tmp_path / "key")).run(posix(":"), 10).ok


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secret": "wrong"}, "did not accept the credential"),
        ({"password": False, "private_key_file": "/no/such/key"}, "is not there"),
    ],
)
def test_bad_credentials(make: Make, options: dict[str, object], words: str) -> None:
    with pytest.raises(AuthenticationFailed, match=words) as caught:
        make(**options).open(10)
    assert caught.value.remedy
    assert "wrong" not in str(caught.value)


def test_an_unknown_host_key_is_refused_before_the_password(
    make: Make, known_hosts: Path, server: RealSshServer
) -> None:
    known_hosts.write_text("")
    server.seen.clear()
    with pytest.raises(AuthenticationFailed, match="ssh-ed25519 SHA256:") as caught:
        make().open(10)
    assert f"ssh-keyscan -p {server.port} {server.address}" in str(caught.value.remedy)
    assert "password" not in server.seen
    known_hosts.unlink()
    with pytest.raises(AuthenticationFailed, match="is not in"):
        make().open(10)


def test_a_changed_host_key_is_refused_in_stronger_words(make: Make, known_hosts: Path, server: RealSshServer) -> None:
    known_hosts.write_text(server.known_hosts(asyncssh.generate_private_key("ssh-ed25519")))
    server.seen.clear()
    with pytest.raises(AuthenticationFailed, match="HAS CHANGED") as caught:
        make().open(10)
    assert "ssh-keygen" in str(caught.value.remedy)
    assert "password" not in server.seen


def test_a_jump_goes_through_without_the_password_of_the_target(
    server: RealSshServer, known_hosts: Path, tmp_path: Path
) -> None:
    KEY.write_private_key_file(str(tmp_path / "key"))
    jump = RealSshServer("127.47.0.2", keys=[f"{KEY.get_name()} {KEY.get_base64()}"])
    known_hosts.write_text(server.known_hosts() + jump.known_hosts())
    options = {"proxy_jump": f"{USER}@{jump.address}:{jump.port}", "private_key_file": str(tmp_path / "key")}
    connection = SshConnection(host_of(server, known_hosts, **options), lambda _: Secret(PASSWORD))
    try:
        assert connection.run(posix("echo through"), 10).ok
        assert f"forward {server.address}:{server.port}" in jump.seen
        assert "password" not in jump.seen
        assert " then " in connection.info.endpoint
    finally:
        connection.close()
        jump.stop()


def test_nothing_listens(server: RealSshServer, known_hosts: Path) -> None:
    with socket.create_server(("127.47.0.9", 0)) as taken:
        port = taken.getsockname()[1]
    host = host_of(server, known_hosts)
    gone = Host(
        name="X", address="127.47.0.9", connection="ssh", platform="posix", origin=host.origin, port=port, user="u"
    )
    with pytest.raises(ConnectFailed, match="nothing listens"):
        connect(gone, lambda _: Secret("x")).open(5)


def test_a_server_that_says_nothing(server: RealSshServer, known_hosts: Path) -> None:
    with socket.create_server(("127.47.0.9", 0)) as mute:
        host = host_of(server, known_hosts)
        silent = Host(
            name="X",
            address="127.47.0.9",
            connection="ssh",
            platform="posix",
            origin=host.origin,
            port=mute.getsockname()[1],
            user="u",
        )
        with pytest.raises(ConnectFailed):
            connect(silent, lambda _: Secret("x")).open(0.6)


@pytest.mark.parametrize(
    "greeting", [b"HTTP/1.1 400 Bad\r\n\r\n", b"\x00\xff\r\n" * 20, b"SSH-1.5-x\r\n", b"SSH-2.0-x\r\n" + b"\xff" * 200]
)
def test_who_is_no_ssh_server_is_told_as_such_and_nothing_is_printed_beside_it(greeting: bytes) -> None:
    code = """
import sys
from engine.connections import connect
from engine.model.errors import ConnectFailed
from engine.model.inventory import Host
from engine.model.origin import Origin
host = Host(name="X", address="127.47.0.9", connection="ssh", platform="posix", origin=Origin("i", 1, 1),
            port=int(sys.argv[1]), user="u")
try:
    connect(host, None).open(5)
except ConnectFailed as error:
    print(error, "|", error.remedy)
"""
    with socket.create_server(("127.47.0.9", 0)) as door:

        def greet() -> None:
            peer, _ = door.accept()
            with peer:
                peer.sendall(greeting)
                peer.settimeout(10)
                with contextlib.suppress(OSError):
                    while peer.recv(65536):
                        pass

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        command = [sys.executable, "-W", "ignore", "-c", code, str(door.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
        thread.join(15)
    assert "something else than SSH answers there (" in done.stdout
    assert "correct address and port" in done.stdout
    assert done.stderr == ""


def test_a_hung_script_times_out_and_the_next_one_runs(make: Make) -> None:
    connection = make()
    with pytest.raises(CommandTimedOut):
        connection.run(posix("sleep 30"), 0.4)
    assert connection.run(posix("echo next"), 10).ok


def test_a_break_in_the_middle_is_in_doubt_and_the_next_script_reconnects(make: Make, server: RealSshServer) -> None:
    connection = make()
    connection.run(posix(":"), 10)
    timer = threading.Timer(0.3, server.cut)
    timer.start()
    with pytest.raises(ConnectionLost):
        connection.run(posix("sleep 30"), 20)
    timer.join()
    assert connection.run(posix("echo again"), 10).ok


def test_files_by_sftp(make: Make, tmp_path: Path) -> None:
    connection = make()
    content = os.urandom(300_000)
    path = str(tmp_path / "a file")
    for body in (b"old", content):
        connection.put(path, body, 10)
        assert connection.get(path, len(content), 10) == body
    with pytest.raises(TransferFailed, match="more than the 10 allowed"):
        connection.get(path, 10, 10)
    with pytest.raises(TransferFailed):
        connection.put(str(tmp_path / "none" / "x"), b"", 10)
    with pytest.raises(TransferFailed, match="folder"):
        connection.get(str(tmp_path), 10, 10)
    with pytest.raises(TransferFailed):
        connection.get(str(tmp_path / "none"), 10, 10)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a file", "known_hosts"]


def test_a_script_in_another_language_is_refused(make: Make) -> None:
    with pytest.raises(ConnectFailed, match="powershell"):
        make().run(Script(name="x.ps1", text="1"), 5)


@pytest.mark.pwsh
@pytest.mark.skipif(PWSH is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH")
class TestPowerShell:
    def test_frames_over_one_channel(self, make: Make) -> None:
        connection = make(shell="powershell")
        text = "param($Arguments)\n@{ n = $Arguments.n; p = $PID }"
        values = [connection.run(Script(name="x", text=text, arguments={"n": n}), 20).value for n in (1, 2)]
        assert [value["n"] for value in values] == [1, 2]  # type: ignore[index, call-overload]
        assert values[0]["p"] == values[1]["p"]  # type: ignore[index, call-overload]
        assert connection.info.persistent
        assert connection.info.interpreter.startswith("PowerShell")

    def test_a_break_in_the_middle(self, make: Make, server: RealSshServer) -> None:
        connection = make(shell="powershell")
        connection.open(20)
        timer = threading.Timer(0.3, server.cut)
        timer.start()
        with pytest.raises(ConnectionLost):
            connection.run(Script(name="x", text="param($Arguments) Start-Sleep 30"), 20)
        timer.join()
        assert connection.run(Script(name="x", text="param($Arguments) @{ a = 1 }"), 20).ok

    def test_files_through_frames_where_there_is_no_sftp(self, tmp_path: Path) -> None:
        server = RealSshServer("127.47.0.3", pwsh=PWSH, sftp=False)
        known = tmp_path / "known_hosts"
        known.write_text(server.known_hosts())
        connection = connect(host_of(server, known, shell="powershell"), lambda _: Secret(PASSWORD))
        try:
            connection.put(str(tmp_path / "file"), b"content", 20)
            assert connection.get(str(tmp_path / "file"), 100, 20) == b"content"
        finally:
            connection.close()
            server.stop()
