# ruff: noqa: E501 - evidence is quoted as it stands
"""Every row of the decision table, from written folders to the verdict, with unknowns on either side."""

from pathlib import Path

import pytest

from engine.app.triage import triage_evidence, triage_spec
from engine.evidence.writer import HostEvidence, baseline_document, write_evidence
from engine.model.triage import UNKNOWN, Answers, EvidenceHost, Upgrade, Versions

OLD, NEW = "7.5.1561.0", "7.5.2905.0"
S1 = (
    "CAStartServices: Attempting to start service. OMCFG\r\n"
    "CAStartServices: StartService failed. Error Code: 0x8007041D.\r\n"
    "ConfigureSDKConfigService: CAStartServices failed. Error Code: 0x8007041D. OMCFG\r\n"
)
LOGON = "CAStartServices: Attempting to start service. OMCFG\nCAStartServices: StartService failed. Error Code: 0x8007042D.\n"
BEFORE = "_ExecuteSqlScripts. This upgrade attempt has failed before permanent modifications were made. Upgrade has\n"
FULL = "_CreateDatabase\nMODIFY FILE encountered operating system error 112(There is not enough space on the disk.)\n"
TIMEOUT = "runbooks/service-manager/configuration-service-timeout.yaml"
FOLDER = "runbooks/service-manager"
TREATS = {
    "D1": TIMEOUT,
    "D3": f"{FOLDER}/prerequisite-check-failed.yaml",
    "D4": f"{FOLDER}/predicted-check-failed.yaml",
    "D5": f"{FOLDER}/failed-before-permanent-changes.yaml",
    "D8": f"{FOLDER}/database-recovery.yaml",
    "D9": f"{FOLDER}/warehouse-database-recovery.yaml",
}
# Rows that lead to several runbooks, by the case.
LEADS = {
    "timeout, database changed": f"{FOLDER}/database-recovery.yaml",
    "timeout, packs changed": f"{FOLDER}/database-recovery.yaml",
    "timeout, warehouse changed": f"{FOLDER}/warehouse-database-recovery.yaml",
    "timeout, binaries changed": f"{FOLDER}/management-server-recovery.yaml",
    "timeout, warehouse server changed": f"{FOLDER}/warehouse-server-recovery.yaml",
    "server": f"{FOLDER}/management-server-recovery.yaml",
    "both servers": f"{FOLDER}/management-server-recovery.yaml",
    "warehouse server": f"{FOLDER}/warehouse-server-recovery.yaml",
}
SERVER, DATABASE = "after-permanent-changes-management-server", "after-permanent-changes-database"
SPEC = triage_spec()


def hosts(binaries=OLD, main=OLD, warehouse=OLD, packs=OLD, warehouse_server=OLD):
    return (
        EvidenceHost(
            name="SM01", role="management-server",
            versions=Versions(binaries=binaries, management_packs=packs, databases={"ServiceManager": main}),
        ),
        EvidenceHost(name="SQL02", role="sql-server", versions=Versions(databases={"DWStagingAndConfig": warehouse})),
        EvidenceHost(name="DW01", role="data-warehouse-server", versions=Versions(binaries=warehouse_server)),
    )  # fmt: skip


def judged(folder: Path, log="ordinary line\n", *, baseline=True, now=None, **answers):
    first, *others = hosts(**(now or {}))
    write_evidence(
        folder / "e",
        (HostEvidence(host=first, logs={"SCSMInstall.log": log.encode()}), *(HostEvidence(host=one) for one in others)),
        upgrade=Upgrade(from_version=OLD, to_version=NEW, started_at=1359828120.0, offset_s=3600),
        answers=Answers(**({"setup_running": "no"} | answers)),
        baseline=baseline_document(hosts()) if baseline else None,
    )
    return triage_evidence([folder / "e"], SPEC)


