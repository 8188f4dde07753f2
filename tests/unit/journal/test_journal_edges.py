"""Rare failures of the journal, and many processes at once."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.journal import schema, volume
from engine.journal.export import verify_export
from engine.journal.failures import from_sqlite
from engine.journal.lock_file import LockFile
from engine.journal.sqlite_store import SqliteJournal
from engine.model import event as ev
from engine.model.errors import HostLocked, JournalDamaged, StorageFailed
from engine.ports.journal import RunRecord


class FixedClock:
    def now(self) -> float:
        return 1.0

    def monotonic(self) -> float:
        return 1.0


def record(run_id: str = "run-1") -> RunRecord:
    return RunRecord(
        run_id=run_id,
        runbook="r",
        version="1",
        plan_digest="ab",
        operator="anna",
        status="running",
        started_at=1.0,
        ended_at=None,
        hosts=("SM01",),
        folder="f",
    )


def test_a_place_without_a_write_ahead_log_is_refused() -> None:
    with pytest.raises(StorageFailed, match="cannot hold a write-ahead log"):
        schema.connect(Path(":memory:"))


def test_half_a_schema_is_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    monkeypatch.setattr(schema, "_TABLES", "CREATE TABLE runs (x TEXT){strict};\nCREATE NONSENSE;\n")
    with pytest.raises(StorageFailed, match="opening the journal failed"):
        SqliteJournal(path, FixedClock())
    monkeypatch.undo()
    store = SqliteJournal(path, FixedClock())
    assert store.runs() == ()
    store.close()


def test_a_run_that_is_being_started_elsewhere_is_told(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db", FixedClock())
    lock = LockFile.acquire(tmp_path / "journal.db.locks" / "run-1.lock")
    assert lock is not None
    with pytest.raises(HostLocked, match="being started by another process"):
        store.create(record(), {}, "anna")
    lock.release()
    lock.release()
    store.create(record(), {}, "anna")
    store.close()


def test_a_store_that_was_closed_is_a_bug_not_a_failure_of_the_world(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db", FixedClock())
    store.close()
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.runs()


def test_an_unusual_error_is_still_a_sentence() -> None:
    failed = from_sqlite(Path("j"), "reading", sqlite3.OperationalError("disk I/O error"))
    assert failed.message == "j: reading failed: disk I/O error"
    assert failed.remedy


def test_a_failed_rollback_does_not_hide_the_first_failure(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db", FixedClock())
    lease = store.create(record(), {}, "anna")

    def refuse(action: int, first: str | None, *_rest: object) -> int:
        refused = action == sqlite3.SQLITE_INSERT or (action == sqlite3.SQLITE_TRANSACTION and first == "ROLLBACK")
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    store._database.set_authorizer(refuse)
    with pytest.raises(StorageFailed, match="not authorized") as caught:
        store.append(lease, [ev.RunInterrupted(at=1.0, in_flight=())])
    assert "could not be rolled back" in caught.value.__cause__.__notes__[0]
    store._database.set_authorizer(None)
    store._database.execute("ROLLBACK")
    store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="reads the mounts of a POSIX system")
def test_a_system_that_does_not_tell_its_mounts_is_not_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert volume.network_kind(tmp_path) is None

    def unreadable(*_args: object, **_kwargs: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert volume.network_kind(tmp_path) is None


def test_a_network_path_of_windows_is_known_by_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, kind in (("\\\\server\\share\\j.db", "UNC path"), ("\\\\?\\C:\\j.db", None)):
        monkeypatch.setattr(Path, "absolute", lambda _self, text=text: text)
        assert volume._windows_kind(Path("j.db")) == kind


@pytest.mark.parametrize("line", ['{"version":1}', "[]", '{"version":"1"}', '{"version":1,"run":{},"plan":{}}'])
def test_a_first_line_that_describes_no_run_is_damage(tmp_path: Path, line: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(JournalDamaged):
        verify_export(path)


_RACER = """
import json, sys
from pathlib import Path
from engine.journal.sqlite_store import SqliteJournal
from engine.model.errors import HostLocked
from engine.model.event import StepRunStarted
from engine.ports.journal import RunRecord
class Clock:
    def now(self): return 1.0
    def monotonic(self): return 1.0
store = SqliteJournal(Path(sys.argv[1]), Clock())
me = sys.argv[2]
sys.stdin.readline()
won = []
for number in range(10):
    run_id = f"{me}-{number}"
    record = RunRecord(run_id=run_id, runbook="r", version="1", plan_digest="ab", operator=me, status="running",
                       started_at=1.0, ended_at=None, hosts=("SM01",), folder="f")
    try:
        lease = store.create(record, {}, me)
    except HostLocked:
        continue
    store.append(lease, [StepRunStarted(at=1.0, step="begin", host="SM01", attempt=1)])
    store.append(lease, [StepRunStarted(at=2.0, step="end", host="SM01", attempt=1)])
    store.release(lease, keep_hosts=False)
    won.append(run_id)
print(json.dumps(won))
"""


def test_racing_processes_never_hold_one_host_together(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    SqliteJournal(path, FixedClock()).close()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("anna", "bert", "carl")
    ]
    for one in racers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    won = [json.loads(one.communicate(timeout=60)[0]) for one in racers]
    assert all(one.returncode == 0 for one in racers)
    store = SqliteJournal(path, FixedClock())
    assert sorted(one.run_id for one in store.runs()) == sorted(run_id for one in won for run_id in one)
    assert won[0] or won[1] or won[2]
    # rows of all runs in the order of their commits: nobody begins before the one before has ended
    steps = [
        json.loads(text)["step"]
        for (text,) in store._database.execute("SELECT event FROM events ORDER BY rowid").fetchall()
    ]
    assert steps == ["begin", "end"] * (len(steps) // 2)
    for one in store.runs():
        assert len(store.events(one.run_id)) == 2
    store.close()
