"""Bytes or text as handed in, to text that a YAML reader may see; what cannot be read is a finding with its place."""

import re

from engine.language.located import Located, split_lines
from engine.model.diagnostic import Diagnostic
from engine.model.origin import Origin

MAX_CHARACTERS = 8 * 1024 * 1024

_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def clean_text(text: str | bytes, file: str) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The text without a byte order mark; None and a finding if it is too large or has characters YAML forbids."""
    if len(text) > MAX_CHARACTERS:
        message = f"the document is larger than {MAX_CHARACTERS // 1024 // 1024} MiB"
        return None, (
            Located(file=file, value=None).error("Y111", message, Origin(file, 1, 1), hint="split the document"),
        )
    if isinstance(text, bytes):
        return _decoded(text, file)
    return _without_illegal(text.removeprefix("\ufeff"), file)


def _decoded(data: bytes, file: str) -> tuple[str | None, tuple[Diagnostic, ...]]:
    try:
        return _without_illegal(data.decode("utf-8-sig"), file)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
    lines = split_lines(before)
    origin = Origin(file, len(lines), len(lines[-1]) + 1)
    what = "UTF-16" if data.startswith(_UTF16) else "not UTF-8"
    whole = Located(file=file, value=None, lines=split_lines(data.decode("utf-8-sig", "replace")))
    return None, (whole.error("Y110", f"the file is {what}", origin, hint="save the file as UTF-8"),)


def _without_illegal(text: str, file: str) -> tuple[str | None, tuple[Diagnostic, ...]]:
    found = _ILLEGAL.search(text)
    if found is None:
        return text, ()
    before = split_lines(text[: found.start()])
    origin = Origin(file, len(before), len(before[-1]) + 1)
    # The excerpt must not carry the character to a terminal.
    whole = Located(file=file, value=None, lines=split_lines(_ILLEGAL.sub("\ufffd", text)))
    message = f"the character U+{ord(found.group()):04X} is not allowed in YAML"
    return None, (whole.error("Y110", message, origin, hint="remove the character, or save the file as UTF-8", mark=1),)
