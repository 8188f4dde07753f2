"""What the baseline does not know is not compared, and what is not compared is never called unchanged."""

from pathlib import Path

import pytest

from engine.app.triage import triage_evidence, triage_spec
from engine.model.triage import TriageResult

SPEC = triage_spec()
OLD, NEW = "7.5.1561.0", "7.5.2905.0"
S1 = (
    "CAStartServices: Attempting to start service. OMCFG\r\n"
    "CAStartServices: StartService failed. Error Code: 0x8007041D.\r\n"
)
KNOWN = f"versions: {{binaries: {OLD}, databases: {{ServiceManager: {OLD}}}}}"
SERVER = f"role: management-server\n{KNOWN}\n"
BASELINE = f"hosts:\n  SM01: {{role: management-server, {KNOWN}}}\n"


def judged(place: Path, files: dict[str, str], *, retry: str = "yes", log: str = "x\n") -> TriageResult:
    every = {
        "evidence.yaml": f"answers: {{setup_running: 'no', retry_button: '{retry}'}}\n",
        "baseline.yaml": BASELINE,
        "hosts/SM01/host.yaml": SERVER,
        "hosts/SM01/logs/SCSMInstall.log": log,
        **files,
    }
    for name, content in every.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return triage_evidence([place], SPEC)


STRANGE = {
    "a database": ("hosts/SQL02/host.yaml", f"role: sql-server\nversions: {{databases: {{DWRepository: {NEW}}}}}\n"),
    "a server": ("hosts/SM02/host.yaml", f"role: management-server\nversions: {{binaries: {NEW}}}\n"),
    "management packs": (
        "hosts/SM01/host.yaml",
        SERVER.replace("databases", f"management_packs: {NEW}, databases"),
    ),
    "another database of a known host": ("hosts/SM01/host.yaml", SERVER.replace("}}", f", DWDataMart: {NEW}}}}}")),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_version_that_the_baseline_does_not_know_is_never_passed_over(name: str, tmp_path: Path) -> None:
    file, content = STRANGE[name]
    result = judged(tmp_path / "new", {file: content})
    assert (result.row, result.verdict) == ("D11", "undetermined")
    [gap] = [one for one in result.missing if one.why.startswith("the baseline does not know it")]
    assert NEW in gap.why
    assert gap.file == file
    assert gap.weight == "alone"
    assert judged(tmp_path / "old", {file: content.replace(NEW, f"{OLD}.0")}).row == "D5"


def test_a_failure_on_a_server_that_was_never_compared_is_no_proof_that_nothing_changed(tmp_path: Path) -> None:
    result = judged(tmp_path / "a", {"hosts/SM03/logs/SCSMInstall.log": S1})
    assert (result.row, result.suspected) == ("D11", "configuration-service-timeout")
    assert any(one.host == "SM03" and one.what == "the version of the binaries" for one in result.missing)
    told = {"hosts/SM03/logs/SCSMInstall.log": S1, "hosts/SM03/host.yaml": f"versions: {{binaries: {OLD}}}\n"}
    assert judged(tmp_path / "b", told).row == "D1"


def test_a_log_without_any_sign_on_a_server_that_nobody_knows_changes_nothing(tmp_path: Path) -> None:
    assert judged(tmp_path, {"hosts/PORTAL/logs/other.log": "an ordinary line\n"}, log=S1).row == "D1"


def test_a_database_that_the_baseline_knows_of_another_host_is_no_stranger(tmp_path: Path) -> None:
    seen = f"role: sql-server\nversions: {{databases: {{servicemanager: {OLD}}}}}\n"
    assert judged(tmp_path, {"hosts/SQL01/host.yaml": seen}).row == "D5"


def test_a_missing_version_that_would_lead_to_another_runbook_is_not_called_harmless(tmp_path: Path) -> None:
    base = BASELINE.replace("ServiceManager: 7.5.1561.0", "ServiceManager: 7.5.1561.0, DWRepository: 7.5.1561.0")
    now = f"role: management-server\nversions: {{binaries: {OLD}, databases: {{DWRepository: {NEW}}}}}\n"
    result = judged(tmp_path, {"baseline.yaml": base, "hosts/SM01/host.yaml": now}, retry="no")
    assert result.row == "D9"
    [gap] = [one for one in result.missing if one.what == "the version of ServiceManager"]
    assert gap.weight == "alone"
