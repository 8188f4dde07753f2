"""Keys out of a real ssh-agent: with a passphrase, one of several, not there, not signed with, too many of them."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_ssh_server import USER, RealSshServer

from engine.connections import connect
from engine.model.command import Dialect, Script
from engine.model.errors import AuthenticationFailed
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret
from engine.ports.connection import Connection

pytestmark = pytest.mark.skipif(
    any(shutil.which(one) is None for one in ("ssh-agent", "ssh-add", "ssh-keygen", "sh")),
    reason="OpenSSH's ssh-agent, ssh-add and ssh-keygen, and a shell, are needed",
)
PASSPHRASE = "long words 7"
SHOWS = Script(name="who.sh", text="echo through", dialect=Dialect.POSIX)

Make = Callable[..., Connection]
Key = Callable[..., Path]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An agent of our own, its socket in the environment; nothing of the person's own is looked at."""
    monkeypatch.setenv("HOME", str(tmp_path))
    place = str(tmp_path / "agent.sock")
    started = subprocess.run(["ssh-agent", "-a", place, "-s"], capture_output=True, text=True, check=True)
    found = re.search(r"SSH_AGENT_PID=(\d+)", started.stdout)
    assert found is not None
    monkeypatch.setenv("SSH_AUTH_SOCK", place)
    yield place
    os.kill(int(found[1]), signal.SIGTERM)


@pytest.fixture
def key(tmp_path: Path) -> Key:
    def key(name: str, *, passphrase: str = PASSPHRASE, options: tuple[str, ...] = ("-t", "ed25519")) -> Path:
        place = tmp_path / name
        subprocess.run(["ssh-keygen", "-q", *options, "-N", passphrase, "-f", str(place)], check=True)
        return place

    return key


