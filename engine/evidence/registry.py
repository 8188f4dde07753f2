"""Registry exports of regedit and reg.exe, both formats, as keys and values with their lines."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_HEADERS = ("windows registry editor version 5.00", "regedit4")
_VALUE = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|@)\s*=\s*(.*)\Z', re.DOTALL)
_SHOWN = 5

Problem = Callable[[int, str], None]


@dataclass(slots=True)
class RegistryKey:
    """One key: path without the hive's name in lower case kept as written, values by lower-case name, and its line."""

    path: str
    line: int
    values: dict[str, str | int] = field(default_factory=dict)


def read_registry(text: str, problem: Problem) -> list[RegistryKey]:
    """The keys of an export; lines that make no sense are problems."""
    lines = re.split("\r\n|\r|\n", text.lstrip("\ufeff"))
    if not lines or lines[0].strip().lower() not in _HEADERS:
        problem(1, "the first line is not that of a registry export")
    narrow = bool(lines) and lines[0].strip().lower() == "regedit4"
    keys: list[RegistryKey] = []
    bad = 0
    for number, line in _joined(lines):
        kept = line.strip()
        if not kept or kept.startswith(";") or kept.lower() in _HEADERS:
            continue
        if kept.startswith("["):
            if not kept.endswith("]"):
                problem(number, "the name of a key is cut off")
            keys.append(RegistryKey(kept.strip("[]"), number))
            continue
        if not keys or not _read_value(kept, keys[-1], narrow=narrow):
            bad += 1
            if bad <= _SHOWN:
                problem(number, "this is neither a key nor a value")
    if bad > _SHOWN:
        problem(len(lines), f"{bad} lines in all make no sense")
    return keys


def _joined(lines: list[str]) -> list[tuple[int, str]]:
    """Continued lines (a backslash at the end of hex data) as one."""
    joined: list[tuple[int, str]] = []
    held, first = "", 0
    for number, line in enumerate(lines, 1):
        first = first or number
        stripped = line.rstrip()
        if stripped.endswith("\\") and ("hex" in held or "=hex" in stripped):
            held += stripped[:-1].strip()
            continue
        joined.append((first, held + (line.strip() if held else line)))
        held, first = "", 0
    if held:
        joined.append((first, held))
    return joined


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
