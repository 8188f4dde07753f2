"""Findings about a user's documents: never exceptions, always collected, each with its place and remedy."""

from dataclasses import dataclass
from enum import StrEnum

from engine.model.origin import Origin


class Severity(StrEnum):
    """How much a finding weighs: an error rejects the document, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding. ``excerpt`` is the user's own line; ``mark`` is how many of its characters, from
    ``origin.column`` on, are meant (0: none). ``message`` is a sentence without a full stop at the end.
    """

    code: str
    severity: Severity
    message: str
    origin: Origin | None = None
    hint: str | None = None
    excerpt: str | None = None
    mark: int = 0

    def __str__(self) -> str:
        place = f"{self.origin}: " if self.origin else ""
        return f"{place}{self.severity} {self.code}: {self.message}"


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    """Order by file, line, column, code."""
    origin = diagnostic.origin or Origin("", 0, 0)
    return (origin.file, origin.line, origin.column, diagnostic.code)


def has_errors(diagnostics: "tuple[Diagnostic, ...] | list[Diagnostic]") -> bool:
    """True if any finding rejects the document."""
    return any(one.severity is Severity.ERROR for one in diagnostics)
