"""A run as JSON Lines: a first line with the run and its plan, then one line an event, each with number and hash.

The export proves itself: the same chain as in the store is recounted from its own lines. A last line that was torn off
by a crash or a half-finished copy is told, not taken for damage.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.journal import chain
from engine.journal.failures import told
from engine.model.data import JsonMap, canonical_json
from engine.model.errors import StorageFailed
from engine.model.event import RunEvent
from engine.ports.journal import RunRecord

VERSION = 1


class Entries(Protocol):
    """What an export needs of a store."""

    def record(self, run_id: str) -> RunRecord:
        """One run."""

    def plan(self, run_id: str) -> JsonMap:
        """Its plan."""

    def entries(self, run_id: str) -> tuple[chain.Entry, ...]:
        """Its events as stored, verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A verified export. ``torn`` says what is missing at the end, or is None; ``last_hash`` stands for the whole."""

    run: JsonMap
    plan: JsonMap
    events: tuple[RunEvent, ...]
    last_hash: str
    torn: str | None = None


def export_lines(store: Entries, run_id: str) -> Iterator[str]:
    """The lines of the export, without line feeds."""
    record, plan = store.record(run_id), store.plan(run_id)
    entries = store.entries(run_id)
    first = chain.genesis(chain.identity_of(record), plan)
    header: dict[str, Any] = {"version": VERSION, "sequence": 0, "hash": first, "run": _plain(record), "plan": plan}
    yield canonical_json(header)
    for one in entries:
        yield f'{{"event":{one.text},"hash":"{one.hash}","sequence":{one.sequence},"version":{VERSION}}}'


def verify_export(path: Path) -> Export:
    """Read an export and recount its chain; ``JournalDamaged`` names the first line that does not fit."""
    with told(path, "reading the export"):
        # some editors and ways of copying put a carriage return before each line feed
        lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
    torn, last = None, lines.pop()
    # a file usually ends with a line feed, so its last piece is empty; a JSON object that was cut is never JSON
    if last and _is_whole(last):
        lines.append(last)
    elif last:
        torn = f"line {len(lines) + 1} is torn off: the last {'event is' if lines else 'line is'} incomplete"
    if not lines:
        raise chain.damaged(str(path), 1, "the file holds no complete line")
    rows = [_row(path, number, line) for number, line in enumerate(lines, start=1)]
    header = rows[0]
    first = _header_hash(path, header)
    found = [_entry(path, number, row, lines[number - 1]) for number, row in enumerate(rows[1:], start=2)]
    entries = list(chain.verify(str(path), first, found))
    events = tuple(chain.event_of(str(path), one) for one in entries)
    last_hash = entries[-1].hash if entries else first
    return Export(run=header["run"], plan=header["plan"], events=events, last_hash=last_hash, torn=torn)


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _plain(record: RunRecord) -> JsonMap:
    return {**asdict(record), "hosts": list(record.hosts)}


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8"))
    except ValueError as error:
        raise chain.damaged(f"{path}:{number}", max(number - 1, 1), "the line is not JSON") from error
    if not isinstance(row, dict) or not isinstance(row.get("version"), int) or row["version"] < 1:
        raise chain.damaged(f"{path}:{number}", max(number - 1, 1), "the line is not one of an export")
    if row["version"] > VERSION:
        raise StorageFailed(
            f"{path}:{number}: written by a newer engine (format {row['version']}, this one knows {VERSION})",
            remedy="use the newer engine",
        )
    return row


def _header_hash(path: Path, header: dict[str, Any]) -> str:
    try:
        run = header["run"]
        identity = {name: run[name] for name in chain.IDENTITY}
        first = chain.genesis(identity, header["plan"])
    except (KeyError, TypeError) as error:
        raise chain.damaged(f"{path}:1", 1, "the first line does not describe a run") from error
    if first != header.get("hash"):
        raise chain.damaged(f"{path}:1", 1, "the run or its plan was altered")
    return first


def _entry(path: Path, number: int, row: dict[str, Any], line: bytes) -> chain.Entry:
    """The event's text as it stands in the line, so that a change of blanks counts as a change."""
    try:
        tail = f',"hash":"{row["hash"]}","sequence":{row["sequence"]},"version":{row["version"]}}}'
        text = line.decode("utf-8")
        if not (text.startswith('{"event":') and text.endswith(tail)):
            raise ValueError(tail)  # noqa: TRY301 - one sentence for all ways to be wrong
    except (KeyError, ValueError) as error:
        raise chain.damaged(f"{path}:{number}", number - 1, "the line does not have the form of an entry") from error
    return chain.Entry(row["sequence"], text[len('{"event":') : -len(tail)], row["hash"])
