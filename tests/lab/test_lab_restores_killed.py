"""A real ``runbook run`` of stage-restore is killed while it restores: what it owes is shown until it is done, and
the resumed run restores nothing twice.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, environment, in_process
from test_lab_run_killed import KILLER

from engine.app.lab import Lab, up

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals between processes are a matter of POSIX")

BOOK = ROOT / "runbooks" / "service-manager" / "stage-restore.yaml"
COPY = "ServiceManager_staged"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = up(tmp_path_factory.mktemp("lab"), variant="database-changed", speed=100)
    yield lab
    lab.stop()


def arguments(lab: Lab) -> list[str]:
    assert lab.estate.upgrade_started_at is not None
    params = {
        "databases": {"SQL01": ["ServiceManager"]},
        "before": datetime.fromtimestamp(lab.estate.upgrade_started_at, UTC).isoformat(),
    }
    return [
        str(BOOK),
        "-i",
        str(lab.inventory),
        "--baseline",
        str(lab.baseline),
        "-l",
        "SQL01",
        "-e",
        json.dumps(params),
    ]


def listed(folder: Path) -> dict[str, Any]:
    return dict(json.loads(in_process(folder, "runs", "--json").out))


@pytest.mark.parametrize("after", [11, 13])
def test_killed_and_resumed(after: int, lab: Lab, tmp_path: Path) -> None:
    sql = lab.estate.machines["SQL01"].sql
    assert sql is not None
    before = len(sql.history.restorehistory)
    killed = subprocess.run(
        [sys.executable, "-c", KILLER, "run", *arguments(lab), "--yes"],
        cwd=tmp_path,
        env=environment(KILL_AFTER=str(after)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    now = listed(tmp_path)
    [run] = now["runs"]
    keys = [one["key"] for one in now["owed"]]
    assert keys == [f"staged-database({COPY})"]
    said = in_process(tmp_path, "resume", run["run_id"], "--yes")
    assert said.code == 0, said.err + said.out
    assert listed(tmp_path)["owed"] == []
    assert COPY not in sql.databases
    assert len(sql.history.restorehistory) - before == 3
