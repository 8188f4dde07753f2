"""Text from hosts and files made safe to show: what a person reads is what is there, and no terminal obeys it.

``printable`` takes out terminal escape sequences, control characters and the marks that reverse the reading direction.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from engine.model.data import JsonValue, canonical_json

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor moves
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"  # titles, links, device strings
    r"|\x1b[ -/]*[0-~]",  # short ones
    re.DOTALL,
)
_DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_DROPPED = {
    **{code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"},
    **{ord(mark): None for mark in _DIRECTION},
    0x85: "\n",
    0x2028: "\n",
    0x2029: "\n",
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}


def printable(text: str) -> str:
    """The text without escapes, control characters and direction marks; line feeds and tabs stay."""
    return _ESCAPES.sub("", text.replace("\r\n", "\n")).translate(_DROPPED)


def one_line(text: str) -> str:
    """The printable text on one line, each run of white space one blank."""
    return " ".join(printable(text).split())


def masked_width(text: str) -> str:
    """The text with every unprintable character as one replacement character, so that columns keep their place."""
    return "".join(" " if one == "\t" else one if printable(one) == one and one != "\n" else "\ufffd" for one in text)


def value_text(value: JsonValue) -> str:
    """A value as people write it: texts as they are, nothing as ``none``, a mapping as ``name: value`` one after the
    other with dots for what lies deeper, the rest as JSON.
    """
    if value is None:
        return "none"
    if isinstance(value, Mapping) and value:
        return "; ".join(f"{one_line(name)}: {text}" for name, text in _leaves(value))
    return one_line(value if isinstance(value, str) else canonical_json(value))


def _leaves(value: Mapping[str, JsonValue], above: str = "") -> Iterator[tuple[str, str]]:
    for name, one in value.items():
        if isinstance(one, Mapping) and one:
            yield from _leaves(one, f"{above}{name}.")
        else:
            yield f"{above}{name}", value_text(one)


def width(text: str) -> int:
    """How many terminal cells the text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )


def fit(text: str, cells: int) -> str:
    """The text cut to so many cells, with two dots where something was cut off."""
    if width(text) <= cells:
        return text
    kept = ""
    for one in text:
        if width(kept + one) > max(cells - 2, 0):
            break
        kept += one
    return (kept.rstrip() + "..")[: max(cells, 0)]


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """The text cut or filled to exactly so many cells."""
    cut = fit(text, cells)
    blanks = " " * (cells - width(cut))
    return blanks + cut if right else cut + blanks
