"""Lines of a log that hold one of the wanted tokens, with their numbers, at the speed of a text search.

Each piece of text is searched once per token; only lines with a hit are cut out. A line longer than ``LONGEST`` is cut
into overlapping parts of the same number.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 256 * 1024
_OVERLAP = 2048
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
    """One pass over one log. ``lines`` counts the lines read, ``last`` is the number of the last one with text."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = tuple(lower(one) for one in tokens)
        self.lines = 0
        self.last = 0

    def hits(self, pieces: Iterable[str]) -> Iterator[Line]:
        """Lines with a hit, in order."""
        number, rest, old_mac = 1, "", None
        for piece in pieces:
            text = piece
            if old_mac is None and piece:
                old_mac = "\r" in piece[:-1] and "\n" not in piece
            if old_mac:
                text = text.replace("\r", "\n")
            whole = rest + text
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
        kept = text.rstrip("\r\n\x00 \t")
        if kept:
            self.last = number + kept.count("\n")
        lowered = lower(text)
        starts = self._starts(lowered)
        counted, at = 0, number
        for start, hit in starts:
            at += lowered.count("\n", counted, start)
            counted = start
            yield _line(text, lowered, start, hit, at)

    def _starts(self, lowered: str) -> list[tuple[int, int]]:
        """Start of each line with a hit and the position of its first hit."""
        found: dict[int, int] = {}
        for token in self._tokens:
            position = lowered.find(token)
            while position >= 0:
                start = lowered.rfind("\n", 0, position) + 1
                found[start] = min(position, found.get(start, position))
                end = lowered.find("\n", position)
                if end < 0:
                    break
                position = lowered.find(token, end)
        return sorted(found.items())


def _line(text: str, lowered: str, start: int, hit: int, number: int) -> Line:
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    if end - start > LONGEST // 16:
        start, end = max(start, hit - _OVERLAP), min(end, hit + LONGEST // 16)
    return Line(number, text[start:end].rstrip("\r\x00 "), lowered[start:end])


def shown(text: str) -> str:
    """A line fit for a screen: no control characters, not longer than needed."""
    clean = "".join(one if one.isprintable() else " " for one in text[: 4 * _SHOWN]).strip()
    return clean if len(clean) <= _SHOWN else f"{clean[:_SHOWN]}..."
