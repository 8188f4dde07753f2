"""The recovery map as a picture, in the shape of a sheet of paper laid across: rows on the left, in their order; the
runbooks they lead to in the middle; on the right what is run before an upgrade, and by others or after them.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from engine.reporting.recovery_map import MapRow, MapRunbook, RecoveryMap, proof_words

WIDTH, LINE, PAD, GAP, TOP = 1520, 17, 9, 12, 80
LEFT, MIDDLE, RIGHT = (20, 430), (570, 470), (1070, 430)
"""Where each column begins, and how wide its boxes are."""
_LETTER, _BOLD = 7.0, 8.2
"""How wide a character is at most on average, in the widest of the usual fonts."""
_STYLE = {"head": 'font-weight="bold"', "soft": 'fill="#555"', "stop": 'font-weight="bold" fill="#9b1c1c"', "text": ""}


@dataclass(frozen=True, slots=True)
class Text:
    """A line of a box before it is wrapped, and how it is set."""

    words: str
    style: str = "text"


def svg(found: RecoveryMap) -> str:
    """The whole picture, with a ground of its own."""
    runbooks, middles, middle_end = _column(MIDDLE, TOP, found.led_to)
    rows, left_end = _rows(found.rows, middles)
    bands, right_end = _bands(found)
    high = max(left_end, middle_end, right_end) + GAP
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {high}" width="{WIDTH}" height="{high}" '
        'font-family="sans-serif" font-size="13" fill="#111">'
    )
    ground = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([frame, ground, *_heads(), *rows, *runbooks, *bands, "</svg>"]) + "\n"


def _heads() -> Iterator[str]:
    yield _heading(LEFT, 30, "What the triage found")
    yield f'<text x="{LEFT[0]}" y="50">The first row that is true counts. A broken line leads to one of several:</text>'
    yield f'<text x="{LEFT[0]}" y="67">what was changed decides.</text>'
    yield _heading(MIDDLE, 30, "Runbook, and its point of no return")
    yield f'<text x="{MIDDLE[0]}" y="50">A bar on the left: something that it does cannot be taken back.</text>'


def _heading(column: tuple[int, int], y: int, words: str) -> str:
    return f'<text x="{column[0]}" y="{y}" font-weight="bold" font-size="15">{escape(words)}</text>'


def _rows(rows: tuple[MapRow, ...], middles: dict[str, int]) -> tuple[list[str], int]:
    """The rows and the ways from them; ways first, so that no box is crossed."""
    boxes: list[str] = []
    ways: list[str] = []
    at = TOP
    for row in rows:
        drawn, middle, at = _box(LEFT, at, list(_of_row(row)), "#f5f5f5", None)
        boxes += drawn
        ways += [
            _way(middle, middles[name], one_of_several=len(row.runbooks) > 1)
            for name in row.runbooks
            if name in middles
        ]
    return ways + boxes, at


def _bands(found: RecoveryMap) -> tuple[list[str], int]:
    """What no row leads to, under headings."""
    parts: list[str] = []
    at = 30
    for title, group in (
        ("Before an upgrade", found.before),
        ("In place of these, run by them, or after them", found.others),
    ):
        drawn, _, end = _column(RIGHT, at + GAP, group)
        parts += [_heading(RIGHT, at, title), *drawn]
        at = end + 2 * GAP
    return parts, at - 2 * GAP


def _column(column: tuple[int, int], top: int, group: tuple[MapRunbook, ...]) -> tuple[list[str], dict[str, int], int]:
    """Runbooks one under the other, where a way meets each, and where the next box may begin."""
    parts: list[str] = []
    middles: dict[str, int] = {}
    for runbook in group:
        drawn, middles[runbook.name], top = _box(column, top, list(_of_runbook(runbook)), "#f1f6f1", runbook)
        parts += drawn
    return parts, middles, top


def _of_row(row: MapRow) -> Iterator[Text]:
    yield Text(f"{row.id}  {row.title}", "head")
    if row.phases != (row.title,):
        yield Text("; ".join(row.phases), "soft")
    if not row.runbooks:
        yield Text(row.todo)


def _of_runbook(runbook: MapRunbook) -> Iterator[Text]:
    yield Text(runbook.name, "head")
    yield Text(runbook.title)
    step = runbook.no_return
    if step is not None:
        yield Text(f"NO WAY BACK AFTER: {step.name}", "stop")
        yield Text(f"before it stand: {proof_words(step.requires)}")
    if runbook.runs:
        yield Text(f"runs {', '.join(runbook.runs)}", "soft")
    if runbook.see:
        yield Text(f"see also {', '.join(runbook.see)}", "soft")


def _box(
    column: tuple[int, int], top: int, texts: list[Text], fill: str, runbook: MapRunbook | None
) -> tuple[list[str], int, int]:
    """A box, the height at which lines meet it, and where the next one may begin. A bar marks a point of no return."""
    x, wide = column
    lines = [
        (part, one.style)
        for one in texts
        for part in textwrap.wrap(one.words, _characters(wide, one.style), subsequent_indent="    ")
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


def _characters(wide: int, style: str) -> int:
    """How many characters fit into a line of a box."""
    return int((wide - 26) / (_BOLD if style in ("head", "stop") else _LETTER))


def _way(start: int, end: int, *, one_of_several: bool) -> str:
    """A curve, so that lines which cross can be told apart; a broken one where it is one of several."""
    x1, x2 = sum(LEFT), MIDDLE[0]
    middle = (x1 + x2) // 2
    broken = ' stroke-dasharray="6 4"' if one_of_several else ""
    return (
        f'<path d="M{x1} {start} C{middle} {start} {middle} {end} {x2 - 7} {end}" stroke="#333"{broken} fill="none"/>'
        f'<path d="M{x2 - 9} {end - 4} L{x2} {end} L{x2 - 9} {end + 4} Z" fill="#333"/>'
    )
