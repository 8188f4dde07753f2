"""A triage as a screen and as JSON. Pure; the width is given, colour only supports words that stand there anyway."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from engine.model.data import JsonMap
from engine.model.triage import Missing, Sighting, TriageResult

_LABEL = 12
_MOST = 12


def triage_json(result: TriageResult) -> JsonMap:
    """The answer as data, schema ``triage-result/v1``."""
    return {
        "schema": "triage-result/v1",
        "verdict": result.verdict,
        "suspected": result.suspected,
        "row": result.row,
        "runbook": result.runbook,
        "title": result.title,
        "meaning": result.meaning,
        "supporting": [_seen(one) for one in result.supporting],
        "contradicting": [_seen(one) for one in result.contradicting],
        "noted": [_seen(one) for one in result.noted],
        "missing": [_absent(one) for one in result.missing],
        "deciding": asdict(result.deciding) if result.deciding else None,
        "no_longer_possible": list(result.no_longer_possible),
        "next": list(result.next),
        "evidence": asdict(result.counts),
    }


def _seen(one: Sighting) -> JsonMap:
    text = f"{one.text} (does not count: {one.superseded})" if one.superseded else one.text
    return {"signature": one.signature, "host": one.host, "file": one.file, "line": one.line, "text": text}


def _absent(one: Missing) -> JsonMap:
    return {
        "what": one.what, "host": one.host, "file": one.file, "line": one.line, "why": one.why, "text": one.text,
        "could_change_verdict": one.weight.value if one.weight else None,
    }  # fmt: skip


def triage_text(result: TriageResult, width: int = 80) -> str:
    """The screen: what is true, what it means, what to do next."""
    width = max(60, min(width, 120))
    lines = [_head(result), ""]
    lines += _block("Verdict", f"{result.title}   (row {result.row} of the decision table)", width)
    if result.suspected:
        lines += _block("", f"suspected: {result.suspected.replace('-', ' ')}", width)
    lines += [*_block("", result.meaning, width), ""]
    lines += _side("For", result.supporting, width)
    lines += _side("Against", result.contradicting, width)
    if result.noted:
        lines += _side("Also seen", result.noted, width)
    lines += [*_missing(result.missing, width), ""]
    lines += _block("Exits", _exits(result), width)
    for index, sentence in enumerate(result.next):
        label = "Next" if index == 0 else ""
        # A command is kept on one line, so that it can be copied.
        command = sentence.startswith("runbook ")
        lines += [f"  {label:<{_LABEL - 2}}{sentence}"] if command else _block(label, sentence, width)
    return "\n".join(one.rstrip() for one in lines)


def _head(result: TriageResult) -> str:
    upgrade, counts = result.upgrade, result.counts
    versions = f" {upgrade.from_version or '(unknown)'} to {upgrade.to_version or '(unknown)'}"
    named = versions if upgrade.from_version or upgrade.to_version else ""
    read = f"{_count(counts.hosts, 'host')}, {_count(counts.files, 'file')}, {_count(counts.events, 'event')} read"
    return f"Failed upgrade of Service Manager{named}\nevidence: {read}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _block(label: str, text: str, width: int) -> list[str]:
    filled = textwrap.wrap(text, width - _LABEL, break_on_hyphens=False) or [""]
    return [f"  {label if index == 0 else '':<{_LABEL - 2}}{one}" for index, one in enumerate(filled)]


def _side(label: str, seen: tuple[Sighting, ...], width: int) -> Iterator[str]:
    if not seen:
        yield from _block(label, "nothing found", width)
    for index, one in enumerate(seen[:_MOST]):
        yield from _block(label if index == 0 else "", _told(one), width)
    if len(seen) > _MOST:
        yield from _block("", f"and {len(seen) - _MOST} more (see --json)", width)


def _told(one: Sighting) -> str:
    place = f"{one.file}{f':{one.line}' if one.line else ''}" if one.file else ""
    where = "  ".join(part for part in (one.host, place) if part)
    late = f" (does not count: {one.superseded})" if one.superseded else ""
    return f"{f'{where}  ' if where else ''}{one.text}{late}"


def _missing(missing: Iterable[Missing], width: int) -> Iterator[str]:
    listed = list(missing)
    if not listed:
        yield from _block("Missing", "nothing", width)
    for index, one in enumerate(listed[:_MOST]):
        yield from _block("Missing" if index == 0 else "", one.text, width)
    if len(listed) > _MOST:
        yield from _block("", f"and {len(listed) - _MOST} more (see --json)", width)


def _exits(result: TriageResult) -> str:
    if result.verdict == "setup-running":
        return "not to be decided while setup is running"
    if result.no_longer_possible:
        left = [one for one in ("retry", "undo", "restore") if one not in result.no_longer_possible]
        return f"no longer possible: {', '.join(result.no_longer_possible)}; left: {', '.join(left) or 'none'}"
    if result.verdict == "undetermined":
        return "not known until the phase is known; change nothing before that"
    return "retry, undo and restore are still possible: nothing permanent was changed"
