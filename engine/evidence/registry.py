"""Registry exports of regedit and reg.exe, both formats, as keys and values with their lines."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from engine.evidence.events_csv import LONGEST_LINE

_HEADERS = ("windows registry editor version 5.00", "regedit4")
_VALUE = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|@)\s*=\s*(.*)\Z', re.DOTALL)
_END = re.compile("\r\n|\r|\n")
_SHOWN = 5

Problem = Callable[[int, str], None]


@dataclass(slots=True)
class RegistryKey:
    """One key: path without the hive's name in lower case kept as written, values by lower-case name, and its line."""

    path: str
    line: int
    values: dict[str, str | int] = field(default_factory=dict)


def read_registry(pieces: Iterable[str], problem: Problem) -> Iterator[RegistryKey]:
    """The keys of an export, each once it was read whole; lines that make no sense are problems."""
    lines = _lines(pieces)
    header = next(lines, "").lstrip("\ufeff").strip().lower()
    if header not in _HEADERS:
        problem(1, "the first line is not that of a registry export")
    key: RegistryKey | None = None
    bad = number = 0
    for number, line in _joined(chain([header], lines)):
        kept = line.strip()
        if not kept or kept.startswith(";") or kept.lower() in _HEADERS:
            continue
        if kept.startswith("["):
            if not kept.endswith("]"):
                problem(number, "the name of a key is cut off")
            if key is not None:
                yield key
            key = RegistryKey(kept.strip("[]"), number)
        elif key is None or not _read_value(kept, key, narrow=header == "regedit4"):
            bad += 1
            if bad <= _SHOWN:
                problem(number, "this is neither a key nor a value")
    if key is not None:
        yield key
    if bad > _SHOWN:
        problem(number, f"{bad} lines in all make no sense")


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """Lines without their ends; one that is longer than any export's is cut."""
    rest = ""
    for piece in pieces:
        text = rest + piece
        # A carriage return at the border may be half of a line's end.
        half = "\r" if text.endswith("\r") else ""
        *lines, rest = _END.split(text.removesuffix(half))
        yield from lines
        rest += half
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = ""
    yield from _END.split(rest)


def _joined(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Continued lines (a backslash at the end of hex data) as one, with the number of the first."""
    held, first = "", 0
    for number, line in enumerate(lines, 1):
        first = first or number
        stripped = line.rstrip()
        if stripped.endswith("\\") and ("hex" in held or "=hex" in stripped):
            held += stripped[:-1].strip()
            continue
        yield first, held + (line.strip() if held else line)
        held, first = "", 0
    if held:
        yield first, held


def _read_value(line: str, key: RegistryKey, *, narrow: bool) -> bool:
    match = _VALUE.match(line)
    if match is None:
        return False
    name = _unescaped(match.group(1) or "").lower()
    data = match.group(2).strip()
    if data == "-":
        return True
    if data.startswith('"'):
        key.values[name] = _unescaped(data[1:-1] if data.endswith('"') and len(data) > 1 else data[1:])
        return data.endswith('"') and len(data) > 1
    kind, _, digits = data.partition(":")
    try:
        if kind == "dword":
            key.values[name] = int(digits, 16)
        elif kind.startswith("hex"):
            raw = bytes.fromhex(digits.replace(",", " "))
            if kind in ("hex(1)", "hex(2)", "hex(7)"):
                key.values[name] = raw.decode("cp1252" if narrow else "utf-16-le", "replace").rstrip("\x00")
        else:
            return False
    except ValueError:
        return False
    return True


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
