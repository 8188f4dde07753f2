"""Why a run or a host cannot be had now, in sentences: who has it, since when, and the command that helps."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.model.errors import HostLocked, StorageFailed
from engine.model.status import RunStatus
from engine.ports.journal import Lease

_LEFT = {RunStatus.PARKED.value: "waits for a person", RunStatus.IN_DOUBT.value: "is in doubt"}


def moment(at: float) -> str:
    """Local time with offset, for people."""
    local = datetime.fromtimestamp(at, UTC).astimezone()
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"


def host_locked(host: str, row: Mapping[str, Any], *, alive: bool, outermost: str = "", option: str = "") -> HostLocked:
    """Another run holds the host; whether a process still works on it decides what can be done. Only the ``outermost``
    of nested runs can be taken up or given up; ``option`` is what a command about a run of this journal must add.
    """
    run_id, status = row["run_id"], row["status"]
    if alive:
        state, remedy = "is working on it", f"wait until run {run_id} ends, or interrupt it where it runs"
    else:
        state = _LEFT.get(status, "was left unfinished")
        helps = f"`runbook resume {outermost or run_id}{option}` goes on with it"
        if status == RunStatus.IN_DOUBT.value:
            helps = f"`runbook report {outermost or run_id}{option}` tells where to look and how the doubt is settled"
        remedy = f"{helps}; `runbook runs --give-up {outermost or run_id}{option}` ends it as it is"
    return HostLocked(
        f"{host} is held by run {run_id} ({row['runbook']}), which {state}: owner {row['owner']}, "
        f"since {moment(row['since'])}",
        remedy=remedy,
    )


def run_locked(run_id: str, row: Mapping[str, Any] | None, owner: str) -> HostLocked:
    """A living process holds the run itself."""
    if row is None:
        return HostLocked(f"run {run_id} is being started by another process", remedy="start the run again")
    same = " (the same owner that asks now)" if row["owner"] == owner else ""
    return HostLocked(
        f"run {run_id} is held by a living process: owner {row['owner']}{same}, since {moment(row['held_since'])}, "
        f"on {', '.join(_hosts(row))}",
        remedy=f"wait until run {run_id} ends, or interrupt it where it runs; `runbook runs` shows its state",
    )


def _hosts(row: Mapping[str, Any]) -> list[str]:
    return [str(one) for one in json.loads(row["hosts"])] or ["no host"]


def outdated(lease: Lease, row: Mapping[str, Any]) -> StorageFailed:
    """Another owner took the run up, or it was given up: this process must not begin anything more."""
    if row["epoch"] == lease.epoch:
        why = "it was given up before"
    else:
        why = f"{row['owner']} took it up under epoch {row['epoch']}, since {moment(row['held_since'])}"
    return StorageFailed(
        f"run {lease.run_id} no longer belongs to {lease.owner} (epoch {lease.epoch}): {why}",
        remedy="this process stops here; `runbook runs` shows where the run stands",
    )
