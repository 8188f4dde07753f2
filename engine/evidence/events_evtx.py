"""Events out of binary logs; a damaged chunk is told and passed over."""

import json
from collections.abc import Callable, Iterator
from typing import IO, Any

from engine.evidence.events import EventMatcher, EventRecord
from engine.evidence.stamps import stamps

_SHOWN = 5
_HEADER, _FIRST, _CHUNK = 128, 4096, 65536

Problem = Callable[[int | None, str], None]


def cut_off(head: bytes, size: int) -> str | None:
    """What is missing of a binary log whose header promises more chunks than the file can hold."""
    if len(head) < _HEADER or not head.startswith(b"ElfFile\x00"):
        return None
    promised = int.from_bytes(head[42:44], "little")
    there = max(0, size - _FIRST) // _CHUNK
    return f"it is cut off: {there} of {promised} chunks are there" if there < promised else None


class EventEvtx:
    """One pass over one binary log. ``count`` is the number of events read."""

    def __init__(self, matcher: EventMatcher, problem: Problem) -> None:
        self._matcher = matcher
        self._problem = problem
        self.count = 0

    def records(self, source: str | IO[bytes]) -> Iterator[EventRecord]:
        """Events that a signature may know, in order."""
        import evtx  # noqa: PLC0415 - a native module, paid for only where a binary log is there

        try:
            rows = iter(evtx.PyEvtxParser(source, number_of_threads=1).records_json())
        except Exception as error:  # noqa: BLE001 - the parser raises what it likes
            self._problem(None, f"it is not a readable event log: {error}")
            return
        bad = 0
        while True:
            try:
                row = next(rows)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - as above; the iterator goes on with the next chunk
                bad += 1
                if bad <= _SHOWN:
                    self._problem(None, f"a part of it cannot be read: {error}")
                if bad > 100_000:  # noqa: PLR2004 - an iterator that never ends
                    break
                continue
            self.count += 1
            if row is None:
                continue
            record = self._record(row)
            if record is not None:
                yield record
        if bad > _SHOWN:
            self._problem(None, f"{bad} parts in all cannot be read")

    def _record(self, row: dict[str, Any]) -> EventRecord | None:
        try:
            event = json.loads(row["data"])["Event"]
            system = event["System"]
            identity = int(_plain(system["EventID"]))
        except (KeyError, ValueError, TypeError):
            self._problem(None, f"event record {row.get('event_record_id')} has no readable EventID")
            return None
        if not self._matcher.worth_reading(identity, row["data"]):
            return None
        created = (system.get("TimeCreated") or {}).get("#attributes", {}).get("SystemTime", "")
        provider = (system.get("Provider") or {}).get("#attributes", {})
        return EventRecord(
            event=identity,
            source=str(provider.get("Name") or provider.get("EventSourceName") or ""),
            strings=tuple(_strings(event.get("EventData") or event.get("UserData"))),
            at=stamps(str(created), 0),
            computer=str(system.get("Computer") or "") or None,
            log=str(system.get("Channel") or ""),
        )


def _plain(value: Any) -> Any:
    return value.get("#text") if isinstance(value, dict) else value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "#attributes":
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif value is not None:
        yield str(value)
