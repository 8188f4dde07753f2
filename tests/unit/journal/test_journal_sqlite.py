"""What the SQLite journal does when the disk, the file or the process fails."""

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.journal import failures, schema, volume
from engine.journal.sqlite_store import SqliteJournal
from engine.model import event as ev
from engine.model.errors import JournalDamaged, StorageFailed
from engine.model.result import Owed
from engine.ports.journal import Lease, RunRecord

PLAN = {"runbook": "raise-timeout", "steps": [{"id": "reboot"}]}


class FixedClock:
    def now(self) -> float:
        return 1_795_000_000.0

    def monotonic(self) -> float:
        return 1.0


def record(run_id: str = "run-1", hosts: tuple[str, ...] = ("SM01",)) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        runbook="raise-timeout",
        version="1.0.0",
        plan_digest="3f9a" * 16,
        operator="anna",
        status="running",
        started_at=1.5,
        ended_at=None,
        hosts=hosts,
        folder="runs/run-1",
    )


def started(number: int) -> ev.StepRunStarted:
    return ev.StepRunStarted(at=float(number), step=f"s{number}", host="SM01", attempt=1)


def filled(path: Path, events: int = 3) -> Lease:
    store = SqliteJournal(path, FixedClock())
    lease = store.create(record(), PLAN, "anna")
    store.append(lease, [started(number) for number in range(events)])
    store.close()
    return lease


def opened(path: Path) -> SqliteJournal:
    return SqliteJournal(path, FixedClock())


def test_commits_are_synced_to_a_write_ahead_log(tmp_path: Path) -> None:
    connection = schema.connect(tmp_path / "journal.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "2 is FULL"
    connection.close()


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE events SET event = replace(event, 's1', 's9')", "entry 2: its content"),
        ("UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE sequence = 3", "entry 3: its content"),
        ("DELETE FROM events WHERE sequence = 2", "entry 2: the entry that follows is number 3"),
        ("DELETE FROM events WHERE sequence = 3", "entry 3: it is missing"),
        ("DELETE FROM events", "entry 1: it is missing"),
        ("UPDATE runs SET plan = replace(plan, 'reboot', 'format')", "entry 1: its content"),
        ("UPDATE runs SET operator = 'mallory'", "entry 1: its content"),
        ("UPDATE runs SET plan = '{'", "entry 1: the plan cannot be read"),
        ("UPDATE runs SET hosts = '['", "its list of hosts cannot be read"),
        ("UPDATE events SET event = CAST(x'7bff7d' AS TEXT) WHERE sequence = 1", "entry 1: its content"),
    ],
)
def test_an_altered_journal_names_the_place(tmp_path: Path, statement: str, place: str) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    store = opened(path)
    with pytest.raises(JournalDamaged) as caught:
        store.events("run-1")
    assert place in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.remedy
    store.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_of_any_event_is_found(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "journal.db"
    if not path.exists():
        filled(path)
    column = data.draw(st.sampled_from(["event", "hash"]))
    sequence = data.draw(st.integers(1, 3))
    connection = sqlite3.connect(path, isolation_level=None)
    where = "run_id = 'run-1' AND sequence = ?"
    text = connection.execute(f"SELECT CAST({column} AS BLOB) FROM events WHERE {where}", (sequence,)).fetchone()[0]
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != text[place]))
    broken = text[:place] + bytes([byte]) + text[place + 1 :]
    update = f"UPDATE events SET {column} = CAST(? AS TEXT) WHERE {where}"
    connection.execute(update, (broken, sequence))
    store = opened(path)
    try:
        with pytest.raises(JournalDamaged, match=f"at entry {sequence}:"):
            store.events("run-1")
    finally:
        store.close()
        connection.execute(update, (text, sequence))
        connection.close()


def test_a_file_that_is_no_journal_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is a shopping list, not a journal" * 100)
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match="is no journal"):
        opened(path)
    assert path.read_bytes() == before


def test_torn_pages_are_told_as_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path, events=400)
    content = bytearray(path.read_bytes())
    content[4096 * 5 : 4096 * 30] = b"\xff" * (4096 * 25)
    path.write_bytes(bytes(content))
    store = opened(path)
    with pytest.raises(JournalDamaged):
        store.events("run-1")
    store.close()


def test_a_journal_of_a_newer_engine_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageFailed, match="format 99"):
        opened(path)


def test_a_journal_of_the_first_format_is_taken_up_with_all_that_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE owed; PRAGMA user_version = 1;")  # all that the second format added
    connection.close()
    store = opened(path)
    assert [type(one) for one in store.events("run-1")] == [ev.StepRunStarted] * 3
    lease = store.claim("run-1", "anna")
    debt = Owed(key="copy", what="drop the copy", how="Run it again.")
    intent = ev.ChangeIntended(
        at=4.0, step="s1", host="SM01", attempt=1, why="w", before=None, after=None, commands=(), owes=(debt,)
    )
    store.append(lease, [intent])
    assert [one.key for one in store.owed()] == ["copy"]
    store.close()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (2,)


def test_an_event_of_a_newer_engine_is_not_guessed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    store = opened(path)
    lease = store.create(record(), PLAN, "anna")
    monkeypatch.setattr("engine.journal.sqlite_store.event_to_json", lambda _event: {"kind": "teleported", "at": 1.0})
    store.append(lease, [started(1)])
    with pytest.raises(StorageFailed, match="entry 1 is not an event this engine knows"):
        store.events("run-1")
    store.close()


