"""The machine of the tests itself."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from engine.connections import BUILTIN, connect
from engine.connections.transfer import TransferFailed
from engine.model.command import Dialect, Script
from engine.model.errors import CommandTimedOut, ConnectFailed, UsageMistake
from engine.model.frame import NO_TRACES
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import Secret
from engine.ports.connection import Connection

PWSH = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")


def local(kind: str = "local", **options: object) -> Connection:
    host = Host(
        name="here",
        address="localhost",
        connection=kind,
        platform="posix",
        origin=Origin("x.yaml", 1, 1),
        options=options,  # type: ignore[arg-type]
    )
    return connect(host, lambda _: Secret("none"))


def posix(text: str, **arguments: str) -> Script:
    return Script(name="x.sh", text=text, arguments=arguments, dialect=Dialect.POSIX)


needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is needed")


@needs_posix
def test_a_script_runs() -> None:
    result = local().run(posix('echo "$RB_A"; exit 2', a="b c"), 10)
    assert result.value == {"stdout": "b c\n", "stderr": "", "exit_code": 2}
    assert not result.ok


@needs_posix
def test_a_hung_script_is_ended_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(CommandTimedOut):
        local().run(posix('(sleep 1; echo x > "$RB_MARK") & wait', mark=str(mark)), 0.3)
    time.sleep(1.0)
    assert not mark.exists()


@needs_posix
def test_output_beyond_the_limit_is_cut_and_said_so() -> None:
    result = local().run(posix("head -c 17000000 /dev/zero"), 20)
    assert result.truncated
    assert len(result.value["stdout"]) == 16 * 1024 * 1024  # type: ignore[index, call-overload, arg-type]


def test_files(tmp_path: Path) -> None:
    connection = local()
    connection.put(str(tmp_path / "file"), b"one", 5)
    connection.put(str(tmp_path / "file"), b"two", 5)
    assert connection.get(str(tmp_path / "file"), 3, 5) == b"two"
    with pytest.raises(TransferFailed, match="more than the 2 allowed"):
        connection.get(str(tmp_path / "file"), 2, 5)
    with pytest.raises(TransferFailed):
        connection.put(str(tmp_path / "none" / "file"), b"", 5)
    with pytest.raises(TransferFailed):
        connection.get(str(tmp_path / "none"), 2, 5)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.pwsh
@pytest.mark.skipif(PWSH is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH")
def test_powershell_by_frames() -> None:
    connection = local(shell="powershell", powershell=str(PWSH))
    connection.open(20)
    try:
        assert connection.info.persistent
        assert connection.run(Script(name="x", text="param($Arguments) @{ a = 1 }"), 20).value == {"a": 1}
    finally:
        connection.close()


def test_a_missing_powershell_is_said() -> None:
    with pytest.raises(ConnectFailed, match="starting /no/powershell"):
        local(shell="powershell", powershell="/no/powershell").open(5)


def test_an_unknown_kind_is_a_usage_mistake_that_names_the_known_ones() -> None:
    with pytest.raises(UsageMistake, match="telnet") as caught:
        local(kind="telnet")
    assert all(kind in str(caught.value.remedy) for kind in BUILTIN)


@pytest.mark.pwsh
@pytest.mark.skipif(PWSH is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH")
def test_a_powershell_that_is_killed_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NO_TRACES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    connection = local(shell="powershell", powershell=str(PWSH))
    with pytest.raises(CommandTimedOut):
        connection.run(Script(name="slow", text="param($Arguments) Start-Sleep 20"), 4)
    connection.close()
    assert list(tmp_path.iterdir()) == []