CASES = {
    "running": (S1, {"setup_running": "yes"}, "D0", "setup-running", None),
    "timeout": (S1, {}, "D1", "configuration-service-timeout", None),
    "timeout with retry": (S1 + FULL, {"retry_button": "yes"}, "D1", "configuration-service-timeout", None),
    "timeout without baseline": (S1, {"baseline": False}, "D11", "undetermined", "configuration-service-timeout"),
    "timeout, version unknown": (S1, {"now": {"main": UNKNOWN}}, "D11", "undetermined", "configuration-service-timeout"),
    "timeout, database changed": (S1, {"now": {"main": NEW}}, "D2", DATABASE, None),
    "timeout, packs changed": (S1, {"now": {"packs": NEW}}, "D2", DATABASE, None),
    "timeout, warehouse changed": (S1, {"now": {"warehouse": NEW}}, "D2", DATABASE, None),
    "timeout, warehouse server changed": (S1, {"now": {"warehouse_server": NEW}}, "D2", SERVER, None),
    "timeout, binaries changed": (S1, {"now": {"binaries": NEW}}, "D2", SERVER, None),
    "exit code": ("x\n", {"exit_code": -14}, "D3", "prerequisite-check", None),
    "agent": ("x\n", {"exit_code": 240}, "D3", "prerequisite-check", None),
    "page": ("x\n", {"prerequisite_page": ("Full-text search is missing",)}, "D3", "prerequisite-check", None),
    "page with a warning": ("x\n", {"prerequisite_page": ("Warning: memory",)}, "D11", "undetermined", None),
    "pre-upgrade check": ("x\n", {"exit_code": -16, "baseline": False}, "D4", "predicted-checks", None),
    "space": (FULL, {"retry_button": "yes"}, "D4", "predicted-checks", None),
    "logon": (LOGON, {}, "D4", "predicted-checks", None),
    "logon, no retry, database unknown": (LOGON, {"retry_button": "no", "now": {"main": UNKNOWN}}, "D10", "undetermined", DATABASE),
    "logon, no retry": (LOGON, {"retry_button": "no"}, "D4", "predicted-checks", None),
    "text": (BEFORE, {}, "D5", "before-permanent-changes", None),
    "text beats exit code": (BEFORE, {"exit_code": 226}, "D5", "before-permanent-changes", None),
    "retry": ("x\n", {"retry_button": "yes"}, "D5", "before-permanent-changes", None),
    "retry unknown": ("x\n", {}, "D11", "undetermined", None),
    "retry, no baseline": ("x\n", {"retry_button": "yes", "baseline": False}, "D11", "undetermined", "before-permanent-changes"),
    "retry, changed": (BEFORE, {"retry_button": "yes", "now": {"main": NEW}}, "D6", "undetermined", DATABASE),
    "server": ("x\n", {"retry_button": "no", "now": {"binaries": NEW}}, "D7", SERVER, None),
    "both servers": ("x\n", {"retry_button": "no", "now": {"binaries": NEW, "warehouse_server": NEW}}, "D7", SERVER, None),
    "warehouse server": ("x\n", {"retry_button": "no", "now": {"warehouse_server": NEW}}, "D7", SERVER, None),
    "database": (BEFORE, {"retry_button": "no", "now": {"main": NEW}}, "D8", DATABASE, None),
    "versions beat exit code": ("x\n", {"retry_button": "no", "exit_code": -14, "now": {"main": NEW}}, "D8", DATABASE, None),
    "setup says it succeeded": ("x\n", {"retry_button": "no", "exit_code": 0, "now": {"main": NEW}}, "D11", "undetermined", DATABASE),
    "the same after a reboot": ("x\n", {"retry_button": "no", "exit_code": 3010, "now": {"binaries": NEW}}, "D11", "undetermined", SERVER),
    "timeout, yet it succeeded": (S1, {"exit_code": 0, "now": {"main": NEW}}, "D11", "undetermined", DATABASE),
    "another setup was running": ("x\n", {"setup_running": "unknown", "exit_code": 247}, "D11", "undetermined", "setup-running"),
    "another setup was running before": ("x\n", {"exit_code": 247}, "D11", "undetermined", None),
    "warehouse": ("x\n", {"retry_button": "no", "now": {"warehouse": NEW}}, "D9", DATABASE, None),
    "warehouse, main unknown": ("x\n", {"retry_button": "no", "now": {"warehouse": NEW, "main": UNKNOWN}}, "D9", DATABASE, None),
    "unreachable": ("x\n", {"retry_button": "no", "now": {"main": UNKNOWN}}, "D10", "undetermined", DATABASE),
    "changed, retry unknown": ("x\n", {"now": {"main": NEW}}, "D11", "undetermined", DATABASE),
    "nothing changed, no retry": ("x\n", {"retry_button": "no"}, "D11", "undetermined", None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_row(name, tmp_path):
    log, how, row, verdict, suspected = CASES[name]
    result = judged(tmp_path, log, **how)
    assert (result.row, result.verdict, result.suspected) == (row, verdict, suspected)
    assert result.runbook == LEADS.get(name, TREATS.get(row))


def test_contradictions_are_shown(tmp_path):
    result = judged(tmp_path, BEFORE, retry_button="no", now={"main": NEW})
    assert "before-permanent-changes" in {one.signature for one in result.contradicting}
    assert result.no_longer_possible == ("retry", "undo")


def test_other_logon_failure_stands_against_the_timeout(tmp_path):
    result = judged(tmp_path, S1 + LOGON.replace("OMCFG", "OMSDK"))
    assert result.row == "D1"
    assert "S27" in {one.signature for one in result.contradicting}


def test_a_later_start_of_the_same_service_decides(tmp_path):
    assert judged(tmp_path, S1 + LOGON).row == "D4"
    assert judged(tmp_path / "b", LOGON + S1).row == "D1"


def test_another_service_is_not_this_case(tmp_path):
    result = judged(tmp_path, S1.replace("OMCFG", "OMSDK"))
    assert result.row == "D11"
    assert "S1-other" in {one.signature for one in result.noted}


def test_unbound_line_is_told(tmp_path):
    result = judged(tmp_path, "CAStartServices: StartService failed. Error Code: 0x8007041D.\n")
    assert result.row == "D11"
    assert any(one.line == 1 and "service" in one.what for one in result.missing)
