"""Masking by value: the last step before any output, so that what a host echoes is caught as well as our own slips.

A value is looked for as it is and in the spellings it takes on its way: base64 (of UTF-8 and of UTF-16, alone or inside
a longer text), URL, JSON, XML, and the quoting of shells; with either line end, and with accents of their own. Values
shorter than ``SHORTEST`` are refused: masking ``a`` or ``12`` would make the record unreadable and hide nothing.
"""

import base64
import json
import re
import threading
import unicodedata
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from engine.model.data import JsonValue
from engine.model.secret import STARS

SHORTEST = 4
_SHORTEST_INNER = 6
_SHORTEST_LINE = 6
# The last two are those of consoles: western Europe, and the United States.
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252", "cp850", "cp437")
_WINDOWS_JSON = re.compile("[<>&'\u0085\u2028\u2029]")
_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|[^u])")
_XML_QUOTES = (
    {'"': "&quot;"},
    {'"': "&quot;", "'": "&apos;"},
    {'"': "&quot;", "'": "&#x27;"},
    {'"': "&quot;", "'": "&#39;"},
    {'"': "&#34;", "'": "&#39;"},
)


def maskable(value: str) -> bool:
    """False for what is too short, and for what already looks like a mask."""
    return len(value) >= SHORTEST and value.strip("*") != ""


def spellings(value: str) -> frozenset[str]:
    """The value in every spelling it is looked for in; one of several lines also line by line, as it is shown."""
    ends = re.sub("\r\n?", "\n", value)
    whole = {
        value,
        ends,
        ends.replace("\n", "\r\n"),
        unicodedata.normalize("NFC", value),
        unicodedata.normalize("NFD", value),
    }
    lines = {line for line in ends.split("\n") if len(line) >= _SHORTEST_LINE} if "\n" in ends else set()
    return frozenset(one for text in whole | lines for one in _spellings(text))


def _spellings(value: str) -> frozenset[str]:
    as_json = _json(value)
    url = [written(value, safe=safe, errors="surrogatepass") for written in (quote, quote_plus) for safe in ("", "/")]
    found = {
        value,
        *as_json,
        *(one.replace("/", "\\/") for one in as_json),
        *(json.dumps(one)[1:-1] for one in as_json),
        *url,
        *(re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), one) for one in url),
        escape(value),
        *(escape(value, quotes) for quotes in _XML_QUOTES),
        value.replace("'", "'\\''"),
        value.replace("'", "''"),
        re.sub('([`$"])', r"`\1", value),
        re.sub(r'([\\`$"])', r"\\\1", value),
        repr(value)[1:-1],
        *_base64(value.encode("utf-8", "surrogatepass")),
        *_base64(value.encode("utf-16-le", "surrogatepass")),
    }
    return frozenset(one for one in found if maskable(one))


def _json(value: str) -> tuple[str, ...]:
    """As Python writes it, with every letter and without; with digits in capitals; and as Windows PowerShell does."""
    ascii_only, letters = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    capitals = _ESCAPE.sub(lambda one: "\\" + one[1][0] + one[1][1:].upper(), ascii_only)
    windows = _WINDOWS_JSON.sub(lambda one: f"\\u{ord(one[0]):04x}", letters)
    return ascii_only, letters, capitals, windows


def _base64(data: bytes) -> Iterable[str]:
    """Alone, and the letters that are sure wherever the bytes lie in a longer text (three alignments)."""
    for written in (base64.b64encode, base64.urlsafe_b64encode):
        whole = written(data).decode("ascii")
        yield whole
        yield whole.rstrip("=")
        for before in range(3):
            text = written(b"\0" * before + data).decode("ascii").rstrip("=")
            bits = (before + len(data)) * 8
            inner = text[-(-before * 8 // 6) : bits // 6]
            if len(inner) >= _SHORTEST_INNER:
                yield inner


class _Patterns:
    """The compiled search for one set of values."""

    def __init__(self, values: Iterable[str]) -> None:
        texts = sorted({one for known in values for one in spellings(known)}, key=lambda one: (-len(one), one))
        encoded = sorted({data for text in texts for data in _encoded(text)}, key=lambda one: (-len(one), one))
        self.texts = re.compile("|".join(map(re.escape, texts)))
        self.bytes = re.compile(b"|".join(map(re.escape, encoded)), re.DOTALL)


class Masker:
    """Replaces every known value by stars. Values may be added at any time, from any thread."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._patterns: _Patterns | None = None
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Look for this value from now on; ``ValueError`` for one that cannot be masked."""
        if not maskable(value):
            raise ValueError(f"a value of fewer than {SHORTEST} characters, or of stars only, cannot be masked")
        with self._lock:
            if value not in self._values:
                self._values |= {value}
                self._patterns = None

    def text(self, text: str) -> str:
        """The text with stars. Repeated, as stars and what stands beside them may spell a value that has stars."""
        patterns = self._current()
        while patterns is not None and patterns.texts.search(text):
            text = patterns.texts.sub(STARS, text)
        return text

    def data(self, data: bytes) -> bytes:
        """The same for bytes, in the encodings that logs come in."""
        patterns = self._current()
        while patterns is not None and patterns.bytes.search(data):
            data = patterns.bytes.sub(STARS.encode("ascii"), data)
        return data

    def _current(self) -> _Patterns | None:
        with self._lock:
            if self._patterns is None and self._values:
                self._patterns = _Patterns(self._values)
            return self._patterns

    def value(self, value: JsonValue) -> JsonValue:
        """Nested data: texts, keys, and numbers that are a secret's digits."""
        patterns = self._current()
        if patterns is None:
            return value
        # Nearly always there is nothing to hide: one search over all texts at once says so.
        texts: list[str] = []
        _collect(value, texts)
        return self._hidden(value) if patterns.texts.search("\0".join(texts)) else value

    def _hidden(self, value: JsonValue) -> JsonValue:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (int, float)):
            written = str(value)
            masked = self.text(written)
            return value if masked == written else masked
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._hidden(item) for key, item in value.items()}
        return [self._hidden(item) for item in value]


def _collect(value: JsonValue, texts: list[str]) -> None:
    """Every text that ``value`` would be searched for secrets in."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, (int, float)):
        texts.append(str(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            texts.append(str(key))
            _collect(item, texts)
    elif value is not None:
        for item in value:
            _collect(item, texts)


def _encoded(text: str) -> Iterable[bytes]:
    for encoding in _ENCODINGS:
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue
    yield text.encode("utf-8", "surrogatepass")
