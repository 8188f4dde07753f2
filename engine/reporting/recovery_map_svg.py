"""The recovery map as a picture: rows on the left, in their order; runbooks on the right, in the order of the rows."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from engine.reporting.recovery_map import MapRow, MapRunbook, RecoveryMap, proof_words

WIDTH, LINE, PAD, GAP, TOP = 1360, 17, 9, 12, 56
LEFT, RIGHT = (20, 560), (760, 580)
"""Where each column begins, and how wide its boxes are."""
_CHARACTERS = {LEFT: 76, RIGHT: 76}
_STYLE = {"head": 'font-weight="bold"', "soft": 'fill="#555"', "stop": 'font-weight="bold" fill="#9b1c1c"', "text": ""}


@dataclass(frozen=True, slots=True)
class Text:
    """A line of a box before it is wrapped, and how it is set."""

    words: str
    style: str = "text"


def svg(found: RecoveryMap) -> str:
    """The whole picture, with a ground of its own."""
    parts: list[str] = []
    right = TOP
    middles: dict[str, int] = {}
    for runbook in found.led_to:
        drawn, middles[runbook.name], right = _box(RIGHT, right, list(_of_runbook(runbook)), "#f1f6f1", runbook)
        parts += drawn
    left = TOP
    lines: list[str] = []
    for row in found.rows:
        drawn, middle, left = _box(LEFT, left, list(_of_row(row)), "#f5f5f5", None)
        parts += drawn
        lines += [_way(middle, middles[name]) for name in row.runbooks if name in middles]
    at = max(left, right) + GAP
    for title, group in (("Before an upgrade", found.before), ("Run by others, or after them", found.others)):
        parts.append(f'<text x="{LEFT[0]}" y="{at + 18}" font-weight="bold">{escape(title)}</text>')
        drawn, at = _band(group, at + 30)
        parts += drawn
    heads = [
        f'<text x="{column[0]}" y="36" font-weight="bold">{words}</text>'
        for column, words in (
            (LEFT, "What the triage found (the first row that is true counts)"),
            (RIGHT, "Runbook, and its point of no return"),
        )
    ]
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {at + GAP}" width="{WIDTH}" height="{at + GAP}" '
        'font-family="sans-serif" font-size="13" fill="#111">'
    )
    return (
        "\n".join([frame, '<rect width="100%" height="100%" fill="white"/>', *heads, *lines, *parts, "</svg>"]) + "\n"
    )


def _of_row(row: MapRow) -> Iterator[Text]:
    yield Text(f"{row.id}  {row.title}", "head")
    yield Text("; ".join(row.phases), "soft")
    if not row.runbooks and row.next:
        yield Text(row.next)


def _of_runbook(runbook: MapRunbook) -> Iterator[Text]:
    yield Text(runbook.name, "head")
    yield Text(runbook.title)
    step = runbook.no_return
    if step is not None:
        yield Text(f"NO WAY BACK AFTER: {step.name}", "stop")
        yield Text(f"before it stand: {proof_words(step.requires)}")
    if runbook.runs:
        yield Text(f"runs {', '.join(runbook.runs)}", "soft")


def _band(group: tuple[MapRunbook, ...], top: int) -> tuple[list[str], int]:
    """Two columns of boxes."""
    parts: list[str] = []
    ends = [top, top]
    for number, runbook in enumerate(group):
        column = number % 2
        drawn, _, ends[column] = _box(
            (LEFT, RIGHT)[column], ends[column], list(_of_runbook(runbook)), "#f1f4f8", runbook
        )
        parts += drawn
    return parts, max(ends) + GAP


def _box(
    column: tuple[int, int], top: int, texts: list[Text], fill: str, runbook: MapRunbook | None
) -> tuple[list[str], int, int]:
    """A box, the height at which lines meet it, and where the next one may begin. A bar marks a point of no return."""
    x, wide = column
    lines = [
        (part, one.style)
        for one in texts
        for part in textwrap.wrap(one.words, _CHARACTERS[column], subsequent_indent="    ")
    ]
    height = len(lines) * LINE + PAD
    parts = [f'<rect x="{x}" y="{top}" width="{wide}" height="{height}" rx="5" fill="{fill}" stroke="#777"/>']
    if runbook is not None and runbook.no_return is not None:
        parts.append(f'<rect x="{x}" y="{top}" width="7" height="{height}" fill="#9b1c1c"/>')
    parts += [
        f'<text x="{x + 16}" y="{top + LINE * number + 17}" xml:space="preserve" {_STYLE[style]}>{escape(line)}</text>'
        for number, (line, style) in enumerate(lines)
    ]
    return parts, top + min(height, 2 * LINE) // 2 + 4, top + height + GAP


def _way(start: int, end: int) -> str:
    """A curve, so that lines which cross can be told apart."""
    x1, x2 = sum(LEFT), RIGHT[0]
    middle = (x1 + x2) // 2
    return (
        f'<path d="M{x1} {start} C{middle} {start} {middle} {end} {x2 - 7} {end}" stroke="#444" fill="none"/>'
        f'<path d="M{x2 - 9} {end - 4} L{x2} {end} L{x2 - 9} {end + 4} Z" fill="#444"/>'
    )
