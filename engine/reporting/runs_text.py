"""The list of runs: newest first, with the command that goes on where a run waits."""

import textwrap
from collections.abc import Iterator, Sequence

from engine.model.data import JsonMap
from engine.model.status import RunStatus
from engine.ports.journal import OwedRecord, RunRecord
from engine.reporting.plain import fit, one_line, pad, printable, width
from engine.reporting.words import RUN_WORDS, duration, moment

_HEADS = ("run", "runbook", "state", "started", "took", "hosts", "operator")
_UNFINISHED = frozenset({RunStatus.PARKED.value, RunStatus.INTERRUPTED.value})


def runs_text(
    runs: Sequence[RunRecord],
    owed: Sequence[OwedRecord] = (),
    *,
    columns: int = 80,
    option: str = "",
    folder: str = "this folder",
) -> str:
    """The table, whose last columns go below each run where the width is too small; under it what waits for a person
    and what is still owed.
    ``option`` is what a command about one of these runs must add; ``folder`` the state folder that was looked into.
    """
    if not runs:
        return (
            f"No runs in {printable(folder)}.  `runbook run RUNBOOK -i INVENTORY` starts one.\n"
            "Runs that were started in another folder are listed there, or with --state FOLDER."
        )
    rows = [_HEADS, *(_row(one) for one in runs)]
    cells = [max(width(row[n]) for row in rows) for n in range(len(_HEADS))]
    beside = max(n for n in range(1, len(_HEADS) + 1) if n == 1 or sum(cells[:n]) + 2 * (n - 1) <= columns)
    lines = [line for row in rows for line in _lines(row, cells[:beside], columns)]
    waiting = [one.run_id for one in runs if one.status in _UNFINISHED and one.ended_at is None]
    waiting = [one for one in waiting if not any(one.startswith(f"{other}.") for other in waiting)]
    doubtful = [one.run_id for one in runs if one.status == RunStatus.IN_DOUBT.value and "." not in one.run_id]
    if waiting or doubtful:
        lines += ["", *(f"runbook resume {one}{option}" for one in waiting)]
        lines += [f"runbook report {one}{option}   tells how its doubt is settled" for one in doubtful]
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


def _lines(row: Sequence[str], cells: Sequence[int], columns: int) -> Iterator[str]:
    """The columns that stand beside each other, and below them the rest, each with its name."""
    yield fit("  ".join(pad(row[n], cell) for n, cell in enumerate(cells)).rstrip(), columns)
    named = list(zip(_HEADS, row, strict=True))[len(cells) :]
    rest = "   ".join(f"{name} {text}" for name, text in named if text and row is not _HEADS)
    yield from textwrap.wrap(rest, columns, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def _row(one: RunRecord) -> tuple[str, ...]:
    took = "" if one.ended_at is None else duration(one.ended_at - one.started_at)
    state = "waiting" if one.status == RunStatus.PARKED.value else RUN_WORDS.get(one.status, one.status)
    return (one.run_id, one_line(one.runbook), state, moment(one.started_at), took, " ".join(one.hosts), one.operator)
