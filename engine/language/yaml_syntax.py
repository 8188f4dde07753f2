"""What the YAML parser could not read, in words of whoever wrote it: the place that is to be corrected, and how.

The parser names the place where it gave up. Where that is far from the slip (a quote or a bracket that was never
closed, a blank that is none), the place is that of the slip.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import yaml

_ODD_BLANK = re.compile("^[ -]*([\u00a0\u2007\u202f\u200b\u3000\ufeff])")
_BLANK_NAMES = {"\u00a0": "a no-break space", "\u202f": "a no-break space", "\u200b": "a blank without width"}
_HINTS = (
    ("mapping values are not allowed", "a text with a colon and a blank in it needs quotes around it"),
    ("block sequence entries", "begin the list on the line below the key"),
    ("incompatible YAML document", "leave the line with %YAML out"),
    ("comment or line break", "begin the text on the line below"),
    ("unexpected ':'", "within { } and [ ] a text with a colon in it needs quotes around it"),
    ("escape", "in double quotes a backslash starts an escape; use single quotes for Windows paths"),
    ("hexdecimal", "in double quotes a backslash starts an escape; use single quotes for Windows paths"),
)


class Slip(NamedTuple):
    """Where, counted from 1; what is wrong; what to do about it."""

    line: int
    column: int
    message: str
    hint: str | None


def slip_of(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> Slip:
    """The slip behind an error of the parser."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if line > len(lines):  # the reader gave up behind the end
        line, column = len(lines), len(lines[-1]) + 1
    problem, context = error.problem or error.context or "unreadable", error.context or ""
    begun = error.context_mark
    return (
        _odd_blank(lines, line)
        or (_unclosed(problem, context, begun.line + 1, begun.column + 1, line, lines) if begun else None)
        or Slip(line, column, f"this is not YAML: {problem}", _hint(problem, context, lines[line - 1], column))
    )


def _odd_blank(lines: Sequence[str], line: int) -> Slip | None:
    """In the indentation of the line or of the one before: it came along from a web page, and cannot be seen."""
    for number in (line - 1, line):
        found = _ODD_BLANK.match(lines[number - 1]) if number >= 1 else None
        if found:
            char = found[1]
            name = f"{_BLANK_NAMES.get(char, 'another blank')} (U+{ord(char):04X})"
            return Slip(number, found.start(1) + 1, f"{name} stands where YAML needs a blank", "write a blank instead")
    return None


def _unclosed(problem: str, context: str, line: int, column: int, end: int, lines: Sequence[str]) -> Slip | None:
    if "quoted scalar" in context and "end of stream" in problem:
        return Slip(line, column, "the quote that opens here is never closed", "close it, or leave it out")
    if "flow" in context and end > line:
        opening = lines[line - 1][column - 1 : column]
        closing = {"{": "}", "[": "]"}.get(opening, "")
        if closing:
            message = f"after the {opening} that opens here, a comma or {closing} is missing before line {end}"
            return Slip(line, column, message, f"close it with {closing}, or put the comma in")
    if "simple key" in context and "':'" in problem:
        hint = 'write "key: value" or "- item"; a text of several lines begins with | or >'
        return Slip(line, column, "this is neither a key with its value nor an item", hint)
    return None


def _hint(problem: str, context: str, line: str, column: int) -> str | None:
    at = line[column - 1 : column]
    if "cannot start any token" in problem and at in ("@", "`", "%"):
        return f"a text that starts with {at} needs quotes around it"
    if "{{" in line:
        return 'a text that starts with {{ needs quotes around it: "{{ ... }}"'
    if "scanning an alias" in context or "scanning an anchor" in context:
        return "a text that starts with * or & needs quotes around it"
    for words, hint in _HINTS:
        if words in problem:
            return hint
    if "did not find expected" in problem and line[max(column - 2, 0) : column - 1] in ('"', "'"):
        return "a quote ends the text here: close the one above, or write '' for a quote within single quotes"
    if "did not find expected" in problem:
        return "compare the indentation with the lines above; quotes and brackets must be closed"
    return None
