"""A real PowerShell behind the lab's WinRM: frames, stubs over the machine's state, and both ways of reading input."""

import base64
import os
import shutil
from collections.abc import Iterator

import pytest
from fake_lab_host import COMMAND, PASSWORD, USER, FakePwshHost
from winrm.protocol import Protocol

from engine.lab.serve import LabServers, ServedHost
from engine.model.errors import UsageMistake
from engine.model.frame import encoded_command

PWSH = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")
pytestmark = pytest.mark.pwsh
needs_pwsh = pytest.mark.skipif(
    PWSH is None, reason="no PowerShell: RUNBOOK_PWSH is not set and pwsh is not on the PATH"
)
# Stands for the interpreter's script: answers every line with its second word and a stubbed cmdlet.
LOOP = (
    "$w = ([string]$args[0]).Split(' '); [Console]::Out.WriteLine('N1 ' + $w[1] + ' ' + [Convert]::ToBase64String("
    "[Text.Encoding]::UTF8.GetBytes((Get-Wheel)))); [Console]::Out.Flush()"
)


@pytest.fixture
def host() -> FakePwshHost:
    return FakePwshHost()


@pytest.fixture
def protocol(host: FakePwshHost) -> Iterator[Protocol]:
    servers = LabServers()
    served = ServedHost(host=host, address="127.47.0.1", winrm_port=0, https_port=None, interpreter="pwsh")
    end = servers.start([served]).hosts["SM01"]
    try:
        yield Protocol(
            endpoint=f"http://{end.address}:{end.winrm_port}/wsman",
            transport="ntlm",
            username=USER,
            password=PASSWORD,
            message_encryption="always",
            proxy=None,
        )
    finally:
        servers.stop()


@needs_pwsh
@pytest.mark.parametrize("stdin_mode", ["", "2.0"])
def test_lines_reach_a_real_interpreter(
    host: FakePwshHost, protocol: Protocol, stdin_mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PWSH_STDIN", stdin_mode)
    shell = protocol.open_shell(env_vars={"LAB_EXTRA": "1"})
    command = protocol.run_command(shell, COMMAND, skip_cmd_shell=True)
    protocol.send_command_input(shell, command, base64.b64encode(LOOP.encode()) + b"\n")
    for number in range(1, 4):
        protocol.send_command_input(shell, command, f"N1 {number} x\n".encode())
        got = b""
        while not got.endswith(b"\n"):
            out, err, _, done = protocol.get_command_output_raw(shell, command)
            assert (err, done) == (b"", False)
            got += out
        assert got.split()[1] == str(number).encode()
        assert base64.b64decode(got.split()[2]) == b"round red"
        assert host.taken_over == number
    protocol.send_command_input(shell, command, b"", end=True)
    assert protocol.get_command_output(shell, command) == (b"", b"", 0)
    protocol.close_shell(shell)
    assert host.taken_over == 4
    assert host.frames == []


@needs_pwsh
@pytest.mark.parametrize("stdin_mode", ["", "2.0"])
def test_any_other_script_runs_too(protocol: Protocol, stdin_mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWSH_STDIN", stdin_mode)
    shell = protocol.open_shell()
    script = "[Console]::Error.WriteLine('bad'); Get-Wheel; exit 3"
    command = protocol.run_command(shell, "powershell", ["-encodedcommand", encoded_command(script)])
    out, err, code = protocol.get_command_output(shell, command)
    assert (out.strip(), err.strip(), code) == (b"round red", b"bad", 3)
    command = protocol.run_command(shell, "echo", ["plain"])
    assert protocol.get_command_output(shell, command)[0] == b"plain\r\n"
    protocol.close_shell(shell)


@needs_pwsh
def test_a_closed_shell_ends_the_process(host: FakePwshHost, protocol: Protocol) -> None:
    shell = protocol.open_shell()
    protocol.run_command(shell, "powershell", ["-encodedcommand", encoded_command("while (1) { Start-Sleep 1 }")])
    protocol.close_shell(shell)
    assert host.frames == []


def test_without_a_powershell_the_lab_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOK_PWSH", "/nowhere/pwsh")
    servers = LabServers()
    with pytest.raises(UsageMistake, match="no PowerShell"):
        servers.start([ServedHost(host=FakePwshHost(), address="127.47.0.2", winrm_port=0, interpreter="pwsh")])
