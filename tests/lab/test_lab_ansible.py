"""A third client that knows nothing of this engine: ansible, over NTLM with encrypted messages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.app import lab as use_case
from engine.lab.pwsh import find_powershell

ANSIBLE = shutil.which("ansible", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
pytestmark = pytest.mark.skipif(
    ANSIBLE is None, reason="ansible-core is not installed (it is not to be had on Windows)"
)


def raw(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """``ansible -m raw`` on SM01, which always starts a PowerShell with an encoded command."""
    lab = use_case.up(folder / "lab", speed=100)
    try:
        endpoint = lab.endpoints.hosts["SM01"]
        password = (lab.folder / "password").read_text().strip()
        inventory = folder / "hosts.ini"
        inventory.write_text(
            f"SM01 ansible_host={endpoint.address} ansible_port={endpoint.winrm_port} ansible_connection=winrm "
            f"ansible_winrm_scheme=http ansible_winrm_transport=ntlm ansible_user='{use_case.OPERATOR}' "
            f"ansible_password={password}\n".replace("\\", "\\\\")
        )
        environment = {**os.environ, "HOME": str(folder), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "home")}
        command = [str(ANSIBLE), "all", "-i", str(inventory), "-m", "raw", "-a", line]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, env=environment, check=False)
    finally:
        lab.stop()


@pytest.mark.pwsh
@pytest.mark.skipif(find_powershell() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH")
def test_its_script_runs_in_a_real_powershell_over_the_machines_state(tmp_path: Path) -> None:
    done = raw(tmp_path, "Get-Service OMCFG | Select-Object -ExpandProperty Status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Stopped" in done.stdout


def test_without_a_powershell_its_script_fails_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.lab.pwsh.find_powershell", lambda: None)
    monkeypatch.setattr("engine.app.lab.find_powershell", lambda: None)
    monkeypatch.setattr("engine.lab.shells_pwsh.find_powershell", lambda: None)
    done = raw(tmp_path, "Get-Service OMCFG")
    assert done.returncode != 0
    assert "The lab cannot run this command line" in done.stdout
