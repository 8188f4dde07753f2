"""A triage as a screen and as JSON. Pure; the width is given, colour only supports words that stand there anyway."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace

from engine.model.data import JsonMap
from engine.model.triage import Missing, Sighting, TriageResult, Weight

_LABEL = 12
_MOST = 12
_FEWEST = 3
_GAP = 3
_TEXT = 180
_COMPARED = ("binaries", "databases")
_WEIGHTS = (
    (Weight.ALONE, "could change the verdict"),
    (Weight.TOGETHER, "could change the verdict together with other missing evidence"),
    (Weight.NEVER, "would not change the verdict"),
    (None, "not weighed"),
)


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
        "possible": list(result.possible),
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
    lines = [*_head(result, width), ""]
    lines += _sided("Verdict", result.title, f"row {result.row} of the decision table", width)
    if result.suspected:
        lines += _block("", f"suspected: {_phase(result, result.suspected)}", width)
    lines += [*_block("", result.meaning, width), ""]
    lines += _deciding(result, width)
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


def _head(result: TriageResult, width: int) -> list[str]:
    upgrade, counts = result.upgrade, result.counts
    versions = f" {upgrade.from_version or '(unknown)'} to {upgrade.to_version or '(unknown)'}"
    named = versions if upgrade.from_version or upgrade.to_version else ""
    read = f"{_count(counts.hosts, 'host')}, {_count(counts.files, 'file')}, {_count(counts.events, 'event')} read"
    return _apart(f"Failed upgrade of Service Manager{named}", f"evidence: {read}", width)


def _apart(left: str, right: str, width: int) -> list[str]:
    """Two texts on one line, left and right, or below each other where the line is too short."""
    room = width - len(left) - len(right)
    return [f"{left}{' ' * room}{right}"] if room > _GAP else [left, right]


def _sided(label: str, text: str, aside: str, width: int) -> list[str]:
    first = f"  {label:<{_LABEL - 2}}{text}"
    if width - len(first) - len(aside) > _GAP:
        return _apart(first, aside, width)
    return [*_block(label, text, width), *_block("", aside, width)]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _phase(result: TriageResult, name: str) -> str:
    return result.titles.get(name, name.replace("-", " "))


def _block(label: str, text: str, width: int, indent: int = 0) -> list[str]:
    space = " " * indent
    filled = textwrap.wrap(text, width - _LABEL - indent, break_on_hyphens=False) or [""]
    return [f"  {label if index == 0 else '':<{_LABEL - 2}}{space}{one}" for index, one in enumerate(filled)]


def _deciding(result: TriageResult, width: int) -> Iterator[str]:
    """Of an undetermined answer: which phases are possible, and what would decide between them."""
    if result.possible:
        phases = "; ".join(_phase(result, one) for one in result.possible)
        yield from _block("Possible", phases, width)
    found = result.deciding
    if found is None:
        if result.verdict == "undetermined":
            yield from _block("Decides", "nothing that is missing would decide it; a person has to", width)
            yield ""
        return
    names = " and ".join(found.pieces)
    surely = "" if found.surely else " (may decide, by what it says)"
    yield from _block("Decides", f"{names}{surely}", width)
    for one in found.outcomes:
        leads = f"{_phase(result, one.verdict)}, row {one.row}"
        if one.verdict == "undetermined" and one.suspected:
            leads += f", suspected {_phase(result, one.suspected)}"
        yield from _block("", f"{one.says} -> {leads}", width, 2)
    yield ""


def _side(label: str, seen: tuple[Sighting, ...], width: int) -> Iterator[str]:
    """The last line of each signature in each file, and how many are like it; the file holds the rest."""
    if not seen:
        yield from _block(label, "nothing found", width)
    alike: dict[tuple[str, str | None, str | None, bool], list[Sighting]] = {}
    for one in sorted(seen, key=lambda one: one.signature in _COMPARED):
        text = one.text if one.file is None or one.line is None else ""
        key = (f"{one.signature} {text}", one.host, one.file, bool(one.superseded))
        alike.setdefault(key, []).append(one)
    for index, same in enumerate(list(alike.values())[:_MOST]):
        yield from _told(label if index == 0 else "", same, width)
    if len(alike) > _MOST:
        yield from _block("", f"and {len(alike) - _MOST} more (see --json)", width)


def _told(label: str, same: list[Sighting], width: int) -> Iterator[str]:
    one = same[0]
    where = "  ".join(part for part in (one.host, _place(one)) if part)
    more = f"  and {_count(len(same) - 1, 'line')} like it" if len(same) > 1 else ""
    late = f" (does not count: {one.superseded})" if one.superseded else ""
    if where:
        yield from _block(label, f"{where}{more}", width)
    text = f"{textwrap.shorten(one.text, _TEXT, placeholder=' ...') if one.line else one.text}{late}"
    yield from _block("" if where else label, text, width, 2 if where else 0)


def _place(one: Sighting) -> str:
    """The file and line; without the folder of the host, which is named beside it."""
    if not one.file:
        return ""
    folder = f"hosts/{one.host}/"
    before, found, after = one.file.partition(folder)
    name = f"{before}{after}" if found else one.file
    return f"{name}{f':{one.line}' if one.line else ''}"


def _missing(missing: Iterable[Missing], width: int) -> Iterator[str]:
    """What is missing, under what it could do to the verdict, the gravest first."""
    listed = list(_together(missing))
    if not listed:
        yield from _block("Missing", "nothing", width)
    label, left = "Missing", _MOST
    for weight, heading in _WEIGHTS:
        same = [one for one in listed if one.weight is weight]
        if not same:
            continue
        yield from _block(label, f"{heading}:", width)
        label = ""
        for one in same[:left]:
            yield from _block("", one.text, width, 2)
        if len(same) > left:
            yield from _block("", f"and {len(same) - left} more (see --json)", width, 2)
        left = max(_FEWEST, left - len(same))


def _together(missing: Iterable[Missing]) -> Iterator[Missing]:
    """What is missing of one host for one reason, as one."""
    alike: dict[tuple[object, ...], list[Missing]] = {}
    for one in missing:
        alike.setdefault((one.host, one.file, one.line, one.why, one.weight), []).append(one)
    for same in alike.values():
        yield replace(same[0], what=", ".join(dict.fromkeys(one.what for one in same)))


def _exits(result: TriageResult) -> str:
    if result.verdict == "setup-running":
        return "not to be decided while setup is running"
    if result.no_longer_possible:
        left = [one for one in ("retry", "undo", "restore") if one not in result.no_longer_possible]
        return f"no longer possible: {', '.join(result.no_longer_possible)}; left: {', '.join(left) or 'none'}"
    if result.verdict == "undetermined":
        return "not known until the phase is known; change nothing before that"
    return "retry, undo and restore are still possible: nothing permanent was changed"
