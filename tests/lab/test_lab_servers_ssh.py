"""SSH of the lab as a real client (paramiko) sees it: the same processes, faults and reboots as over WinRM."""

import base64
import contextlib
import threading
import time
from collections.abc import Iterator

import paramiko
import pytest
from fake_lab_host import COMMAND, PASSWORD, USER, FakeLabHost, frame_line

from engine.lab.serve import Endpoint, LabServers, ServedHost
from engine.model.frame import decode_answer

KEY = paramiko.ECDSAKey.generate()


class Lab:
    def __init__(self) -> None:
        self.host = FakeLabHost()
        self.servers = LabServers()
        self.ends = self.servers.start(
            [
                ServedHost(
                    host=self.host,
                    address="127.46.0.1",
                    winrm_port=None,
                    https_port=None,
                    ssh_port=0,
                    ssh_keys={USER: [f"{KEY.get_name()} {KEY.get_base64()} someone"], "ghost": []},
                )
            ]
        )
        self.end: Endpoint = self.ends.hosts["SM01"]

    @contextlib.contextmanager
    def client(self, **credential: object) -> Iterator[paramiko.SSHClient]:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        for line in self.ends.known_hosts().splitlines():
            name, kind, text = line.split(" ")
            key = paramiko.Ed25519Key(data=base64.b64decode(text))
            client.get_host_keys().add(name, kind, key)
        credential = {"username": USER, "password": PASSWORD} | credential
        try:
            client.connect(
                self.end.address,
                port=self.end.ssh_port or 0,
                timeout=5,
                banner_timeout=5,
                auth_timeout=5,
                allow_agent=False,
                look_for_keys=False,
                **credential,  # type: ignore[arg-type]
            )
            yield client
        finally:
            client.close()


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    try:
        yield lab
    finally:
        lab.host.hold.set()
        lab.servers.stop()


class Framed:
    def __init__(self, client: paramiko.SSHClient) -> None:
        self.stdin, self.stdout, self.stderr = client.exec_command(COMMAND, timeout=5)
        self.send(base64.b64encode(b"interpreter") + b"\n")

    def send(self, data: bytes) -> None:
        self.stdin.write(data)
        self.stdin.flush()

    def ask(self, number: int, name: str) -> dict:
        self.send(frame_line(number, name))
        decoded = decode_answer(self.stdout.readline(), "N1")
        if decoded is None:
            raise EOFError(name)
        assert decoded[0] == number
        return dict(decoded[1])


def test_commands_run_with_input_output_and_exit_code(lab: Lab) -> None:
    with lab.client() as client:
        _, out, _ = client.exec_command("echo hello there")
        assert out.read() == b"hello there\r\n"
        _, out, err = client.exec_command("fail 7")
        assert (out.read(), err.read(), out.channel.recv_exit_status()) == (b"some output", b"some error", 7)
        given, out, _ = client.exec_command("sh -s")
        given.write(b"first ")
        given.flush()
        given.write(b"second")
        given.channel.shutdown_write()
        assert out.read() == b"FIRST SECOND"
        _, out, _ = client.exec_command(f"big {1 << 20}")
        assert out.read() == bytes(range(256)) * 4096


def test_frames_are_answered_in_one_process(lab: Lab) -> None:
    with lab.client() as client:
        framed = Framed(client)
        assert framed.ask(1, "handshake")["value"] == {"boot": 1}
        assert framed.ask(2, "echo")["ok"] is True
        framed.stdin.channel.shutdown_write()
        assert framed.stdout.channel.recv_exit_status() == 0


def test_keys_and_passwords_are_judged(lab: Lab) -> None:
    with lab.client(password=None, pkey=KEY) as client:
        assert client.exec_command("echo x")[1].read() == b"x\r\n"
    for wrong in (
        {"password": "wrong"},
        {"username": "nobody"},
        {"username": "ghost", "password": None, "pkey": KEY},
        {"password": None, "pkey": paramiko.ECDSAKey.generate()},
    ):
        with pytest.raises(paramiko.AuthenticationException), lab.client(**wrong):
            pass
    lab.servers.set_faults("SM01", {"wrong_password": True})
    for right in ({}, {"password": None, "pkey": KEY}):
        with pytest.raises(paramiko.AuthenticationException), lab.client(**right):
            pass


def test_a_session_without_a_command_is_refused(lab: Lab) -> None:
    with lab.client() as client:
        channel = client.invoke_shell()
        assert channel.recv_exit_status() == 1


def test_a_reboot_cuts_off_and_refuses_until_the_host_is_back(lab: Lab) -> None:
    with lab.client() as client:
        framed = Framed(client)
        framed.ask(1, "handshake")
        lab.host.up = False
        lab.servers.refresh()
        with pytest.raises((EOFError, OSError)):
            framed.ask(2, "echo")
    with pytest.raises(OSError, match=r"refused|Unable to connect"), lab.client():
        pass
    lab.host.up, lab.host.boot = True, 2
    lab.servers.refresh()
    with lab.client() as client:
        assert Framed(client).ask(1, "handshake")["value"] == {"boot": 2}


def test_an_answer_that_waits_is_cut_off_by_a_shutdown(lab: Lab) -> None:
    lab.host.hold.clear()
    with lab.client() as client:
        framed = Framed(client)
        timer = threading.Timer(0.2, lambda: setattr(lab.host, "up", False))
        timer.start()
        started = time.monotonic()
        with pytest.raises((EOFError, OSError)):
            framed.ask(1, "slow")
        assert time.monotonic() - started < 3
        timer.join()


@pytest.mark.parametrize("fault", [{"drop_after_sends": 1}, {"drop_on_frame": "change"}])
def test_a_dropped_frame_was_done(lab: Lab, fault: dict[str, object]) -> None:
    with lab.client() as client:
        framed = Framed(client)
        framed.ask(1, "handshake")
        lab.servers.set_faults("SM01", fault)  # type: ignore[arg-type]
        with pytest.raises((EOFError, OSError)):
            framed.ask(2, "change")
    deadline = time.monotonic() + 3
    while len(lab.host.frames) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [name for name, *_ in lab.host.frames] == ["handshake", "change"]


def test_a_garbled_answer_is_no_answer(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"garble_answers": 1})
    with lab.client() as client:
        framed = Framed(client)
        with pytest.raises(EOFError):
            framed.ask(1, "handshake")
        assert framed.ask(2, "echo")["ok"] is True


def test_refuse_closes_the_door(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"refuse": True})
    with pytest.raises(OSError, match=r"refused|Unable to connect"), lab.client():
        pass
    lab.servers.set_faults("SM01", {"refuse": False})
    with lab.client() as client:
        assert client.exec_command("echo x")[1].read() == b"x\r\n"
