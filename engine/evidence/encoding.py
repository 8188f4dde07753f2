"""Bytes of any of the encodings that Windows writes, to text in pieces; never fails, tells what it had to replace."""

import codecs
import re
from collections.abc import Iterator
from typing import IO, Protocol

PIECE = 1024 * 1024
_SAMPLE = 4096
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_LARGE_SHARE = 0.3
_NARROW = re.compile(rb"(?:\r\n)*[\t\x20-\x7e\x80-\xff]{3,}\r\n")
_NARROW_LF = re.compile(rb"[\t\r\n\x20-\x7e]{48,}")
_END = 64 * 1024
_KEPT_BACK = 512


def sniff(head: bytes) -> tuple[str, int]:
    """The encoding and the length of its mark: UTF-16 also without one, else UTF-8 (cp1252 is found while reading)."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    sample = head[:_SAMPLE]
    if len(sample) >= 4:  # noqa: PLR2004 - two characters at least
        half = len(sample) / 2
        if sample[1::2].count(0) > _LARGE_SHARE * half and sample[0::2].count(0) < sample[1::2].count(0):
            return "utf-16-le", 0
        if sample[0::2].count(0) > _LARGE_SHARE * half:
            return "utf-16-be", 0
    return "utf-8", 0


class Readable(Protocol):
    """What gives its bytes in pieces; none at its end."""

    def read(self, count: int = -1, /) -> bytes:
        """At most so many bytes."""
        ...


class TextReader:
    """Pieces of text of one stream.

    ``encoding`` and ``problem`` are known once all was read; ``lost`` is true if the problem cost some of the text.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.encoding = ""
        self.problem: str | None = None
        self.lost = False
        self.read = 0

    def pieces(self) -> Iterator[str]:
        """The text; piece borders fall anywhere between characters."""
        head = self._next()
        self.encoding, mark = sniff(head)
        if self.encoding != "utf-8":
            yield from self._wide(head[mark:])
            return
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        piece = head[mark:]
        while True:
            held = decoder.getstate()[0]
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError:
                if not piece:
                    self.problem, self.lost = "it ends in the middle of a character (truncated UTF-8, or ANSI)", True
                yield from self._narrow(held + piece)
                return
            yield self._without_nul(text)
            if not piece:
                return
            piece = self._next()

    def _wide(self, piece: bytes) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        held = b""
        while piece:
            held += piece
            start = _narrow_start(held)
            if start is not None:
                yield self._without_nul(decoder.decode(held[:start]))
                yield from self._appended(held[start:])
                return
            # What may be the beginning of a narrow line is looked at again with the next piece.
            whole = max(0, len(held) - _KEPT_BACK) & ~1
            yield self._without_nul(decoder.decode(held[:whole]))
            held, piece = held[whole:], self._next()
        yield self._without_nul(decoder.decode(held))
        if decoder.getstate()[0]:
            self.problem, self.lost = "it ends in the middle of a character (truncated UTF-16)", True
        yield decoder.decode(b"", final=True)

    def _appended(self, piece: bytes) -> Iterator[str]:
        """Lines of one byte a letter behind UTF-16, to the end; UTF-16 that comes back later shows as NUL bytes."""
        self.problem = "lines of one byte a letter (ANSI) follow its UTF-16 text; both were read"
        while piece:
            yield piece.decode("cp1252", "replace").replace("\x00", "")
            piece = self._next()

    def _narrow(self, piece: bytes) -> Iterator[str]:
        self.encoding = "cp1252"
        while piece:
            yield self._without_nul(piece.decode("cp1252", "replace"))
            piece = self._next()

    def _without_nul(self, text: str) -> str:
        """UTF-16 in a narrow file, and UTF-32, show as NUL characters between letters; without them it can be read."""
        if "\x00" not in text:
            return text
        self.problem = "it holds NUL bytes: a part seems to be of another encoding, and was read as well as that allows"
        return text.replace("\x00", "")

    def _next(self) -> bytes:
        piece = self._stream.read(PIECE)
        self.read += len(piece)
        return piece


def _narrow_start(piece: bytes) -> int | None:
    """Where lines of one byte a letter begin in UTF-16, if they do.

    In UTF-16 the bytes CR LF never stand side by side, and no text has so many characters of two ASCII bytes in a row.
    """
    found = _NARROW.search(piece) if b"\r\n" in piece else None
    if found is None:
        # Lines that end in LF alone are looked for where it costs little: at the end, or where NUL bytes are few.
        start = 0 if piece.count(0) < _LARGE_SHARE * len(piece) else max(0, len(piece) - _END) & ~1
        found = _NARROW_LF.search(piece, start)
    # An odd place is the second half of the last wide character.
    return None if found is None else found.start() + found.start() % 2


def whole_text(stream: IO[bytes], limit: int) -> tuple[str, str | None]:
    """The text of a small file and what is wrong with it; text beyond ``limit`` characters is cut and said."""
    reader = TextReader(stream)
    parts: list[str] = []
    length = 0
    for piece in reader.pieces():
        parts.append(piece)
        length += len(piece)
        if length > limit:
            return "".join(parts)[:limit], f"only the first {limit} characters were read"
    return "".join(parts), reader.problem
