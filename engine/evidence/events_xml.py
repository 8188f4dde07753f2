"""Events out of ``wevtutil qe ... /f:xml``: with or without a root and rendered messages; one fragment at a time."""

import re
from collections.abc import Callable, Iterable, Iterator
from xml.etree import ElementTree

from engine.evidence.events import EventMatcher, EventRecord
from engine.evidence.stamps import stamps

LARGEST = 2 * 1024 * 1024
_START = re.compile(r"<Event(?=[\s>])")
_END = "</Event>"
_ID = re.compile(r"<EventID[^>]*>\s*(\d{1,10})\s*</EventID>|<EventID[^>]*>([^<]{0,40})")

Problem = Callable[[int, str], None]


class EventXml:
    """One pass over one export. ``count`` is the number of events seen."""

    def __init__(self, matcher: EventMatcher, problem: Problem) -> None:
        self._matcher = matcher
        self._problem = problem
        self.count = 0

    def records(self, pieces: Iterable[str]) -> Iterator[EventRecord]:
        """Events that a signature may know, in order."""
        rest, number = "", 1
        for piece in pieces:
            rest += piece
            position = 0
            while match := _START.search(rest, position):
                end = rest.find(_END, match.end())
                if end < 0:
                    break
                number += rest.count("\n", position, match.start())
                yield from self._one(rest[match.start() : end + len(_END)], number)
                number += rest.count("\n", match.start(), end + len(_END))
                position = end + len(_END)
            kept = match.start() if match else max(position, len(rest) - len("<Event "))
            number += rest.count("\n", position, kept)
            rest = rest[kept:]
            if match and len(rest) > LARGEST:
                self._problem(number, f"an event is larger than {LARGEST // 1024 // 1024} MiB or never ends")
                rest = rest[len("<Event") :]
        if _START.match(rest):
            self._problem(number, "the last event is cut off")

    def _one(self, text: str, line: int) -> Iterator[EventRecord]:
        self.count += 1
        nested = [one.start() for one in _START.finditer(text)][1:]
        if nested:
            self._problem(line, "an event does not end before the next one starts")
            line += text.count("\n", 0, nested[-1])
            text = text[nested[-1] :]
        found = _ID.search(text)
        if found is None or found.group(1) is None:
            self._problem(line, "an event has no readable EventID")
            return
        if not self._matcher.worth_reading(int(found.group(1)), text):
            return
        try:
            # Unbound prefixes and control characters are the only ways the fragment differs from a whole document.
            yield _record(ElementTree.fromstring(text), line)
        except (ElementTree.ParseError, ValueError) as error:
            self._problem(line, f"an event is not XML: {error}")


def _record(root: ElementTree.Element, line: int) -> EventRecord:
    parts = {_local(one.tag): one for one in root.iter()}
    system = {_local(one.tag): one for one in _child(root, "System")}
    strings = [
        (one.text or "").strip()
        for name in ("EventData", "UserData")
        for one in _child(root, name).iter()
        if len(one) == 0 and one.text
    ]
    provider = system.get("Provider")
    created = system.get("TimeCreated")
    message = next((one.text or "" for one in _child(root, "RenderingInfo") if _local(one.tag) == "Message"), "")
    identity = parts["EventID"].text or "0"
    return EventRecord(
        event=int(identity.strip()),
        source=(provider.get("Name") or provider.get("EventSourceName") or "") if provider is not None else "",
        message=message,
        strings=tuple(strings),
        at=stamps((created.get("SystemTime") or "").rstrip("Z") + "Z", 0) if created is not None else (),
        line=line,
        computer=_text(system.get("Computer")),
        log=_text(system.get("Channel")) or "",
    )


def _child(root: ElementTree.Element, name: str) -> ElementTree.Element:
    return next((one for one in root if _local(one.tag) == name), ElementTree.Element(name))


def _text(element: ElementTree.Element | None) -> str | None:
    return element.text if element is not None else None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