def add(tmp_path: Path, *keys: Path, options: tuple[str, ...] = ()) -> None:
    """Load keys as a person does, the passphrase asked for by a program."""
    asks = tmp_path / "ask.sh"
    asks.write_text(f"#!/bin/sh\necho '{PASSPHRASE}'\n")
    asks.chmod(0o700)
    environment = {**os.environ, "SSH_ASKPASS": str(asks), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
    subprocess.run(["ssh-add", "-q", *options, *map(str, keys)], check=True, env=environment, capture_output=True)


def public(key: Path) -> str:
    return Path(f"{key}.pub").read_text().strip()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A server that accepts one key, and a connection to it with that inventory."""
    made: list[tuple[Connection, RealSshServer]] = []

    def make(accepted: Path, *, tries: int | None = None, **options: str) -> Connection:
        server = RealSshServer("127.47.0.11", keys=[public(accepted)], tries=tries)
        known = tmp_path / "known_hosts"
        known.write_text(server.known_hosts())
        host = Host(
            name="SQL02",
            address=server.address,
            connection="ssh",
            platform="posix",
            origin=Origin("lab.yaml", 1, 1),
            port=server.port,
            user=USER,
            options={"known_hosts": str(known), **options},
        )
        made.append((connect(host, lambda _: Secret("none")), server))
        return made[-1][0]

    yield make
    for connection, server in made:
        connection.close()
        server.stop()


def refused(connection: Connection) -> tuple[str, str]:
    with pytest.raises(AuthenticationFailed) as caught:
        connection.open(10)
    assert PASSPHRASE not in str(caught.value)
    return str(caught.value), str(caught.value.remedy)


@pytest.mark.usefixtures("agent")
def test_a_key_with_a_passphrase_comes_out_of_the_agent(make: Make, key: Key, tmp_path: Path) -> None:
    mine = key("mine")
    add(tmp_path, mine)
    assert make(mine).run(SHOWS, 10).ok


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "rsa", "-b", "2048"), ("-t", "ecdsa")])
def test_a_named_key_with_a_passphrase_is_the_one_that_the_agent_uses(
    make: Make, key: Key, tmp_path: Path, options: tuple[str, ...]
) -> None:
    others, mine = [key(f"other{n}") for n in range(7)], key("mine", options=options)
    add(tmp_path, *others, mine)
    for named in (mine, Path(f"{mine}.pub")):
        assert make(mine, tries=2, private_key_file=str(named)).run(SHOWS, 10).ok


@pytest.mark.usefixtures("agent")
def test_an_older_key_is_found_by_the_public_file_beside_it(make: Make, key: Key, tmp_path: Path) -> None:
    mine = key("mine", options=("-t", "rsa", "-b", "2048", "-m", "PEM"))
    assert "ENCRYPTED" in mine.read_text()
    add(tmp_path, mine)
    connection = make(mine, private_key_file=str(mine))
    assert connection.run(SHOWS, 10).ok
    connection.close()
    Path(f"{mine}.pub").unlink()
    words, remedy = refused(connection)
    assert f"{mine}.pub" in words
    assert f"ssh-keygen -y -f {mine}" in remedy


@pytest.mark.usefixtures("agent")
def test_one_of_several_keys_is_accepted(make: Make, key: Key, tmp_path: Path) -> None:
    keys = [key(f"key{n}") for n in range(4)]
    add(tmp_path, *keys)
    assert make(keys[-1]).run(SHOWS, 10).ok


@pytest.mark.usefixtures("agent")
def test_more_keys_than_the_host_lets_one_try(make: Make, key: Key, tmp_path: Path) -> None:
    keys = [key(f"key{n}") for n in range(6)]
    add(tmp_path, *keys)
    words, remedy = refused(make(keys[-1], tries=3))
    assert "the host ended the logon after several keys" in words
    assert "the agent holds 6 (" in words
    assert "ansible_ssh_private_key_file" in remedy


@pytest.mark.usefixtures("agent")
def test_the_agent_holds_other_keys_only(make: Make, key: Key, tmp_path: Path) -> None:
    other, mine = key("other"), key("mine")
    add(tmp_path, other)
    shown = subprocess.run(["ssh-keygen", "-lf", str(other)], capture_output=True, text=True, check=True)
    words, remedy = refused(make(mine))
    assert "accepts none of the keys at hand: the agent holds 1 (ssh-ed25519 SHA256:" in words
    assert shown.stdout.split()[1] in words
    assert "authorized_keys" in remedy
    words, remedy = refused(make(mine, private_key_file=str(mine)))
    assert "the agent does not hold it: the agent holds 1" in words
    assert remedy.endswith(f"ssh-add {mine}")
    words, remedy = refused(make(other, private_key_file=f"{mine}.pub"))
    assert remedy.endswith(f"ssh-add {mine}")


def test_an_agent_that_is_empty_or_locked(make: Make, key: Key, agent: str) -> None:
    assert agent
    words, _ = refused(make(key("mine")))
    assert "neither a password nor a key to log on with: the agent holds no key, or is locked" in words


def test_no_agent(make: Make, key: Key, agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = key("mine")
    monkeypatch.setenv("SSH_AUTH_SOCK", f"{agent}.gone")
    words, _ = refused(make(mine, private_key_file=str(mine)))
    assert f"the agent does not answer ({agent}.gone)" in words
    monkeypatch.delenv("SSH_AUTH_SOCK")
    words, remedy = refused(make(mine, private_key_file=str(mine)))
    assert "SSH_AUTH_SOCK is not set" in words
    assert "ssh-add" in remedy


@pytest.mark.usefixtures("agent")
def test_the_agent_asks_and_nobody_confirms(make: Make, key: Key, tmp_path: Path) -> None:
    mine = key("mine")
    add(tmp_path, mine, options=("-c",))
    words, remedy = refused(make(mine))
    assert "the agent did not sign" in words
    assert "confirm" in remedy


@pytest.mark.usefixtures("agent")
def test_a_key_without_a_passphrase_needs_no_agent(make: Make, key: Key) -> None:
    mine = key("mine", passphrase="")
    assert make(mine, private_key_file=str(mine)).run(SHOWS, 10).ok
    words, _ = refused(make(key("other"), private_key_file=str(mine)))
    assert f"did not accept the credential (the key {mine})" in words


@pytest.mark.usefixtures("agent")
def test_a_key_of_home_with_a_passphrase_is_told(make: Make, key: Key, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    words, remedy = refused(make(key(".ssh/id_ed25519")))
    assert "a private key of ~/.ssh has a passphrase" in words
    assert "ssh-add" in remedy


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("content", ["", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n", "ssh-rsa", "x"])
def test_a_damaged_key_file_is_a_sentence(make: Make, key: Key, tmp_path: Path, content: str) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_text(content)
    words, remedy = refused(make(key("mine"), private_key_file=str(damaged)))
    assert f"the key {damaged}" in words
    assert remedy
