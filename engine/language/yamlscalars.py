"""What a plain YAML scalar means: YAML 1.2's core schema, without its traps.

Only ``null``/``~``/nothing, ``true``/``false`` (three letter cases), decimal, ``0o`` and ``0x`` integers and decimal
fractions are anything but text. Numbers that readers disagree about are refused instead of guessed.
"""

import re
from dataclasses import dataclass

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_LARGEST = 2**63
_DIGITS = 24
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Refused:
    """A scalar that has no safe meaning: the code of the finding, its sentence and its remedy."""

    code: str
    message: str
    hint: str


def resolve(text: str) -> "None | bool | int | float | str | Refused":
    """The value of a plain (unquoted) scalar."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if text[0] not in "+-.0123456789":
        return text
    return _number(text)


def _number(text: str) -> int | float | str | Refused:
    if _NOT_FINITE.match(text):
        return Refused("Y112", f"{text} is not a finite number", "write a finite number, or put the text in quotes")
    if _OCTAL.match(text):
        return _in_range(text, int(text[2:24], 8) if len(text) < _DIGITS else _LARGEST)
    if _HEXADECIMAL.match(text):
        return _in_range(text, int(text[2:24], 16) if len(text) < _DIGITS else _LARGEST)
    if not _FLOAT.match(text):
        return text
    if _LEADING_ZERO.match(text):
        short = _short(text)
        hint = f'write "{short}" in quotes for text, 0o{short.lstrip("+-0") or "0"} for octal, or no leading zero'
        return Refused("Y105", f"{short} can be read as an octal or as a decimal number", hint)
    if _INTEGER.match(text):
        return _in_range(text, int(text) if len(text) < _DIGITS else _LARGEST)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return Refused("Y112", f"{_short(text)} is too large for a number", "put the text in quotes")
    return value


def _in_range(text: str, value: int) -> int | Refused:
    if -_LARGEST <= value < _LARGEST:
        return value
    return Refused("Y112", f"{_short(text)} is too large for an integer of 64 bits", "put the text in quotes")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
