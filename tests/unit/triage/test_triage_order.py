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


def estate(
    place: Path, *, now: dict[str, str], logs: dict[str, str], retry: str = "no", start: str = OLD
) -> TriageResult:
    """Two management servers, a warehouse and a SQL Server, all at OLD in the baseline; ``now``: what differs today."""

    def bodies(known: dict[str, str]) -> dict[str, str]:
        main = f"{{ServiceManager: {known.get('ServiceManager', OLD)}}}"
        return {
            "SM01": host("management-server", known.get("SM01", OLD)),
            "SM02": host("management-server", known.get("SM02", OLD)),
            "DW01": host("data-warehouse-server", known.get("DW01", OLD), *WAREHOUSE),
            "SQL01": f"{{role: sql-server, versions: {{databases: {main}}}}}",
        }

    files = {
        "evidence.yaml": f"upgrade: {{from: {start}, to: {NEW}}}\n"
        f"answers: {{setup_running: 'no', retry_button: '{retry}'}}\n",
        "baseline.yaml": "hosts:\n" + "".join(f"  {name}: {body}\n" for name, body in bodies({}).items()),
        **{f"hosts/{name}/host.yaml": body for name, body in bodies(now).items()},
        **{f"hosts/{name}/logs/SCSMInstall.log": text for name, text in logs.items()},
    }
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return triage_evidence([place], SPEC)


def doubted(result: TriageResult) -> set[str]:
    return {one.host or "" for one in result.missing if "may have been completed before" in one.why}


def test_a_changed_management_server_shows_that_the_warehouse_was_done_before(tmp_path: Path) -> None:
    result = estate(tmp_path, now={"DW01": NEW, "SM01": NEW}, logs={})
    assert (result.row, result.runbook) == ("D10", None)
    assert doubted(result) == {"DW01"}
    amend = f"--completed DW01 --to {NEW} --database DWStagingAndConfig --database DWRepository --out FILE"
    assert result.next[-1] == f"runbook baseline amend BASELINE {amend}"
    assert not [one for one in result.next if one.startswith("Read the versions named")]


def test_a_management_server_that_was_upgraded_before_is_not_restored(tmp_path: Path) -> None:
    done = {"DW01": NEW, "SM01": NEW, "ServiceManager": NEW}
    result = estate(tmp_path / "a", now=done, logs={"SM02": S1})
    assert (result.row, result.runbook) == ("D10", None)
    assert doubted(result) == {"DW01", "SM01", "SQL01"}
    # Setup failed on the very server that changed, or the database stands in between: that is damage.
    assert estate(tmp_path / "b", now=done, logs={"SM01": S1}).row == "D2"
    assert estate(tmp_path / "c", now={**done, "ServiceManager": "7.5.2000.0"}, logs={"SM02": S1}).row == "D2"


def test_what_stands_where_the_upgrade_began_was_not_changed_by_it(tmp_path: Path) -> None:
    updated = "7.5.1600.0"
    result = estate(tmp_path, now={"ServiceManager": updated}, logs={"SM01": S1}, start=updated)
    assert (result.row, result.verdict, result.runbook) == ("D10", "undetermined", None)
    assert [one.host for one in result.missing if "older than the last update" in one.why] == ["SQL01"]
    assert result.next[-1].startswith("Bring the baseline that was recorded last before the upgrade")
    assert estate(tmp_path, now={"ServiceManager": updated}, logs={"SM01": S1}).row == "D2"


