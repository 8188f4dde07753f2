"""Use case: the runs of this jump host; one whose process is gone is told as interrupted, which is what it is."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from engine.app import wiring
from engine.model.status import RunStatus
from engine.ports.journal import OwedRecord, RunRecord


def owed(state: Path) -> tuple[OwedRecord, ...]:
    """What runs left to be done on hosts, oldest first."""
    if not state.exists():
        return ()
    with closing(wiring.open_journal(state)) as journal:
        return tuple(journal.owed())


def listing(state: Path) -> tuple[RunRecord, ...]:
    """Newest first; none where there is no state folder."""
    if not state.exists():
        return ()
    journal = wiring.open_journal(state)
    try:
        return tuple(
            replace(one, status=RunStatus.INTERRUPTED.value)
            if one.status == RunStatus.RUNNING.value and not journal.is_alive(one.run_id)
            else one
            for one in journal.runs()
        )
    finally:
        journal.close()
