"""The contract of ``engine/ports/connection.py``, held to every kind of connection."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_lab_host import PASSWORD, USER, FakeLabHost

from engine.connections import BUILTIN, connect
from engine.lab.serve import LabServers, ServedHost
from engine.model.command import Dialect, Script
from engine.model.errors import CommandTimedOut, ConnectFailed
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret, SecretRef
from engine.ports.connection import Connection

PWSH = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")
ORIGIN = Origin("lab.yaml", 1, 1)
POWERSHELL = "param($Arguments)\n@{ text = $Arguments.text }"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A way to a far side: its scripts, and whether it is the lab's emulation, which knows no files."""

    make: Callable[[], Connection]
    dialect: Dialect
    emulated: bool = False

    def script(self, text: str) -> Script:
        if self.dialect is Dialect.POSIX:
            return Script(name="echo", text='printf "%s" "$RB_TEXT"', arguments={"text": text}, dialect=self.dialect)
        return Script(name="echo", text=POWERSHELL, arguments={"text": text})

    def sleep(self) -> Script:
        if self.dialect is Dialect.POSIX:
            return Script(name="sleep", text="sleep 20", dialect=self.dialect)
        return Script(name="slow", text="param($Arguments) Start-Sleep 20")

    def echoed(self, value: object) -> object:
        assert isinstance(value, dict)
        return value["stdout" if self.dialect is Dialect.POSIX else "text"]


KINDS = ["winrm-ntlm", "winrm-basic-https", "winrm-pwsh", "ssh-lab", "ssh-lab-pwsh", "local-posix", "local-pwsh"]


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    kind: str = request.param
    real = kind.endswith("pwsh")
    if real and PWSH is None:
        pytest.skip("no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH")
    if kind == "local-posix" and sys.platform == "win32":
        pytest.skip("a POSIX shell is needed")
    if kind.startswith("local"):
        options = {"shell": "powershell", "powershell": str(PWSH)} if real else {"shell": "posix"}
        host = Host(name="here", address="x", connection="local", platform="posix", origin=ORIGIN, options=options)
        yield Case(
            make=lambda: connect(host, lambda _: Secret("none")),
            dialect=Dialect.POWERSHELL if real else Dialect.POSIX,
        )
        return
    if real:
        monkeypatch.setenv("RUNBOOK_PWSH", str(PWSH))
    machine, servers = FakeLabHost(), LabServers()
    served = ServedHost(
        host=machine,
        address="127.49.0.1",
        winrm_port=0,
        https_port=0,
        ssh_port=0,
        interpreter="pwsh" if real else "emulated",
    )
    ends = servers.start([served])
    end = ends.hosts["SM01"]
    (tmp_path / "ca.pem").write_text(ends.ca_pem)
    (tmp_path / "known_hosts").write_text(ends.known_hosts())
    https = kind.endswith("https")
    host = Host(
        name="SM01",
        address=end.address,
        connection=kind.split("-", maxsplit=1)[0],
        platform="windows",
        origin=ORIGIN,
        port=end.ssh_port if kind.startswith("ssh") else end.https_port if https else end.winrm_port,
        user=USER,
        password=SecretRef("env", "X"),
        options={
            "scheme": "https" if https else "http",
            "transport": "basic" if https else "ntlm",
            "ca_trust_path": str(tmp_path / "ca.pem"),
            "known_hosts": str(tmp_path / "known_hosts"),
        },
    )
    machine.hold.clear()
    try:
        yield Case(
            make=lambda: connect(host, lambda _: Secret(PASSWORD)), dialect=Dialect.POWERSHELL, emulated=not real
        )
    finally:
        machine.hold.set()
        servers.stop()


def test_every_kind_is_held_to_the_contract() -> None:
    assert {kind.split("-")[0] for kind in KINDS} == set(BUILTIN)


def test_the_life_of_a_connection(case: Case, tmp_path: Path) -> None:
    connection = case.make()
    connection.close()  # before it was open
    assert connection.info.kind
    assert connection.info.endpoint
    # A method called before open opens first.
    assert case.echoed(connection.run(case.script("one"), 20).value) == "one"
    connection.open(20)
    for text in ("", "Gr\u00fc\u00dfe \u65e5\u672c\u8a9e '\"`$%", "two\nlines\r\n", "x" * 200_000):
        result = connection.run(case.script(text), 20)
        assert result.ok
        assert case.echoed(result.value) == text
        assert result.duration_s >= 0
    assert connection.info.persistent is (case.dialect is Dialect.POWERSHELL)
    if not case.emulated:
        content = bytes(range(256)) * 2000
        connection.put(str(tmp_path / "file"), content, 20)
        assert connection.get(str(tmp_path / "file"), len(content), 20) == content
    connection.close()
    connection.close()
    connection.open(20)
    assert case.echoed(connection.run(case.script("after"), 20).value) == "after"
    connection.close()


def test_the_time_limit_bounds_the_call_and_the_next_call_works(case: Case) -> None:
    connection = case.make()
    connection.open(20)
    started = time.monotonic()
    with pytest.raises(CommandTimedOut) as caught:
        connection.run(case.sleep(), 1.2)
    assert time.monotonic() - started < 8
    assert caught.value.host
    assert case.echoed(connection.run(case.script("next"), 20).value) == "next"
    connection.close()


def test_a_script_of_the_other_language_is_refused_before_it_is_sent(case: Case) -> None:
    other = Dialect.POSIX if case.dialect is Dialect.POWERSHELL else Dialect.POWERSHELL
    connection = case.make()
    with pytest.raises(ConnectFailed):
        connection.run(Script(name="x", text="1", dialect=other), 10)
    connection.close()
