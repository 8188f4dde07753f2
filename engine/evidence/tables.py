"""Tables as the diagnostic tool leaves them: an empty first line, a type line, tables and then a query."""

import csv
from collections.abc import Callable

from engine.evidence.events_csv import lines_of, separator_of

Problem = Callable[[int, str], None]
_QUERY = "/*---"


def read_table(text: str, problem: Problem) -> list[tuple[int, dict[str, str]]]:
    """All rows of all tables with their line; column names in lower case. A file without a table is a problem."""
    rows: list[tuple[int, dict[str, str]]] = []
    columns: list[str] = []
    block: list[str] = []
    started = 1
    for number, line in enumerate([*lines_of([text]), "\n"], 1):
        if line.startswith(_QUERY):
            break
        if line.startswith("#TYPE"):
            continue
        if line.strip():
            if not block:
                started = number
            block.append(line)
        elif block:
            columns = _block(block, started, rows, problem) or columns
            block = []
    if block:
        columns = _block(block, started, rows, problem) or columns
    if not columns:
        problem(1, "there is no table in it")
    elif not rows:
        problem(1, "the table has no rows")
    return rows


def _block(lines: list[str], start: int, rows: list[tuple[int, dict[str, str]]], problem: Problem) -> list[str]:
    reader = csv.reader(lines, delimiter=separator_of(lines[0]))
    columns: list[str] = []
    try:
        before = 0
        for row in reader:
            if not columns:
                columns = [one.strip().lower() for one in row]
            elif len(row) != len(columns):
                problem(start + before, f"a row has {len(row)} columns instead of {len(columns)}")
            else:
                rows.append((start + before, dict(zip(columns, row, strict=True))))
            before = reader.line_num
    except csv.Error as error:
        problem(start, f"the table cannot be read: {error}")
    return columns