def test_a_full_disk_keeps_what_was_committed_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = opened(path)
    lease = store.create(record(), PLAN, "anna")
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count = {pages + 20}")
    kept = 0

    def fill() -> None:
        nonlocal kept
        while kept < 1000:
            store.append(lease, [started(kept)])
            kept += 1

    with pytest.raises(StorageFailed, match="the disk is full") as caught:
        fill()
    assert "runbook resume" in (caught.value.remedy or "")
    assert store.events("run-1") == tuple(started(number) for number in range(kept))
    store._database.execute("PRAGMA max_page_count = 1000000")
    store.append(lease, [started(kept)])
    assert len(store.events("run-1")) == kept + 1
    store.close()


def test_a_read_only_database_is_told(tmp_path: Path) -> None:
    store = opened(tmp_path / "journal.db")
    store._database.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageFailed, match="cannot be written"):
        store.create(record(), PLAN, "anna")
    store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a directory that nobody can write to")
def test_a_directory_that_cannot_be_made_is_told() -> None:
    with pytest.raises(StorageFailed, match=r"/proc/runbook/journal\.db: opening the journal failed"):
        opened(Path("/proc/runbook/journal.db"))


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StorageFailed, match="opening the journal failed"):
        opened(tmp_path / "state" / "journal.db")


def test_a_journal_kept_busy_by_another_program_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = opened(path)
    lease = store.create(record(), PLAN, "anna")
    store._database.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed, match="busy for too long"):
        store.append(lease, [started(1)])
    other.execute("ROLLBACK")
    other.close()
    store.append(lease, [started(1)])
    assert len(store.events("run-1")) == 1
    store.close()


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "cannot be written"),
        (errno.EACCES, "cannot be written"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_errors_of_the_system_become_sentences(number: int, sentence: str) -> None:
    failed = failures.from_os(Path("j"), "writing", OSError(number, os.strerror(number)))
    assert isinstance(failed, StorageFailed)
    assert sentence in failed.message
    assert failed.remedy


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:40 / /mnt/share rw - cifs //server/share rw
41 40 0:41 / /mnt/share/local\\040disk rw - xfs /dev/sdb1 rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/anna/journal.db", "ext4"),
        ("/mnt/share/state/journal.db", "cifs"),
        ("/mnt/shared/journal.db", "ext4"),
        ("/mnt/share/local disk/journal.db", "xfs"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    assert volume.file_system(Path(path), MOUNTS) == kind


def test_a_network_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "network_kind", lambda _path: "nfs4")
    with pytest.raises(StorageFailed, match=r"network share \(nfs4\)"):
        opened(tmp_path / "journal.db")


def test_threads_of_one_process_append_one_after_another(tmp_path: Path) -> None:
    store = opened(tmp_path / "journal.db")
    lease = store.create(record(), PLAN, "anna")
    threads = [
        threading.Thread(target=lambda base=base: [store.append(lease, [started(base + n)]) for n in range(10)])
        for base in (0, 100, 200)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    steps = [event.step for event in store.events("run-1") if isinstance(event, ev.StepRunStarted)]
    assert len(steps) == 30
    for base in (0, 100, 200):
        own = [step for step in steps if base <= int(step[1:]) < base + 100]
        assert own == [f"s{base + n}" for n in range(10)]
    store.close()


_WRITER = """
import sys
from pathlib import Path
from engine.journal.sqlite_store import SqliteJournal
from engine.model.event import StepRunStarted
class Clock:
    def now(self): return 1.0
    def monotonic(self): return 1.0
store = SqliteJournal(Path(sys.argv[1]), Clock())
lease = store.claim("run-1", "victim")
number = len(store.events("run-1"))
print("claimed", lease.epoch, flush=True)
while True:
    store.append(lease, [StepRunStarted(at=1.0, step=f"s{number}", host="SM01", attempt=1)])
    number += 1
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_killed_writer_leaves_a_whole_journal_that_can_be_claimed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = opened(path)
    store.release(store.create(record(), PLAN, "anna"), keep_hosts=True)
    for kills, lines in enumerate((1, 2, 9, 30), start=1):
        victim = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert victim.stdout is not None
        assert victim.stdout.readline().split() == ["claimed", str(kills + 1)]
        told = 0
        for _ in range(lines):
            told = int(victim.stdout.readline())
        os.kill(victim.pid, signal.SIGKILL)
        rest = victim.stdout.read().split()
        victim.stdout.close()
        assert victim.wait() == -signal.SIGKILL
        told = int(rest[-1]) if rest and rest[-1].isdigit() else told
        events = store.events("run-1")
        assert len(events) in (told, told + 1), "what was told as written is there; at most the one in flight is more"
        assert events == tuple(
            ev.StepRunStarted(at=1.0, step=f"s{n}", host="SM01", attempt=1) for n in range(len(events))
        )
    assert store.claim("run-1", "bert").epoch == 6
    store.close()


def test_the_plan_and_the_hosts_are_stored_as_readable_json(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    connection = sqlite3.connect(path)
    plan, hosts = connection.execute("SELECT plan, hosts FROM runs").fetchone()
    connection.close()
    assert (json.loads(plan), json.loads(hosts)) == (PLAN, ["SM01"])
