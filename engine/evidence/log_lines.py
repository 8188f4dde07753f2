"""Lines of a log that hold one of the wanted tokens, with their numbers, at the speed of a text search.

Each piece of text is searched once per token; only lines with a hit are cut out. A line longer than ``LONGEST`` is cut
into overlapping parts of the same number.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 256 * 1024
_OVERLAP = 2048
_LONG = LONGEST // 16
_BEFORE, _BEHIND = 300, 200
_SHOWN = 400


@dataclass(frozen=True, slots=True)
class Line:
    """A line with a hit: number from 1, its text (cut around the hit if very long), and the same in lower case."""

    number: int
    text: str
    lowered: str


def lower(text: str) -> str:
    """ASCII letters in lower case, so that positions stay the same."""
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


class LineSearch:
    """One pass over one log. ``lines`` counts the lines read, ``last`` is the number of the last one with text.

    A line with several hits is given in parts, one for each hit, if it is very long or ``apart`` stands in it: no part
    reaches over the next or the last place with ``apart``. CR LF, LF and CR alone end a line.
    """

    def __init__(self, tokens: Iterable[str], apart: str = "") -> None:
        self._tokens = tuple(lower(one) for one in tokens)
        self._apart = lower(apart)
        self.lines = 0
        self.last = 0

    def hits(self, pieces: Iterable[str]) -> Iterator[Line]:
        """Lines with a hit, in order."""
        number, rest, held = 1, "", ""
        for piece in pieces:
            text = held + piece
            held = "\r" if text.endswith("\r") else ""
            whole = rest + _with_line_feeds(text.removesuffix("\r"))
            end = whole.rfind("\n") + 1
            if end:
                yield from self._search(whole[:end], number)
                number += whole.count("\n", 0, end)
                rest = whole[end:]
            else:
                rest = whole
            if len(rest) > LONGEST:
                yield from self._search(rest, number)
                rest = rest[-_OVERLAP:]
        if rest:
            yield from self._search(rest, number)
        self.lines = number - 1 + bool(rest)

    def _search(self, text: str, number: int) -> Iterator[Line]:
        kept = text.rstrip("\n\x00 \t")
        if kept:
            self.last = number + kept.count("\n")
        lowered = lower(text)
        counted, at = 0, number
        for start, hits in self._starts(lowered):
            at += lowered.count("\n", counted, start)
            counted = start
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            apart = [one for one, token in hits if token == self._apart]
            if end - start > _LONG or (apart and len(hits) > 1):
                yield from _parts(text, lowered, start, end, [one for one, _ in hits], apart, at)
            else:
                yield Line(at, text[start:end].rstrip("\x00 "), lowered[start:end])

    def _starts(self, lowered: str) -> list[tuple[int, list[tuple[int, str]]]]:
        """Start of each line with a hit, and its hits."""
        found: dict[int, list[tuple[int, str]]] = {}
        for token in self._tokens:
            position = lowered.find(token)
            while position >= 0:
                start = lowered.rfind("\n", 0, position) + 1
                found.setdefault(start, []).append((position, token))
                position = lowered.find(token, position + len(token))
        return [(start, sorted(hits)) for start, hits in sorted(found.items())]


def _with_line_feeds(text: str) -> str:
    if "\r" not in text:
        return text
    text = text.replace("\r\n", "\n")
    return text.replace("\r", "\n") if "\r" in text else text


def _parts(
    text: str, lowered: str, start: int, end: int, hits: list[int], apart: list[int], number: int
) -> Iterator[Line]:
    """What stands around each hit of one line."""
    for hit in hits:
        here = bisect_right(apart, hit)
        first = max(start, hit - _BEFORE, apart[here - 1] if here else start)
        last = min(end, hit + _BEHIND, apart[here] if here < len(apart) else end)
        yield Line(number, text[first:last].rstrip("\x00 "), lowered[first:last])


def shown(text: str) -> str:
    """A line fit for a screen: no control characters, not longer than needed."""
    clean = "".join(one if one.isprintable() else " " for one in text[: 4 * _SHOWN]).strip()
    return clean if len(clean) <= _SHOWN else f"{clean[:_SHOWN]}..."
