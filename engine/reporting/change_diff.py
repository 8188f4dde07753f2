"""Before and after of one change as lines that begin with ``-`` and ``+``: only what differs, never cut silently."""

import difflib
from collections.abc import Iterator, Mapping

from engine.model.data import JsonValue
from engine.reporting.plain import printable, value_text

MOST_LINES = 40


def diff_lines(before: JsonValue, after: JsonValue) -> tuple[str, ...]:
    """The lines; none if neither is known. What is beyond ``MOST_LINES`` is counted."""
    if before is None and after is None:
        return ()
    lines = [printable(line) for line in _lines(before, after)]
    if len(lines) <= MOST_LINES:
        return tuple(lines)
    return (*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more lines; the report has them all")


def _lines(before: JsonValue, after: JsonValue) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            if before.get(key) != after.get(key):
                yield from _pair(before.get(key), after.get(key), f"{key}: ")
    elif isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
        yield from (line for line in found if not line.startswith(("---", "+++")))
    else:
        yield from _pair(before, after)


def _pair(before: JsonValue, after: JsonValue, name: str = "") -> Iterator[str]:
    yield f"- {name}{value_text(before)}"
    yield f"+ {name}{value_text(after)}"
