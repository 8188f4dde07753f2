"""``runbook baseline``: who signed one, that a changed one is refused, and how one goes along with the upgrade."""

import json
from pathlib import Path

import pytest
from command_line import Command

from engine.app.baseline import write
from engine.app.lab import Lab

AT = "2013-02-02T18:04:00Z"


@pytest.fixture
def signed(tmp_path: Path, lab: Lab) -> Path:
    """The lab's baseline, signed by this jump host."""
    (tmp_path / ".runbook").mkdir()
    document = {**lab.estate.baseline_document(), "recorded_at": AT, "recorded_by": "anna"}
    return write(document, tmp_path, tmp_path / ".runbook")


def test_a_signed_one_is_told(command: Command, signed: Path) -> None:
    told = command("baseline", "verify", signed)
    assert (told.code, told.err) == (0, "")
    assert "5 hosts: DW01, SM01, SM02, SQL01, SQL02" in told.out
    assert f"recorded at {AT} by anna" in told.out
    assert "unchanged since" in told.out
    assert "another jump host" not in told.out


def test_the_key_of_another_jump_host_is_told(command: Command, signed: Path, tmp_path: Path) -> None:
    (tmp_path / ".runbook" / "baseline.key").unlink()
    assert "signed by another jump host" in command("baseline", "verify", signed).out


def test_a_changed_one_is_refused_with_a_remedy(command: Command, signed: Path, lab: Lab) -> None:
    signed.write_text(signed.read_text().replace(AT, "2013-02-03T18:04:00Z", 1))
    for arguments in (
        ("baseline", "verify", signed),
        ("plan", "verify-recovery", "-i", lab.inventory, "--baseline", signed),
    ):
        told = command(*arguments)
        assert told.code == 2, told
        assert "changed after it was signed" in told.err
        assert "signature block" in told.err


def test_a_triage_goes_on_without_a_changed_one_and_says_so(command: Command, signed: Path, lab: Lab) -> None:
    assert "row D1 of" in command("triage", "-i", lab.inventory, "--baseline", signed).out
    signed.write_text(signed.read_text().replace(AT, "2013-02-03T18:04:00Z", 1))
    told = command("triage", "-i", lab.inventory, "--baseline", signed)
    assert told.code == 0, told
    assert "row D11 of" in told.out
    assert "changed after it was signed" in " ".join(told.out.split())


def test_one_without_a_signature_is_taken_with_a_note(command: Command, signed: Path) -> None:
    document = {name: one for name, one in json.loads(signed.read_text()).items() if name != "signature"}
    signed.write_text(json.dumps(document))
    told = command("baseline", "verify", signed)
    assert told.code == 0
    assert "has no signature" in told.out


def test_a_file_that_is_not_there_is_a_mistake(command: Command) -> None:
    assert command("baseline", "verify", "nowhere.yaml").code == 2


def test_one_is_amended_between_two_servers(command: Command, signed: Path, tmp_path: Path) -> None:
    after = tmp_path / "after.yaml"
    arguments = ("--completed", "DW01", "--to", "7.5.2905.0", "--out", after)
    names = json.loads(signed.read_text())["hosts"]["SQL02"]["versions"]["databases"]
    told = command("baseline", "amend", signed, *arguments, *[one for name in names for one in ("--database", name)])
    assert told.code == 0, told
    assert "binaries of DW01: 7.5.1561.0 -> 7.5.2905.0" in told.out
    assert "the upgrade of DW01 to 7.5.2905.0 was completed" in command("baseline", "verify", after).out
    assert command("baseline", "amend", signed, *arguments).code == 2
