"""The data warehouse is upgraded first: a warehouse that was upgraded whole is no damage done by a later failure."""

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
WAREHOUSE = ("DWStagingAndConfig", "DWRepository")


def host(role: str, version: str, *databases: str) -> str:
    inside = ", ".join(f"{one}: {version}" for one in databases)
    return f"{{role: {role}, versions: {{binaries: {version}, databases: {{{inside}}}}}}}"


def judged(
    place: Path,
    *,
    warehouse: str = NEW,
    baseline: str = OLD,
    main: str = OLD,
    failed_on: str = "SM01",
    to: str = NEW,
    more: str = "",
) -> TriageResult:
    upgrade = f"upgrade: {{from: {OLD}, to: {to}}}\n" if to else ""
    files = {
        "evidence.yaml": f"{upgrade}answers: {{setup_running: 'no', retry_button: 'yes'}}\n",
        "baseline.yaml": f"{more}hosts:\n"
        f"  SM01: {host('management-server', OLD, 'ServiceManager')}\n"
        f"  DW01: {host('data-warehouse-server', baseline, *WAREHOUSE)}\n",
        "hosts/SM01/host.yaml": host("management-server", main, "ServiceManager"),
        "hosts/DW01/host.yaml": host("data-warehouse-server", warehouse, *WAREHOUSE),
        "hosts/SM01/logs/SCSMInstall.log": S1 if failed_on == "SM01" else "x\n",
        "hosts/DW01/logs/SCSMInstall.log": S1 if failed_on == "DW01" else "x\n",
    }
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return triage_evidence([place], SPEC)


def test_a_warehouse_that_was_upgraded_before_is_not_restored(tmp_path: Path) -> None:
    result = judged(tmp_path / "a")
    assert (result.row, result.verdict, result.runbook) == ("D11", "undetermined", None)
    assert result.suspected == "configuration-service-timeout"
    gaps = {one.what: one for one in result.missing if "may have been completed before" in one.why}
    assert set(gaps) == {"the version of the binaries", *(f"the version of {one}" for one in WAREHOUSE)}
    assert all(one.host == "DW01" and "baseline amend" in one.why for one in gaps.values())
    done = f"amended: [{{at: '2013-02-03T10:00:00Z', by: ann, server: DW01, version: {NEW}}}]\n"
    decided = judged(tmp_path / "b", baseline=NEW, more=done)
    assert decided.row == "D1"
    assert not [one for one in decided.missing if one.file == "baseline.yaml"]


@pytest.mark.parametrize(
    ("case", "row"),
    [
        ({"failed_on": "DW01"}, "D2"),  # setup of the warehouse itself failed
        ({"failed_on": ""}, "D6"),  # nobody knows where setup failed
        ({"to": ""}, "D2"),  # nobody knows where the upgrade leads
        ({"warehouse": "7.5.2000.0"}, "D2"),  # it stands in between
        ({"main": NEW}, "D2"),  # the server's own database was changed as well
    ],
)
def test_otherwise_a_changed_warehouse_is_a_changed_warehouse(case: dict[str, str], row: str, tmp_path: Path) -> None:
    result = judged(tmp_path, **case)
    assert result.row == row
    assert (
        result.suspected == "after-permanent-changes-database" or result.verdict == "after-permanent-changes-database"
    )
