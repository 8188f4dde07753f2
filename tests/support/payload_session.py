"""Runs packaged payloads in a real PowerShell, through the engine's own interpreter and frames, over a made-up host.

The host is a folder for the drive C, an in-memory registry and a scripted SQL Server, all taken from a lab machine.
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.lab.machine import Machine
from engine.model import frame

ROOT = Path(__file__).resolve().parents[2]
NONCE = "twin"
SETUP = r"""
param($Arguments)
if (Get-PSDrive -Name C -ErrorAction SilentlyContinue) { Remove-PSDrive -Name C -Scope Global -Force }
$null = New-PSDrive -Name C -PSProvider FileSystem -Root $Arguments.root -Scope Global
if (Test-Path -Path 'HKLM:\SOFTWARE\Microsoft') { Remove-Item -Path 'HKLM:\SOFTWARE\Microsoft' -Recurse -Force }
foreach ($key in $Arguments.registry) {
    $path = 'HKLM:' + $key.path.Substring(4)
    if (-not (Test-Path -LiteralPath $path)) { $null = New-Item -Path $path -Force }
    foreach ($value in $key.values) {
        $null = New-ItemProperty -Path $path -Name $value.name -PropertyType $value.kind -Value $value.data -Force
    }
}
@{ ready = $true }
"""


def find_pwsh() -> str | None:
    """The PowerShell to test with: RUNBOOK_PWSH, else pwsh on the PATH."""
    return os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")


class PayloadSession:
    """One PowerShell process; ``run`` gives the answers of payloads one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sql_file = folder / "sql.json"
        self.sql_file.write_text("[]")
        self._frames = 0
        self._states = 0
        pwsh = find_pwsh()
        assert pwsh is not None
        command = [pwsh, "-NoProfile", "-NonInteractive", "-EncodedCommand", frame.encoded_command(frame.STAGE_0)]
        environment = {**os.environ, "PWSH_SQL": str(self.sql_file)}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        interpreter = (ROOT / "engine" / "connections" / "interpreter.ps1").read_bytes()
        self._send(base64.b64encode(interpreter).decode("ascii"))

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode("ascii") + b"\n")
        self._process.stdin.flush()

    def run(self, text: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to one script."""
        self._frames += 1
        self._send(
            frame.encode_frame(
                nonce=NONCE, number=self._frames, name="payload", text=text, known=False, arguments=arguments
            )
        )
        assert self._process.stdout is not None
        stray = []
        while line := self._process.stdout.readline().decode("utf-8"):
            answer = frame.decode_answer(line, NONCE)
            if answer:
                return answer[1]
            stray.append(line)
        raise AssertionError(f"the PowerShell ended: {''.join(stray)[-2000:]}")

    def become(self, machine: Machine, rules: list[dict[str, Any]] | None = None) -> Path:
        """Give the process the state of a machine; the folder of its drive C."""
        self._states += 1
        root = self.folder / f"c{self._states}"
        root.mkdir()
        write_files(machine, root)
        self.sql_file.write_text(json.dumps({"rules": rules or []}))
        registry = [
            {"path": key.path, "values": [_registry_value(one) for one in key.values.values()]}
            for key in machine.registry
            if key.path.lower().startswith("hklm\\software")
        ]
        answer = self.run(SETUP, {"root": str(root), "registry": registry})
        assert answer["ok"], answer
        return root

    def close(self) -> None:
        """End the process by ending its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def _registry_value(value: Any) -> dict[str, Any]:
    data = list(value.data) if isinstance(value.data, (tuple, bytes)) else value.data
    return {"name": value.name, "kind": value.kind, "data": data}


def write_files(machine: Machine, root: Path) -> None:
    """The machine's drive C as a real folder."""
    for path in machine.files.folders.values():
        if path.lower().startswith("c:\\"):
            (root / path[3:].replace("\\", "/")).mkdir(parents=True, exist_ok=True)
    for file in machine.files:
        place = root / file.path[3:].replace("\\", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
        os.utime(place, (int(file.modified), int(file.modified)))


def read_files(root: Path) -> dict[str, bytes]:
    """Windows path to content of every file below a folder."""
    return {
        "C:\\" + str(one.relative_to(root)).replace("/", "\\"): one.read_bytes()
        for one in root.rglob("*")
        if one.is_file()
    }


def machine_files(machine: Machine) -> dict[str, bytes]:
    """The same of a machine."""
    return {one.path: one.content for one in machine.files}
