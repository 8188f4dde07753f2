"""The list of runs: newest first, with the command that goes on where a run waits."""

from collections.abc import Sequence

from engine.model.data import JsonMap
from engine.model.status import RunStatus
from engine.ports.journal import OwedRecord, RunRecord
from engine.reporting.plain import fit, one_line, pad, width
from engine.reporting.words import RUN_WORDS, duration, moment

_HEADS = ("run", "runbook", "state", "started", "took", "hosts", "operator")
_UNFINISHED = frozenset({RunStatus.PARKED.value, RunStatus.INTERRUPTED.value})


def runs_text(
    runs: Sequence[RunRecord], owed: Sequence[OwedRecord] = (), *, columns: int = 80, option: str = ""
) -> str:
    """The table, cut to the width; under it what waits for a person and what is still owed.
    ``option`` is what a command about one of these runs must add.
    """
    if not runs:
        return "No runs yet.  `runbook run RUNBOOK -i INVENTORY` starts one."
    rows = [_HEADS, *(_row(one) for one in runs)]
    cells = [max(width(row[n]) for row in rows) for n in range(len(_HEADS))]
    lines = [fit("  ".join(pad(text, cells[n]) for n, text in enumerate(row)).rstrip(), columns) for row in rows]
    waiting = [one.run_id for one in runs if one.status in _UNFINISHED and one.ended_at is None]
    waiting = [one for one in waiting if not any(one.startswith(f"{other}.") for other in waiting)]
    if waiting:
        lines += ["", *(f"runbook resume {one}{option}" for one in waiting)]
    if owed:
        lines += ["", "Still owed:"]
    for debt in owed:
        since = f"since {moment(debt.since)}, run {debt.run_id}"
        lines += [one_line(f"  {debt.host}: {debt.what} ({since})"), one_line(f"    {debt.how}")]
    return "\n".join(lines)


def runs_json(runs: Sequence[RunRecord], owed: Sequence[OwedRecord] = ()) -> JsonMap:
    """The same as data; times are epoch seconds."""
    return {
        "schema": "runs/v1",
        "runs": [
            {
                "run_id": one.run_id,
                "runbook": one.runbook,
                "version": one.version,
                "plan_digest": one.plan_digest,
                "operator": one.operator,
                "status": one.status,
                "started_at": one.started_at,
                "ended_at": one.ended_at,
                "hosts": list(one.hosts),
                "folder": one.folder,
            }
            for one in runs
        ],
        "owed": [
            {
                "run_id": one.run_id,
                "host": one.host,
                "key": one.key,
                "what": one.what,
                "how": one.how,
                "since": one.since,
            }
            for one in owed
        ],
    }


def _row(one: RunRecord) -> tuple[str, ...]:
    took = "" if one.ended_at is None else duration(one.ended_at - one.started_at)
    state = "waiting" if one.status == RunStatus.PARKED.value else RUN_WORDS.get(one.status, one.status)
    return (one.run_id, one_line(one.runbook), state, moment(one.started_at), took, " ".join(one.hosts), one.operator)
