"""Diagnostics of this room, built the same way everywhere: code, sentence, place, remedy."""

from collections.abc import Iterable

from engine.model.diagnostic import Diagnostic, Severity
from engine.model.origin import Origin


def error(code: str, message: str, origin: Origin | None = None, hint: str | None = None) -> Diagnostic:
    """A finding that rejects the document."""
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, origin=origin, hint=hint)


def warning(code: str, message: str, origin: Origin | None = None, hint: str | None = None) -> Diagnostic:
    """A finding that does not reject the document."""
    return Diagnostic(code=code, severity=Severity.WARNING, message=message, origin=origin, hint=hint)


def note(code: str, message: str, origin: Origin | None = None, hint: str | None = None) -> Diagnostic:
    """Something the reader of a plan wants to know."""
    return Diagnostic(code=code, severity=Severity.INFO, message=message, origin=origin, hint=hint)


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Names with commas; what is above ``limit`` is counted."""
    every = list(names)
    shown = ", ".join(every[:limit])
    return shown if len(every) <= limit else f"{shown} and {len(every) - limit} more"
