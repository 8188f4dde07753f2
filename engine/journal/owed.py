"""What changes left to be done later: written with the intent, in the transaction of its event, until seen to be done.

A debt belongs to a host and a key, not to a run: any later run that sees it done on that host pays it.
"""

import sqlite3
from collections.abc import Sequence

from engine.model.event import ChangeIntended, RunEvent, StepRunEnded
from engine.ports.journal import OwedRecord

TABLE = """
CREATE TABLE IF NOT EXISTS owed (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, key TEXT NOT NULL, run_id TEXT NOT NULL REFERENCES runs,
    what TEXT NOT NULL, how TEXT NOT NULL, since REAL NOT NULL, paid_at REAL, paid_by TEXT){strict};
CREATE UNIQUE INDEX IF NOT EXISTS one_debt ON owed (host COLLATE NOCASE, key) WHERE paid_at IS NULL;
"""


def keep_account(database: sqlite3.Connection, run_id: str, events: Sequence[RunEvent]) -> None:
    """Add what these events owe, strike out what they pay."""
    for event in events:
        if isinstance(event, ChangeIntended):
            for one in event.owes:
                database.execute(
                    "INSERT OR IGNORE INTO owed (host, key, run_id, what, how, since) VALUES (?, ?, ?, ?, ?, ?)",
                    (event.host, one.key, run_id, one.what, one.how, event.at),
                )
        elif isinstance(event, StepRunEnded):
            for key in event.pays:
                database.execute(
                    "UPDATE owed SET paid_at = ?, paid_by = ? WHERE host = ? COLLATE NOCASE AND key = ?"
                    " AND paid_at IS NULL",
                    (event.at, run_id, event.host, key),
                )


def unpaid(database: sqlite3.Connection) -> tuple[OwedRecord, ...]:
    """Oldest first."""
    rows = database.execute(
        "SELECT run_id, host, key, what, how, since FROM owed WHERE paid_at IS NULL ORDER BY since, id"
    )
    return tuple(
        OwedRecord(run_id=run_id, host=host, key=key, what=what, how=how, since=since)
        for run_id, host, key, what, how, since in rows
    )
