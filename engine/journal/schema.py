"""The journal's tables, and how a database file is opened so that a commit is on the disk before it returns."""

import sqlite3
from pathlib import Path

from engine.journal.owed import TABLE as _OWED
from engine.model.errors import StorageFailed

VERSION = 2
BUSY_TIMEOUT_MS = 20_000
_STRICT_SINCE = (3, 37, 0)

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, runbook TEXT NOT NULL, version TEXT NOT NULL, plan_digest TEXT NOT NULL,
    operator TEXT NOT NULL, status TEXT NOT NULL, started_at REAL NOT NULL, ended_at REAL, hosts TEXT NOT NULL,
    folder TEXT NOT NULL, plan TEXT NOT NULL, epoch INTEGER NOT NULL, owner TEXT NOT NULL, held_since REAL NOT NULL,
    held INTEGER NOT NULL, last_sequence INTEGER NOT NULL, last_hash TEXT NOT NULL){strict};
CREATE TABLE IF NOT EXISTS events (
    run_id TEXT NOT NULL REFERENCES runs, sequence INTEGER NOT NULL, epoch INTEGER NOT NULL, event TEXT NOT NULL,
    hash TEXT NOT NULL, PRIMARY KEY (run_id, sequence)){strict};
CREATE TABLE IF NOT EXISTS host_locks (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, run_id TEXT NOT NULL REFERENCES runs, since REAL NOT NULL,
    released_at REAL){strict};
CREATE UNIQUE INDEX IF NOT EXISTS one_run_per_host ON host_locks (host COLLATE NOCASE) WHERE released_at IS NULL;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open or make the journal; transactions are begun by hand, so that each one is visible in the code."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    # a byte that is no UTF-8 is damage, and the chain tells where; it must not end the reading
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StorageFailed(
            f"{path}: the disk cannot hold a write-ahead log (SQLite chose {mode!r})",
            remedy="name a directory on a local disk",
        )
    connection.execute("PRAGMA synchronous = FULL")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise StorageFailed(
            f"{path}: the journal was written by a newer engine (format {found}, this one knows {VERSION})",
            remedy="use the newer engine, or name another journal directory",
        )
    if found < VERSION:
        _create(connection)


def _create(connection: sqlite3.Connection) -> None:
    """All tables that are missing and the version in one transaction: a kill in between leaves the file as it was."""
    strict = " STRICT" if sqlite3.sqlite_version_info >= _STRICT_SINCE else ""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in (_TABLES + _OWED).format(strict=strict).split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
