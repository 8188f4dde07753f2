"""The map of all recovery ways as Markdown and SVG: symptom, phase, runbook, and the point of no return."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LINE, PAD = 1180, 17, 10
LEFT, MIDDLE, RIGHT = (20, 440), (500, 270), (810, 350)
"""Where each column begins, and how wide its boxes are."""
COLUMN_CHARACTERS = {LEFT: 58, MIDDLE: 34, RIGHT: 45}


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRow:
    """A row of the decision table."""

    id: str
    title: str
    phase: str
    runbook: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapStep:
    """A step: what it may do, and the proofs that must stand before it."""

    id: str
    name: str
    effect: str
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunbook:
    """A runbook with its steps in order."""

    name: str
    title: str
    steps: tuple[MapStep, ...]

    @property
    def no_return(self) -> MapStep | None:
        """The first step that nothing takes back."""
        return next((one for one in self.steps if one.effect == "permanent"), None)

    @property
    def gated(self) -> tuple[MapStep, ...]:
        """The steps that need proofs."""
        return tuple(one for one in self.steps if one.requires)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryMap:
    """Rows of the triage in order, and the runbooks by name."""

    rows: tuple[MapRow, ...]
    runbooks: tuple[MapRunbook, ...]


def _return_words(runbook: MapRunbook) -> str:
    step = runbook.no_return
    return f"Point of no return: {step.id} ({step.name})" if step else "No step is permanent by itself"


def markdown(found: RecoveryMap) -> str:
    """The map as text."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: RecoveryMap) -> Iterator[str]:
    yield "# Recovery map"
    yield ""
    yield "Made from the triage and the runbooks by `python -m engine.app.recovery_map docs`; a test keeps it so."
    yield ""
    yield "![Recovery map](recovery-map.svg)"
    yield ""
    yield "## What leads where"
    yield ""
    yield "The first row that is certainly true is the answer."
    yield ""
    yield "| row | what was found | phase | runbook |"
    yield "| --- | --- | --- | --- |"
    for row in found.rows:
        yield f"| {row.id} | {row.title} | {row.phase} | {row.runbook or 'none'} |"
    for runbook in found.runbooks:
        yield ""
        yield f"## {runbook.name}"
        yield ""
        yield f"{runbook.title}. {_return_words(runbook)}."
        yield ""
        yield "| step | what it does | effect | proofs that stand before it |"
        yield "| --- | --- | --- | --- |"
        for step in runbook.steps:
            proofs = ", ".join(f"`{one}`" for one in step.requires)
            yield f"| `{step.id}` | {step.name} | {step.effect} | {proofs or 'none'} |"


def svg(found: RecoveryMap) -> str:
    """The map as a picture: found, phase, runbook, from left to right."""
    parts, where, y = [], {}, 50
    for runbook in found.runbooks:
        gates = [f"{one.id}: {', '.join(one.requires)}" for one in runbook.gated]
        lines = [runbook.name, _return_words(runbook), *gates]
        box, middle, y = _box(RIGHT, y, lines, "#eaf3ea")
        parts.append(box)
        where[runbook.name] = middle
    bottom, y = y, 50
    for row in found.rows:
        begin = y
        box, middle, y = _box(LEFT, begin, [f"{row.id}  {row.title}"], "#f4f4f4")
        phase, _, end = _box(MIDDLE, begin, [row.phase], "#e8eef7")
        y = max(y, end)
        parts += [box, phase, _line(sum(LEFT), middle, MIDDLE[0], middle)]
        if row.runbook in where:
            parts.append(_line(sum(MIDDLE), middle, RIGHT[0], where[row.runbook]))
    heads = zip((LEFT, MIDDLE, RIGHT), ("What was found", "Phase", "Runbook, and its gates"), strict=True)
    titles = [f'<text x="{column[0]}" y="32" font-weight="bold">{text}</text>' for column, text in heads]
    height = max(y, bottom) + PAD
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *titles, *parts, "</svg>"]) + "\n"


def _box(column: tuple[int, int], y: int, texts: list[str], fill: str) -> tuple[str, int, int]:
    """A box with wrapped text; its place for a line, and where the next one may begin."""
    x, wide = column
    lines = [line for text in texts for line in textwrap.wrap(text, COLUMN_CHARACTERS[column], subsequent_indent="  ")]
    height = len(lines) * LINE + PAD
    rows = "".join(
        f'<text x="{x + 8}" y="{y + LINE * number + 18}">{escape(line)}</text>' for number, line in enumerate(lines)
    )
    box = f'<rect x="{x}" y="{y}" width="{wide}" height="{height}" rx="5" fill="{fill}" stroke="#888"/>{rows}'
    return box, y + min(height, LINE + PAD) // 2, y + height + PAD


def _line(x1: int, y1: int, x2: int, y2: int) -> str:
    return f'<path d="M{x1} {y1} L{x2} {y2}" stroke="#555" fill="none"/>'
