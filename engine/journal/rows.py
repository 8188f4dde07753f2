"""Rows of the journal's ``runs`` table as values, and where a run stands after its events."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.journal.chain import damaged
from engine.model.event import RunEvent, RunFinished, RunInterrupted, RunParked, RunResumed, RunStarted
from engine.model.status import RunStatus
from engine.ports.journal import RunRecord


def columns_of(record: RunRecord) -> tuple[object, ...]:
    return (
        record.run_id, record.runbook, record.version, record.plan_digest, record.operator, record.status,
        record.started_at, record.ended_at, json.dumps(record.hosts), record.folder,
    )  # fmt: skip


def record_of(place: Path, row: dict[str, Any]) -> RunRecord:
    try:
        hosts = tuple(json.loads(row["hosts"]))
    except (TypeError, ValueError) as error:
        raise damaged(f"{place}, run {row['run_id']}", 1, "its list of hosts cannot be read") from error
    return RunRecord(
        run_id=row["run_id"],
        runbook=row["runbook"],
        version=row["version"],
        plan_digest=row["plan_digest"],
        operator=row["operator"],
        status=row["status"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        hosts=hosts,
        folder=row["folder"],
    )


def standing(status: str, ended_at: float | None, events: Sequence[RunEvent]) -> tuple[str, float | None]:
    """Where the run stands after these events."""
    for event in events:
        match event:
            case RunStarted() | RunResumed():
                status, ended_at = RunStatus.RUNNING.value, None
            case RunParked():
                status = RunStatus.PARKED.value
            case RunInterrupted():
                status = RunStatus.INTERRUPTED.value
            case RunFinished():
                status, ended_at = event.status, event.at
            case _:
                pass
    return status, ended_at
