"""A document as plain data beside the place of every part of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.model.diagnostic import Diagnostic, Severity
from engine.model.origin import Origin

Path = tuple[str | int, ...]

_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s,{}\[\]]+)""")
_WIDEST = 1000
_HOLDS_PASSWORD = re.compile(r"ansible_\w*pass\w*[\"']?\s*:(?!\s*[\"']?(env|file|prompt|keyring):)")


def split_lines(text: str) -> tuple[str, ...]:
    """The lines as YAML counts them, so that line numbers and excerpts agree."""
    return tuple(_BREAKS.split(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """``value`` is plain data. ``origins`` holds the place of the value at each path, ``keys`` the place of the key
    that leads to it, and ``texts`` the place of a text's first character, behind its quote or its block header.
    """

    file: str
    value: Any
    lines: tuple[str, ...] = ()
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    keys: Mapping[Path, Origin] = field(default_factory=dict)
    texts: Mapping[Path, Origin] = field(default_factory=dict)

    def at(self, path: Path) -> Origin:
        """The place of the value at ``path``, or of the nearest part around it."""
        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path, Origin(self.file, 1, 1))

    def key_at(self, path: Path) -> Origin:
        """The place of the key that leads to ``path``, else of the value."""
        return self.keys.get(path) or self.at(path)

    def text_at(self, path: Path) -> Origin:
        """The place of the first character of the text at ``path``."""
        return self.texts.get(path) or self.at(path)

    def error(  # each argument is a field of the finding
        self, code: str, message: str, origin: Origin, *, hint: str | None = None, mark: int = 0
    ) -> Diagnostic:
        """An error at a place of this document, with the user's own line."""
        finding = Diagnostic(code=code, severity=Severity.ERROR, message=message, origin=origin, hint=hint, mark=mark)
        return with_excerpt(finding, self.lines)


def with_excerpt(finding: Diagnostic, lines: tuple[str, ...]) -> Diagnostic:
    """The finding with its line of the text, the mark cut at the line's end; without one the word there is marked."""
    origin = finding.origin
    if finding.excerpt is not None or origin is None or not 1 <= origin.line <= len(lines):
        return finding
    line = lines[origin.line - 1]
    if _HOLDS_PASSWORD.search(line):
        return replace(finding, mark=0)  # a finding is printed and kept in logs; the password beside it must not be
    line = line if len(line) <= _WIDEST else f"{line[:_WIDEST]}..."
    room = max(0, len(line) - origin.column + 1)
    return replace(finding, excerpt=line, mark=min(finding.mark or _word(line, origin.column - 1), room))


def _word(line: str, start: int) -> int:
    """How long the value or key is that begins there."""
    found = _WORD.match(line, start)
    return len(found[0].rstrip(":")) if found else 0


def with_excerpts(findings: Iterable[Diagnostic], text: str) -> tuple[Diagnostic, ...]:
    """The findings about one document, each with the user's own line."""
    lines = split_lines(text)
    return tuple(with_excerpt(one, lines) for one in findings)
