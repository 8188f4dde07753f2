"""An export proves itself, tells a torn end, and names the first line that was altered."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.journal import chain
from engine.journal.export import export_lines, verify_export
from engine.journal.sqlite_store import SqliteJournal
from engine.model import event as ev
from engine.model.data import canonical_json
from engine.model.errors import JournalDamaged, StorageFailed
from engine.ports.journal import RunRecord

EVENTS = tuple(ev.StepRunStarted(at=float(n), step=f"s{n}", host="SM01 Ü", attempt=1) for n in range(3))


class FixedClock:
    def now(self) -> float:
        return 1.0

    def monotonic(self) -> float:
        return 1.0


@pytest.fixture
def export(tmp_path: Path) -> Iterator[Path]:
    store = SqliteJournal(tmp_path / "journal.db", FixedClock())
    record = RunRecord(
        run_id="run-1",
        runbook="r",
        version="1.0.0",
        plan_digest="ab",
        operator="anna",
        status="running",
        started_at=1.5,
        ended_at=None,
        hosts=("SM01",),
        folder="somewhere",
    )
    store.append(store.create(record, {"steps": [1, 2]}, "anna"), EVENTS)
    path = tmp_path / "run.jsonl"
    path.write_bytes("".join(f"{line}\n" for line in export_lines(store, "run-1")).encode())
    yield path
    store.close()


def test_the_export_holds_run_plan_and_events(export: Path) -> None:
    found = verify_export(export)
    assert found.events == EVENTS
    assert (found.run["run_id"], found.plan, found.torn) == ("run-1", {"steps": [1, 2]}, None)
    rows = [json.loads(line) for line in export.read_text().splitlines()]
    assert [(row["sequence"], row["version"]) for row in rows] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert rows[-1]["hash"] == found.last_hash
    assert rows[1]["event"]["kind"] == "step_run_started"


def test_a_torn_last_line_is_told_and_the_rest_is_read(export: Path) -> None:
    content = export.read_bytes()
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    for cut in (last + 1, last + 20, len(content) - 2):
        export.write_bytes(content[:cut])
        found = verify_export(export)
        assert found.events == EVENTS[:2]
        assert found.torn == "line 4 is torn off: the last event is incomplete"


def test_a_missing_last_line_feed_is_no_tear(export: Path) -> None:
    export.write_bytes(export.read_bytes().rstrip(b"\n"))
    found = verify_export(export)
    assert (found.events, found.torn) == (EVENTS, None)


def test_line_ends_of_another_system_are_no_alteration(export: Path) -> None:
    export.write_bytes(export.read_bytes().replace(b"\n", b"\r\n"))
    found = verify_export(export)
    assert (found.events, found.torn) == (EVENTS, None)


def test_an_event_of_a_newer_engine_is_told(tmp_path: Path) -> None:
    first = chain.genesis(dict.fromkeys(chain.IDENTITY, "x"), {})
    (entry,) = chain.extend(first, 0, [{"kind": "step_run_dreamt", "at": 1.0}])
    run = dict.fromkeys(chain.IDENTITY, "x")
    path = tmp_path / "newer.jsonl"
    path.write_text(
        canonical_json({"version": 1, "sequence": 0, "hash": first, "run": run, "plan": {}})
        + f'\n{{"event":{entry.text},"hash":"{entry.hash}","sequence":1,"version":1}}\n'
    )
    with pytest.raises(StorageFailed, match="entry 1 is not an event this engine knows"):
        verify_export(path)


def test_a_file_without_one_whole_line_is_damage(export: Path) -> None:
    for content in (b"", b'{"version":1', b"\n"):
        export.write_bytes(content)
        with pytest.raises(JournalDamaged):
            verify_export(export)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="No such file"):
        verify_export(tmp_path / "nothing.jsonl")


def test_a_newer_format_is_refused(export: Path) -> None:
    export.write_text(export.read_text().replace('"version":1}', '"version":7}'))
    with pytest.raises(StorageFailed, match="newer engine"):
        verify_export(export)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_found(export: Path, data: st.DataObject) -> None:
    """Outside the run's folder, status and end, which are no part of what is proven, every byte counts."""
    content = export.read_bytes()
    place = data.draw(st.integers(content.index(b"\n") + 1, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != content[place]))
    broken = export.with_suffix(".broken")
    broken.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
    try:
        found = verify_export(broken)
    except (JournalDamaged, StorageFailed):
        return
    assert place == len(content) - 1, "only the last line feed may be lost"
    assert found.torn


def test_a_line_taken_out_or_swapped_is_found(export: Path) -> None:
    lines = export.read_text().splitlines(keepends=True)
    for order in ((0, 1, 3), (0, 2, 1, 3), (0, 2, 3), (1, 2, 3)):
        export.write_text("".join(lines[n] for n in order))
        with pytest.raises(JournalDamaged):
            verify_export(export)


def test_an_altered_plan_or_operator_is_found(export: Path) -> None:
    text = export.read_text()
    for old, new in (('"steps":[1,2]', '"steps":[1,3]'), ('"operator":"anna"', '"operator":"bert"')):
        export.write_text(text.replace(old, new))
        with pytest.raises(JournalDamaged, match="run or its plan was altered"):
            verify_export(export)
