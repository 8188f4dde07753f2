"""``runbook doctor``: this machine, and the way to every host of a lab."""

import json
from pathlib import Path

from command_line import Command, inventory

from engine.app.lab import Lab


def test_this_machine(command: Command, tmp_path: Path) -> None:
    said = command("doctor")
    assert said.code == 0
    for name in ("python", "packages", "state folder", "space", "sqlite", "clock"):
        assert f"  ok        {name}" in said.out
    assert not (tmp_path / ".runbook").exists()


def test_a_state_folder_that_cannot_be(command: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    said = command("doctor", "--state", "taken")
    assert said.code == 1
    assert "FAILED    state folder" in said.out
    assert "is in the way" in said.out


def test_every_host_is_reached(command: Command, lab: Lab) -> None:
    said = command("doctor", "-i", lab.inventory, "--json", "-f", "3")
    assert said.code == 0
    hosts = {one["host"]: one for one in json.loads(said.out)["hosts"]}
    assert list(hosts) == ["SM01", "SM02", "DW01", "SQL01", "SQL02"]
    for one in hosts.values():
        assert one["mode"] == "one interpreter"
        assert one["interpreter"] == "PowerShell 2.0"
        assert one["boot_id"]
        assert isinstance(one["skew_s"], float)
    assert hosts["SQL02"]["connection"] == "ssh"
    assert "NTLM over HTTP" in hosts["SM01"]["notes"][0]


def test_a_host_that_fails_is_code_4_and_the_others_are_told(command: Command, lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"wrong_password": True})
    said = command("doctor", "-i", lab.inventory, "-l", "management_servers", "-v")
    assert said.code == 4
    assert "FAILED    SM01" in said.out
    assert "the host did not accept the credential" in said.out
    assert "remedy: check user and password" in said.out
    assert "SM02  winrm" in said.out
    assert "boot " in said.out
    assert "SQL01" not in said.out


def test_a_certificate_has_its_days_counted(command: Command, lab: Lab, tmp_path: Path) -> None:
    estate = inventory(
        lab,
        tmp_path,
        ansible_port=lab.endpoints.hosts["SM01"].https_port,
        ansible_winrm_scheme="https",
        ansible_winrm_ca_trust_path=str(lab.folder / "ca.pem"),
    )
    said = command("doctor", "-i", estate, "-l", "SM01", "--json")
    one = json.loads(said.out)["hosts"][0]
    assert said.code == 0
    assert 0 < one["certificate_days"] < 4000
    lab.servers.set_faults("SM01", {"expired_certificate": True})
    said = command("doctor", "-i", estate, "-l", "SM01")
    assert said.code == 4
    assert "its certificate has expired" in said.out


def test_one_process_per_command_is_told_with_its_reason(command: Command, lab: Lab, tmp_path: Path) -> None:
    estate = inventory(lab, tmp_path, runbook_persistent=False)
    said = command("doctor", "-i", estate, "-l", "SM01")
    assert said.code == 0
    assert "a process per command" in said.out


def test_a_limit_needs_an_inventory(command: Command) -> None:
    said = command("doctor", "-l", "SM01")
    assert said.code == 2
    assert "remedy: name one with -i" in said.err
