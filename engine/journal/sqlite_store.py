"""The journal in one SQLite file: what ``append`` has returned from is on the disk, in order, and cannot change unseen.

One file holds the runs of one jump host. Safe for many processes: each append checks, in its own transaction, that its
lease is still the newest. A living owner is known by a lock file that it holds, so a dead owner's run can be taken up
at once.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.journal import chain, owed, schema
from engine.journal.failures import told
from engine.journal.lock_file import LockFile
from engine.journal.refusals import host_locked, outdated, run_locked
from engine.journal.rows import columns_of, record_of, standing
from engine.journal.volume import refuse_network_share
from engine.model.data import JsonMap, canonical_json
from engine.model.errors import StorageFailed, UsageMistake
from engine.model.event import TRANSIENT, RunEvent, event_to_json
from engine.ports.edges import Clock
from engine.ports.journal import Lease, OwedRecord, RunRecord


class SqliteJournal:
    """A ``JournalStore`` in the file ``path``, made if it is not there; one process may use it from all its threads."""

    def __init__(self, path: Path, clock: Clock, option: str = "") -> None:
        """``option`` is what a command about a run of this journal must add."""
        self._option = option
        self._path = path
        self._clock = clock
        self._held: dict[str, LockFile] = {}
        self._guard = threading.RLock()
        refuse_network_share(path)
        with told(path, "opening the journal"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = schema.connect(path)

    # --- runs and leases -----------------------------------------------------------------------

    def create(self, record: RunRecord, plan: JsonMap, owner: str) -> Lease:
        """Add a run and hold its hosts; ``HostLocked`` names the run and the owner that hold one of them."""
        with self._locked(record.run_id, owner), self._transaction("adding the run"):
            if self._row(record.run_id) is not None:
                raise StorageFailed(
                    f"{self._path}: there is a run {record.run_id} already", remedy="start the run again"
                )
            first = chain.genesis(chain.identity_of(record), plan)
            now = self._clock.now()
            self._database.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, 1, 0, ?)",
                (*columns_of(record), canonical_json(plan), owner, now, first),
            )
            self._hold_hosts(record.run_id, record.hosts, now)
        return Lease(run_id=record.run_id, epoch=1, owner=owner)

    def claim(self, run_id: str, owner: str) -> Lease:
        """Take a run up under a new epoch, with its hosts; ``HostLocked`` if a living process still holds the run."""
        hosts = self.record(run_id).hosts
        with self._locked(run_id, owner), self._transaction("taking the run up"):
            now = self._clock.now()
            self._database.execute(
                "UPDATE runs SET epoch = epoch + 1, owner = ?, held_since = ?, held = 1 WHERE run_id = ?",
                (owner, now, run_id),
            )
            self._hold_hosts(run_id, hosts, now)
            epoch = int(self._known(run_id)["epoch"])
        return Lease(run_id=run_id, epoch=epoch, owner=owner)

    def release(self, lease: Lease, *, keep_hosts: bool) -> None:
        """Give the run up; ``keep_hosts`` keeps its hosts locked (a parked run). An outdated lease gives up nothing."""
        with self._transaction("giving the run up"):
            row = self._known(lease.run_id)
            if row["epoch"] == lease.epoch:
                self._database.execute("UPDATE runs SET held = 0 WHERE run_id = ?", (lease.run_id,))
                if not keep_hosts:
                    self._database.execute(
                        "UPDATE host_locks SET released_at = ? WHERE run_id = ? AND released_at IS NULL",
                        (self._clock.now(), lease.run_id),
                    )
        with self._guard:
            lock = self._held.pop(lease.run_id, None)
            if lock is not None:
                lock.release()

    def close(self) -> None:
        """Release files. Runs that were not given up can be claimed by others from now on."""
        with self._guard:
            self._database.close()
            for lock in self._held.values():
                lock.release()
            self._held.clear()

    # --- events --------------------------------------------------------------------------------

    def append(self, lease: Lease, events: Sequence[RunEvent]) -> None:
        """Commit events durably, in order, chained; ``StorageFailed`` if the lease is not the newest."""
        lasting = [one for one in events if not isinstance(one, TRANSIENT)]
        if not lasting:
            return
        with self._transaction("writing to the journal"):
            row = self._known(lease.run_id)
            if not row["held"] or row["epoch"] != lease.epoch:
                raise outdated(lease, row)
            entries = list(chain.extend(row["last_hash"], row["last_sequence"], map(event_to_json, lasting)))
            self._database.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
                [(lease.run_id, one.sequence, lease.epoch, one.text, one.hash) for one in entries],
            )
            owed.keep_account(self._database, lease.run_id, lasting)
            status, ended_at = standing(row["status"], row["ended_at"], lasting)
            self._database.execute(
                "UPDATE runs SET last_sequence = ?, last_hash = ?, status = ?, ended_at = ? WHERE run_id = ?",
                (entries[-1].sequence, entries[-1].hash, status, ended_at, lease.run_id),
            )

    def events(self, run_id: str) -> tuple[RunEvent, ...]:
        """All events of a run in order, the chain verified."""
        return tuple(chain.event_of(f"{self._path}, run {run_id}", one) for one in self.entries(run_id))

    def entries(self, run_id: str) -> tuple[chain.Entry, ...]:
        """The events as stored, with number and hash, the chain verified from the plan to the last entry."""
        place = f"{self._path}, run {run_id}"
        with self._transaction("reading the journal", "DEFERRED"):
            row = self._known(run_id)
            found = self._database.execute(
                "SELECT sequence, event, hash FROM events WHERE run_id = ? ORDER BY sequence", (run_id,)
            ).fetchall()
        first = chain.genesis(chain.identity_of(record_of(self._path, row)), self._parsed(row, "plan"))
        entries = tuple(chain.verify(place, first, (chain.Entry(*one) for one in found)))
        if row["last_sequence"] != len(entries) or row["last_hash"] != (entries[-1].hash if entries else first):
            raise chain.damaged(place, len(entries) + 1, "it is missing, or the run or its plan was altered")
        return entries

    # --- what is known of runs -----------------------------------------------------------------

    def plan(self, run_id: str) -> JsonMap:
        """The plan as stored at ``create``."""
        with self._transaction("reading the plan", "DEFERRED"):
            return self._parsed(self._known(run_id), "plan")

    def record(self, run_id: str) -> RunRecord:
        """One run; ``UsageMistake`` with the nearest ids if there is none."""
        with self._transaction("reading the runs", "DEFERRED"):
            return record_of(self._path, self._known(run_id))

    def runs(self) -> tuple[RunRecord, ...]:
        """All runs, newest first."""
        with self._transaction("reading the runs", "DEFERRED"):
            rows = self._rows("SELECT * FROM runs ORDER BY started_at DESC, rowid DESC")
        return tuple(record_of(self._path, row) for row in rows)

    def owed(self) -> tuple[OwedRecord, ...]:
        """What is still owed, of all runs, oldest first."""
        with self._transaction("reading what is owed", "DEFERRED"):
            return owed.unpaid(self._database)

    # --- inside --------------------------------------------------------------------------------

    def _rows(self, statement: str, values: tuple[object, ...] = ()) -> list[dict[str, Any]]:
        cursor = self._database.execute(statement, values)
        names = [one[0] for one in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _row(self, run_id: str) -> dict[str, Any] | None:
        return next(iter(self._rows("SELECT * FROM runs WHERE run_id = ?", (run_id,))), None)

    def _known(self, run_id: str) -> dict[str, Any]:
        row = self._row(run_id)
        if row is not None:
            return row
        known = [str(one["run_id"]) for one in self._rows("SELECT run_id FROM runs")]
        near = get_close_matches(run_id, known, n=3, cutoff=0.5)
        raise UsageMistake(
            f"there is no run {run_id!r} in {self._path}",
            remedy=f"did you mean {' or '.join(near)}?" if near else "`runbook runs` lists the runs",
        )

    def _parsed(self, row: dict[str, Any], column: str) -> JsonMap:
        try:
            value = json.loads(row[column])
        except ValueError as error:
            raise chain.damaged(f"{self._path}, run {row['run_id']}", 1, f"the {column} cannot be read") from error
        assert isinstance(value, dict)
        return value

    def _hold_hosts(self, run_id: str, hosts: tuple[str, ...], now: float) -> None:
        """Hold every host that the run does not hold yet, or none."""
        for host in hosts:
            held = self._rows(
                "SELECT runs.*, host_locks.since FROM host_locks JOIN runs USING (run_id)"
                " WHERE host_locks.host = ? COLLATE NOCASE AND released_at IS NULL",
                (host,),
            )
            if held and held[0]["run_id"] != run_id:
                holder = str(held[0]["run_id"])
                alive, outermost = self.is_alive(holder), self._outermost(holder)
                raise host_locked(host, held[0], alive=alive, outermost=outermost, option=self._option)
            if not held:
                self._database.execute(
                    "INSERT INTO host_locks (host, run_id, since) VALUES (?, ?, ?)", (host, run_id, now)
                )

    def _outermost(self, run_id: str) -> str:
        """The run that began it, directly or not, and still waits for it; else the run itself."""
        row = self._row(root := run_id.partition(".")[0])
        return run_id if row is None or row["ended_at"] is not None else root

    def _lock_path(self, run_id: str) -> Path:
        return self._path.with_name(f"{self._path.name}.locks") / f"{run_id}.lock"

    def is_alive(self, run_id: str) -> bool:
        """True if some process holds the run now."""
        if run_id in self._held:
            return True
        probe = LockFile.acquire(self._lock_path(run_id))
        if probe is None:
            return True
        probe.release()
        return False

    @contextmanager
    def _locked(self, run_id: str, owner: str) -> Iterator[None]:
        """Take the run's lock file and keep it, unless what follows fails."""
        with self._guard:
            with told(self._lock_path(run_id), "locking the run"):
                lock = LockFile.acquire(self._lock_path(run_id))
            if lock is None:
                row = self._row(run_id)
                raise run_locked(run_id, row, owner)
            try:
                yield
            except BaseException:
                lock.release()
                raise
            self._held[run_id] = lock

    @contextmanager
    def _transaction(self, what: str, kind: str = "IMMEDIATE") -> Iterator[None]:
        """One transaction, committed at the end or not at all; failures are told with the file's name."""
        with self._guard, told(self._path, what):
            self._database.execute(f"BEGIN {kind}")
            try:
                yield
                self._database.execute("COMMIT")
            except (Exception, KeyboardInterrupt) as error:
                _roll_back(self._database, error)
                raise


def _roll_back(database: sqlite3.Connection, error: BaseException) -> None:
    """A full disk ends the transaction by itself; a second failure must not hide the first."""
    try:
        if database.in_transaction:
            database.execute("ROLLBACK")
    except sqlite3.Error as second:
        error.add_note(f"and the transaction could not be rolled back: {second}")
