"""Readiness over true connections: the run leaves a signed baseline, and everything that reads one takes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.app import documents
from engine.app import plan as planning
from engine.app import run as use_case
from engine.app.baseline_signing import check
from engine.app.lab import Lab, LabOperator, up
from engine.app.request import PlanRequest, RunRequest
from engine.evidence.reader import read_evidence
from engine.execute.messages import Interrupts
from engine.lab.clock import iso
from engine.language.triage import parse_text
from engine.model.errors import UsageMistake

DATABASES = {
    "SQL01": ["ServiceManager"],
    "SQL02": ["DWStagingAndConfig", "DWRepository", "DWDataMart", "OMDWDataMart", "CMDWDataMart"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A run of readiness over loopback."""

    lab: Lab
    result: use_case.RunResult
    state: Path

    @property
    def path(self) -> Path:
        """The file that the run tells."""
        assert self.result.baseline is not None
        return self.result.baseline


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """One run for all tests here, as its machines answer over sockets."""
    folder = tmp_path_factory.mktemp("readiness")
    lab = up(folder / "lab", variant="healthy", speed=200)
    try:
        yield Recorded(lab=lab, result=run(lab, folder / "state", "readiness"), state=folder / "state")
    finally:
        lab.stop()


def run(lab: Lab, state: Path, runbook: str, baseline: Path | None = None, **params: object) -> use_case.RunResult:
    """Run it as ``runbook run`` does, the operator simulated."""
    before = lab.estate.clock.now()
    given = {"databases": DATABASES, "before": iso(before), **params} if runbook == "readiness" else params
    source = PlanRequest(
        runbook=runbook,
        inventory=str(lab.inventory),
        params=(json.dumps(given),),
        baseline=None if baseline is None else str(baseline),
    )
    operator = LabOperator(estate=lab.estate)
    listeners = use_case.Listeners(sinks=lambda plan: (), person=lambda plan: operator, interrupts=Interrupts())
    request = RunRequest(state=state, operator="tester")
    return use_case.start(planning.make(source), request, listeners, source)


def test_the_run_records_a_signed_baseline(recorded: Recorded) -> None:
    assert recorded.result.stopped.exit_code == 0, recorded.result.stopped.reason
    assert recorded.path == recorded.result.folder / "baseline.yaml"
    found = documents.baseline(str(recorded.path), "")
    assert isinstance(found, dict)
    signed = check(found)
    assert signed is not None
    assert signed.fits
    assert found["run"] == recorded.result.run_id
    assert found["recorded_by"] == "tester"


def test_the_baseline_tells_what_the_estate_is(recorded: Recorded) -> None:
    hosts = json.loads(recorded.path.read_text())["hosts"]
    assert set(hosts) == {"SM01", "SM02", "DW01", "SQL01", "SQL02"}
    assert hosts["SM01"]["database_names"]["management"] == {"server": "SQL01", "name": "ServiceManager"}
    assert set(hosts["SQL02"]["databases"]) == set(DATABASES["SQL02"])
    assert hosts["DW01"]["report_url"] == "http://SQL02:80/ReportServer"
    values = {one["name"]: one["value"] for one in hosts["DW01"]["registry"]}
    assert (values["Server"], values["ServerInstance"]) == ("SQL02", "MSSQLSERVER")
    assert {one["account"] for one in hosts["DW01"]["services"]} > {"LocalSystem"}
    assert [one["domain"] for one in hosts.values()] == ["contoso.lab"] * len(hosts)
    jobs = recorded.lab.estate.machines["DW01"].product
    assert jobs is not None
    assert set(hosts["DW01"]["job_schedules"]) == {one.name for one in jobs.jobs.values() if one.scheduled}
    for name, machine in recorded.lab.estate.machines.items():
        assert hosts[name]["computer_name"] == machine.name
    before: Any = recorded.lab.estate.baseline_document()["hosts"]
    for name, one in before.items():
        assert hosts[name]["role"] == one["role"]
        assert one["versions"].items() <= hosts[name]["versions"].items()


def test_triage_reads_it_without_a_gap(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "baseline.yaml").write_text(recorded.path.read_text())
    found = read_evidence([tmp_path], (), parse_text)
    assert found.baseline is not None
    assert {one.name: one.role for one in found.baseline}["DW01"] == "data-warehouse-server"
    assert found.baseline_at is not None
    assert [one for one in found.missing if one.file and one.file.endswith("baseline.yaml")] == []


def test_the_verification_goes_by_it(recorded: Recorded, tmp_path: Path) -> None:
    """Versions and schedules are those of the baseline: one schedule that is off since is switched on again."""
    product = recorded.lab.estate.machines["DW01"].product
    assert product is not None
    product.jobs["MPSyncJob"].scheduled = False
    result = run(recorded.lab, recorded.state, "verify-recovery", recorded.path)
    assert result.stopped.exit_code == 0, result.stopped.reason
    assert product.jobs["MPSyncJob"].scheduled is True
    assert result.notes == ()
    assert result.baseline is None


def test_a_changed_one_is_refused_before_any_host(recorded: Recorded, tmp_path: Path) -> None:
    changed = tmp_path / "baseline.yaml"
    changed.write_text(recorded.path.read_text().replace('"SM02"', '"SM03"'))
    with pytest.raises(UsageMistake, match="changed after it was signed"):
        run(recorded.lab, tmp_path / "state", "verify-recovery", changed)
    assert not (tmp_path / "state").exists()
