"""Between two servers: the warehouse was upgraded well, and the upgrade of the management server failed after it had
changed its database. With the amended baseline the triage names what failed; its recovery leaves the warehouse alone.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import in_process
from test_lab_server_recovery import served
from test_lab_walk_away import DATABASE, listeners

from engine.app import plan as planning
from engine.app import run as running
from engine.app.lab import Lab
from engine.app.request import PlanRequest, RunRequest
from engine.lab.estate import RTM, SP1
from engine.lab.setup_databases import change_databases
from engine.lab.setup_log import SetupLog
from engine.lab.setup_product import replace_bundle, set_build
from engine.model.command import Detached


def upgrade_the_warehouse(lab: Lab) -> tuple[str, ...]:
    """As its completed upgrade left it; the names of its databases."""
    product = lab.estate.products["DW01"]
    with product.machine.lock:
        set_build(product, SP1)
        replace_bundle(product, SP1)
        assert change_databases(product, SP1, SetupLog(product.machine, r"C:\Windows\Temp\SCSMInstall.log"))
    return product.database_names


def triage(folder: Path, lab: Lab, baseline: Path) -> dict[str, Any]:
    seen = ("--answer", "retry_button=no", "--from", RTM, "--to", SP1)
    told = in_process(folder, "triage", "-i", lab.inventory, "--baseline", baseline, *seen, "--json")
    assert told.code == 0, told.err
    return dict(json.loads(told.out))


def test_the_failed_server_is_told_from_the_one_that_was_upgraded_and_is_recovered_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Detached.__init__.__kwdefaults__, "every_s", 0.1)
    amended = tmp_path / "amended.yaml"
    with served(tmp_path, DATABASE) as lab:
        names = [word for name in upgrade_the_warehouse(lab) for word in ("--database", name)]
        said = ("--completed", "DW01", "--to", SP1, *names, "--out", amended)
        assert in_process(tmp_path, "baseline", "amend", lab.baseline, *said).code == 0
        found = triage(tmp_path, lab, amended)
        assert (found["row"], Path(found["runbook"]).stem) == ("D8", DATABASE.book)
        assert {one["host"] for one in found["supporting"] if one["signature"] == "databases"} == {"SQL01"}
        params = {**DATABASE.params(lab.estate), "rehearse": False}
        source = PlanRequest(
            runbook=DATABASE.book, inventory=str(lab.inventory), baseline=str(amended), params=(json.dumps(params),)
        )
        request = RunRequest(state=tmp_path / ".runbook", operator="tester")
        done = running.start(planning.make(source), request, listeners(lab), source)
        assert done.stopped.exit_code == 0, done.stopped.reason
        assert {name: one.build for name, one in lab.estate.products.items()} == {"SM01": RTM, "SM02": RTM, "DW01": SP1}
        assert {one.product_version for one in lab.estate.products["DW01"].databases} == {SP1}


def test_with_the_old_baseline_nothing_is_said_of_the_warehouse(tmp_path: Path) -> None:
    """It is at the version that the upgrade leads to, which is no damage and no proof of health either."""
    with served(tmp_path, DATABASE) as lab:
        upgrade_the_warehouse(lab)
        found = triage(tmp_path, lab, lab.baseline)
    assert found["row"] == "D8"
    said = [one["why"] for one in found["missing"] if one["host"] in ("DW01", "SQL02")]
    assert said
    assert all("runbook baseline amend" in one for one in said)
