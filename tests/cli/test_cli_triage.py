"""``runbook triage``: what was asked is checked before any host is contacted, and a folder answers again as it did."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from command_line import Command

from engine.app.lab import Lab

BASELINE = {
    "hosts": {
        "SM01": {
            "role": "management-server",
            "versions": {"binaries": "7.5.1561.0", "databases": {"ServiceManager": "7.5.1561.0"}},
        }
    }
}


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """A host that would notice the first attempt to reach it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server


@pytest.fixture
def estate(door: socket.socket, tmp_path: Path) -> Path:
    host = {
        "ansible_connection": "winrm", "ansible_host": "127.0.0.1", "ansible_port": door.getsockname()[1],
        "ansible_winrm_scheme": "http", "ansible_user": "x", "ansible_password": "env:NOWHERE",
    }  # fmt: skip
    path = tmp_path / "estate.yaml"
    path.write_text(json.dumps({"all": {"hosts": {"SM01": host}}}))
    return path


WRONG = {
    ("--started-at", "yesterday"): ("`--started-at yesterday` cannot be understood", "2013-02-02T19:02:00+01:00"),
    ("--started-at", "2013-02-02T19:02:00"): ("has no offset from UTC", "a time with its offset"),
    ("--started-at", "2999-02-02T19:02:00+01:00"): ("lies in the future", "with the offset"),
    ("--from", "2012"): ("`--from 2012` cannot be understood", "7.5.1561.0"),
    ("--to", "SP1"): ("`--to SP1` cannot be understood", "7.5.2905.0"),
    ("--from", "7.5.1.0", "--to", "7.5.1.0"): ("name the same version", "before and after"),
    ("--answer", "retry_button=maybe"): ("`--answer retry_button=maybe` cannot be understood", "yes, no or unknown"),
    ("--answer", "exit_code=many"): ("is no exit code", "a whole number"),
    ("--answer", "exit_code=99999999999"): ("is no exit code", "a whole number"),
    ("--answer", "retry=yes"): ("`--answer retry=...` answers nothing", "retry_button=VALUE"),
    ("--baseline", "nowhere.yaml"): ("nowhere.yaml",),
    ("--table", "nowhere.yaml"): ("nowhere.yaml",),
    ("--limit", "SM9"): ("SM9",),
    ("--collect", "used"): ("is not an empty folder",),
    ("--collect", "estate.yaml/below"): ("estate.yaml", "name another folder"),
}


@pytest.mark.parametrize("options", WRONG, ids=" ".join)
def test_what_cannot_be_is_told_before_any_host_is_contacted(
    options: tuple[str, ...], command: Command, estate: Path, door: socket.socket, tmp_path: Path
) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "old.txt").write_text("x")
    collect = () if "--collect" in options else ("--collect", "new")
    said = command("triage", "-i", estate.name, *collect, *options)
    assert said.code != 0, said
    assert "Traceback" not in said.err
    assert said.out == ""
    flat = " ".join(said.err.split())
    for words in WRONG[options]:
        assert words in flat
    assert not (tmp_path / "new" / "evidence.yaml").exists()
    with pytest.raises(TimeoutError):
        door.accept()


@pytest.mark.parametrize(
    ("option", "value", "place"),
    [
        ("--limit", "SM01", "-i INVENTORY"),
        ("--baseline", "baseline.yaml", "baseline.yaml"),
        ("--answer", "retry_button=yes", "under answers"),
        ("--from", "7.5.1561.0", "upgrade.from"),
        ("--to", "7.5.2905.0", "upgrade.to"),
        ("--started-at", "2013-02-02T19:02:00+01:00", "upgrade.started_at"),
        ("--forks", "3", "-i INVENTORY"),
        ("--collect", "x", "-i INVENTORY"),
    ],
)
def test_an_option_that_brought_evidence_would_not_heed_is_refused(
    option: str, value: str, place: str, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "brought").mkdir()
    said = command("triage", "--evidence", "brought", option, value)
    assert said.code == 2
    assert place in said.err


def test_a_folder_answers_again_what_the_live_estate_answered(command: Command, lab: Lab, tmp_path: Path) -> None:
    """Also of a host that refused, and of what a person said."""
    lab.servers.set_faults("DW01", {"refuse": True})
    (tmp_path / "before.yaml").write_text(json.dumps(BASELINE))
    live = command(
        "triage", "-i", lab.inventory, "--collect", "ev", "--baseline", "before.yaml", "--json",
        "--answer", "retry_button=yes", "--started-at", "2013-02-02T19:02:00+01:00", "-l", "SM01,DW01",
    )  # fmt: skip
    assert live.code == 0, live
    later = command("triage", "--evidence", "ev", "--json")
    first, second = json.loads(live.out), json.loads(later.out)
    first.pop("next")
    second.pop("next")
    assert first == second
    (gap,) = [one for one in second["missing"] if one["host"] == "DW01" and one["what"] == "the host as a whole"]
    assert "could not connect" in gap["why"]
    assert gap["could_change_verdict"] in ("alone", "with other missing evidence", "no")


def test_validate_finds_what_triage_would_refuse(command: Command, tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "runbooks" / "service-manager" / "triage.yaml"
    wrong = shipped.read_text(encoding="utf-8").replace("{S1: found, binaries: equal", "{S1: found, binarys: equal")
    (tmp_path / "t.yaml").write_text(wrong, encoding="utf-8")
    said = command("validate", tmp_path / "t.yaml")
    assert said.code == 3
    assert 'there is no finding "binarys"' in said.err
    assert "^^^^^^^" in said.err
    assert 'did you mean "binaries"?' in said.err
    assert command("validate", shipped).code == 0


def test_a_secret_that_one_host_lacks_is_a_gap_of_that_host(command: Command, lab: Lab, tmp_path: Path) -> None:
    estate = yaml.safe_load(Path(lab.inventory).read_text(encoding="utf-8"))

    def without(node: object, names: set[str]) -> None:
        for key, value in node.items() if isinstance(node, dict) else ():
            if key in names and isinstance(value, dict):
                value["ansible_password"] = "env:NOWHERE_TO_BE_FOUND"
            without(value, names)

    without(estate["all"], {"DW01"})
    (tmp_path / "one.yaml").write_text(json.dumps(estate))
    said = command("triage", "-i", "one.yaml", "-l", "SM01,DW01", "--collect", "ev", "--json")
    assert said.code == 0, said
    gaps = [one for one in json.loads(said.out)["missing"] if one["what"] == "the host as a whole"]
    assert [one["host"] for one in gaps] == ["DW01"]
    assert "NOWHERE_TO_BE_FOUND" in gaps[0]["why"]
    assert "binaries" in (tmp_path / "ev" / "hosts" / "SM01" / "host.yaml").read_text()
    # Where no host can be asked, that is a mistake and no evidence.
    said = command("triage", "-i", "one.yaml", "-l", "DW01", "--collect", "none", "--json")
    assert (said.code, said.out) == (2, "")
    assert "NOWHERE_TO_BE_FOUND" in said.err
