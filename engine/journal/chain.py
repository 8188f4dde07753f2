"""The chain of hashes: every entry's hash covers the entry before it, the first covers the run and its plan.

Pure functions over texts, so that the store, the export and its check count in exactly one way. The hash is taken of
the stored text itself, byte by byte: no parsing lies between a changed byte and its discovery.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.model.data import JsonMap, canonical_json, digest
from engine.model.errors import JournalDamaged, StorageFailed
from engine.model.event import RunEvent, event_from_json
from engine.ports.journal import RunRecord

IDENTITY = ("run_id", "runbook", "version", "plan_digest", "operator", "started_at", "hosts")


@dataclass(frozen=True, slots=True)
class Entry:
    """One journalled event: its number from 1, its canonical JSON, and its hash."""

    sequence: int
    text: str
    hash: str


def genesis(identity: JsonMap, plan: JsonMap) -> str:
    """The hash before the first entry: what the run is and what it was going to do."""
    return digest({"identity": identity, "plan": digest(plan)})


def identity_of(record: RunRecord) -> JsonMap:
    """What of a run never changes; its folder may be moved, its status goes on."""
    return {name: list(value) if isinstance(value := getattr(record, name), tuple) else value for name in IDENTITY}


def link(previous: str, sequence: int, text: str) -> str:
    """SHA-256 over the previous hash and the canonical JSON of sequence and event."""
    content = f'{previous}{{"event":{text},"sequence":{sequence}}}'
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()


def extend(previous: str, sequence: int, events: Iterable[JsonMap]) -> Iterator[Entry]:
    """Entries for new events after entry number ``sequence``."""
    for event in events:
        sequence += 1
        text = canonical_json(event)
        previous = link(previous, sequence, text)
        yield Entry(sequence, text, previous)


def verify(place: str, first: str, entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries again, each checked; ``JournalDamaged`` names the first one that does not fit."""
    previous = first
    for number, entry in enumerate(entries, start=1):
        if entry.sequence != number:
            raise damaged(place, number, f"the entry that follows is number {entry.sequence}")
        previous = link(previous, number, entry.text)
        if entry.hash != previous:
            raise damaged(place, number, "its content does not match the chain of hashes")
        yield entry


def event_of(place: str, entry: Entry) -> RunEvent:
    """The event that a verified entry holds; ``StorageFailed`` if this engine knows none like it."""
    try:
        return event_from_json(json.loads(entry.text))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageFailed(
            f"{place}: entry {entry.sequence} is not an event this engine knows ({error})",
            remedy="use the newer engine that wrote it",
        ) from error


def damaged(place: str, number: int, why: str) -> JournalDamaged:
    """The finding at one entry, with what can still be done."""
    return JournalDamaged(
        f"{place}: the journal is damaged at entry {number}: {why}",
        remedy="keep the file as it is and compare it with the export or a backup; "
        f"entries 1 to {number - 1} are intact and show how far the run got"
        if number > 1
        else "keep the file as it is and compare it with the export or a backup",
    )
