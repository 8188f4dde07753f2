"""Findings as people and programs read them: place, code, sentence, the user's own line with the part marked, hint."""

from collections.abc import Sequence

from engine.model.data import JsonMap
from engine.model.diagnostic import Diagnostic, Severity, sort_key
from engine.reporting.plain import masked_width, one_line, width
from engine.reporting.words import counted

_WINDOW = 100
_LEAD = 40


def render_diagnostics(diagnostics: Sequence[Diagnostic]) -> str:
    """All findings in the order of their places, and a last line that counts them; empty for no finding."""
    if not diagnostics:
        return ""
    parts = [diagnostic_text(one) for one in sorted(diagnostics, key=sort_key)]
    return "\n".join([*parts, _tally(diagnostics)])


def diagnostic_text(one: Diagnostic) -> str:
    """One finding, several lines."""
    place = f"{one_line(str(one.origin))}: " if one.origin else ""
    lines = [f"{place}{one.severity} {one.code}: {one_line(one.message)}", *_excerpt(one)]
    if one.hint:
        lines.append(f"   hint: {one_line(one.hint)}")
    return "\n".join(lines)


def diagnostics_json(diagnostics: Sequence[Diagnostic]) -> JsonMap:
    """All findings and how many reject the document."""
    return {
        "schema": "findings/v1",
        "errors": _count(diagnostics, Severity.ERROR),
        "warnings": _count(diagnostics, Severity.WARNING),
        "findings": [_plain(one) for one in sorted(diagnostics, key=sort_key)],
    }


def _plain(one: Diagnostic) -> JsonMap:
    origin = one.origin
    return {
        "code": one.code,
        "severity": one.severity.value,
        "message": one.message,
        "file": origin.file if origin else None,
        "line": origin.line if origin else None,
        "column": origin.column if origin else None,
        "excerpt": one.excerpt,
        "mark": one.mark,
        "hint": one.hint,
    }


def _excerpt(one: Diagnostic) -> list[str]:
    """The line with its number and the marks under it; a long line is cut around what is marked."""
    if one.excerpt is None or one.origin is None:
        return []
    text = masked_width(one.excerpt.rstrip("\r\n"))
    start = max(one.origin.column - 1, 0)
    left = max(start - _LEAD, 0) if len(text) > _WINDOW else 0
    shown = ("..." if left else "") + text[left : left + _WINDOW] + ("..." if left + _WINDOW < len(text) else "")
    number = f"{one.origin.line:>5}"
    lines = [f"{number} | {shown}".rstrip()]
    if one.mark:
        marked = text[start : min(start + one.mark, left + _WINDOW)]
        blanks = width(("..." if left else "") + text[left:start])
        lines.append(f"{'':>5} | {' ' * blanks}{'^' * max(width(marked), 1)}")
    return lines


def _count(diagnostics: Sequence[Diagnostic], severity: Severity) -> int:
    return sum(one.severity is severity for one in diagnostics)


def _tally(diagnostics: Sequence[Diagnostic]) -> str:
    errors, warnings = _count(diagnostics, Severity.ERROR), _count(diagnostics, Severity.WARNING)
    rest = len(diagnostics) - errors - warnings
    parts = [counted(errors, "error")] if errors else []
    parts += [counted(warnings, "warning")] if warnings else []
    parts += [counted(rest, "remark")] if rest else []
    code = min(diagnostics, key=lambda one: (one.severity is not Severity.ERROR, sort_key(one))).code
    return f"{', '.join(parts)}        runbook validate --explain {code}"