def test_databases_that_the_baseline_names_as_the_warehouses_are_its(tmp_path: Path) -> None:
    def both(version: str) -> str:
        return f"{{role: sql-server, versions: {{databases: {{Main: {OLD}, Stage: {version}}}}}}}"

    names = "{management: {server: SQL01, name: Main}, staging: {server: SQL01, name: Stage}}"
    files = {
        "evidence.yaml": "answers: {setup_running: 'no', retry_button: 'no'}\n",
        "baseline.yaml": f"hosts:\n  SQL01: {both(OLD)}\n"
        f"  DW01: {{role: data-warehouse-server, database_names: {names}}}\n",
        "hosts/SQL01/host.yaml": both(NEW),
        "hosts/DW01/host.yaml": "role: data-warehouse-server\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    result = triage_evidence([tmp_path], SPEC)
    assert (result.row, result.runbook) == ("D9", "runbooks/service-manager/warehouse-database-recovery.yaml")


def nameless(place: Path, now: dict[str, str], *, logs: str = "x\n", more: str = "") -> TriageResult:
    """A SQL Server with databases of any names."""
    before = ", ".join(f"{one}: {OLD}" for one in now)
    today = ", ".join(f"{one}: {version}" for one, version in now.items())
    files = {
        "evidence.yaml": "answers: {setup_running: 'no', retry_button: 'no'}\n",
        "baseline.yaml": f"hosts:\n  SQL01: {{role: sql-server, versions: {{databases: {{{before}}}}}}}\n{more}",
        "hosts/SQL01/host.yaml": f"{{role: sql-server, versions: {{databases: {{{today}}}}}}}\n",
        "hosts/SM01/logs/SCSMInstall.log": logs,
    }
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return triage_evidence([place], SPEC)


def test_a_changed_database_of_no_known_name_is_of_neither_side(tmp_path: Path) -> None:
    for number, logs in enumerate(("x\n", S1)):
        result = nameless(tmp_path / str(number), {"ServiceManager": OLD, "Stage": NEW, "Repo": OLD}, logs=logs)
        assert (result.row, result.suspected) == ("D11", "after-permanent-changes-database")
        gaps = {one.what: one.weight for one in result.missing if "the registry of the servers does" in one.why}
        assert gaps == {"the role of the database Stage": "alone", "the role of the database Repo": "alone"}
        assert result.deciding is not None
        assert {one.verdict for one in result.deciding.outcomes} == {"after-permanent-changes-database"}


def test_a_single_database_beside_the_warehouse_is_service_manager(tmp_path: Path) -> None:
    assert nameless(tmp_path / "a", {"Company": NEW, "DWDataMart": OLD}).row == "D8"
    assert nameless(tmp_path / "b", {"Company": NEW}).row == "D8"
    names = "  DW01: {role: data-warehouse-server, database_names: {staging: {server: SQL01, name: Stage}}}\n"
    assert nameless(tmp_path / "c", {"Company": NEW, "Other": OLD, "Stage": OLD}, more=names).row == "D8"


def test_changed_binaries_of_a_server_of_no_known_role_are_of_neither_side(tmp_path: Path) -> None:
    def body(version: str, role: str) -> str:
        return f"{{{role}versions: {{binaries: {version}}}}}"

    def told(place: Path, role: str) -> TriageResult:
        main = f"{{role: management-server, versions: {{binaries: {OLD}, databases: {{ServiceManager: {OLD}}}}}}}"
        files = {
            "evidence.yaml": "answers: {setup_running: 'no', retry_button: 'no'}\n",
            "baseline.yaml": f"hosts:\n  SM01: {main}\n  X01: {body(OLD, '')}\n",
            "hosts/SM01/host.yaml": main,
            "hosts/X01/host.yaml": body(NEW, role),
        }
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(content)
        return triage_evidence([place], SPEC)

    result = told(tmp_path / "a", "")
    assert (result.row, result.suspected) == ("D11", "after-permanent-changes-management-server")
    assert [(one.host, one.weight) for one in result.missing if one.what == "the role of the server"] == [
        ("X01", "alone")
    ]
    for role, runbook in (("data-warehouse", "warehouse-server"), ("management", "management-server")):
        result = told(tmp_path / role, f"role: {role}-server, ")
        assert (result.row, result.runbook) == ("D7", f"runbooks/service-manager/{runbook}-recovery.yaml")
