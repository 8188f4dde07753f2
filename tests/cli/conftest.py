"""One lab for the tests of the command line, and the command itself in this process."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Command, Said

from engine.app.lab import Lab, up
from engine.cli.main import run

QUIET = {
    "refuse": False,
    "wrong_password": False,
    "expired_certificate": False,
    "delay_s": 0.0,
    "drop_after_sends": 0,
    "drop_after_commands": 0,
    "drop_on_frame": "",
}


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = up(tmp_path_factory.mktemp("lab"), speed=200)
    yield lab
    lab.stop()


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """The shared lab; every fault that a test plants is gone afterwards."""
    yield shared_lab
    for name in shared_lab.endpoints.hosts:
        shared_lab.servers.set_faults(name, QUIET)


@pytest.fixture
def fresh_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab of one's own, for tests that count what was done to it."""
    lab = up(tmp_path / "lab", speed=200)
    yield lab
    lab.stop()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """``command("run", ...)`` in this process, in a folder of its own, with no terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "anna")
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments: str | Path) -> Said:
        capsys.readouterr()
        code = run([str(one) for one in arguments])
        told = capsys.readouterr()
        return Said(code=code, out=told.out, err=told.err)

    yield call
    for one, handler in handlers.items():
        signal.signal(one, handler)
