"""Events out of ``Export-Csv`` of Get-EventLog and Get-WinEvent, whatever the columns and the list separator."""

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from engine.evidence.events import EventMatcher, EventRecord
from engine.evidence.stamps import stamps

SEPARATORS = ",;\t|"
_ROWS_SHOWN = 5

csv.field_size_limit(4 * 1024 * 1024)

Problem = Callable[[int, str], None]


LONGEST_LINE = 4 * 1024 * 1024


def lines_of(pieces: Iterable[str]) -> Iterator[str]:
    """Lines with their ends, out of pieces; NUL characters dropped."""
    rest = ""
    for piece in pieces:
        rest += piece.replace("\x00", "")
        lines = rest.split("\n")
        rest = lines.pop()
        yield from (f"{one.rstrip(chr(13))}\n" for one in lines)
        if len(rest) > LONGEST_LINE:
            yield f"{rest}\n"
            rest = ""
    if rest:
        yield rest


def separator_of(header: str) -> str:
    """The list separator that gives the most columns."""
    return max(SEPARATORS, key=header.count)


class EventCsv:
    """One pass over one export. ``count`` is the number of rows."""

    IDS: ClassVar = ("eventid", "id", "instanceid", "event id")
    SOURCES: ClassVar = ("source", "providername", "provider")
    TIMES: ClassVar = ("timecreated", "timegenerated", "timewritten", "date and time")

    def __init__(self, matcher: EventMatcher, problem: Problem, offset_s: int | None) -> None:
        self._matcher = matcher
        self._problem = problem
        self._offset_s = offset_s
        self._bad = 0
        self.count = 0

    def records(self, pieces: Iterable[str]) -> Iterator[EventRecord]:
        """Events that a signature may know, in order."""
        lines = lines_of(pieces)
        skipped, header = 0, ""
        for line in lines:
            if line.strip() and not line.startswith("#TYPE"):
                header = line
                break
            skipped += 1
        if not header:
            self._problem(1, "there is no header line")
            return
        separator = separator_of(header)
        columns = [one.strip().lower() for one in next(csv.reader([header], delimiter=separator), [])]
        if not any(one in columns for one in self.IDS) or len(columns) < 2:  # noqa: PLR2004 - an id and something to match
            self._problem(skipped + 1, "the header names no column EventID, Id or InstanceId")
            return
        yield from self._rows(csv.reader(lines, delimiter=separator), columns, skipped + 1)

    def _rows(self, reader: Iterator[list[str]], columns: list[str], before: int) -> Iterator[EventRecord]:
        line = before
        while True:
            start = line + 1
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                self._bad_row(start, f"a row cannot be read: {error}")
                line = before + int(getattr(reader, "line_num", 0))
                continue
            line = before + int(getattr(reader, "line_num", 0))
            if not any(row) or columns == [one.strip().lower() for one in row]:
                continue
            if len(row) < len(columns):
                self._bad_row(start, f"a row has {len(row)} columns instead of {len(columns)}; it may be cut off")
            record = self._record(dict(zip(columns, row, strict=False)), row, start)
            if record is not None:
                yield record
        if self._bad > _ROWS_SHOWN:
            self._problem(line, f"{self._bad} rows in all cannot be read")

    def _record(self, row: dict[str, str], cells: list[str], line: int) -> EventRecord | None:
        self.count += 1
        identity = next((row[one] for one in self.IDS if row.get(one, "").strip()), "")
        try:
            event = int(identity.strip().replace("\xa0", "")) & 0xFFFF
        except ValueError:
            self._bad_row(line, f'a row has no event id, but "{identity[:40]}"')
            return None
        if not self._matcher.worth_reading(event, "\n".join(cells)):
            return None
        when = next((row[one] for one in self.TIMES if row.get(one, "").strip()), "")
        return EventRecord(
            event=event,
            source=next((row[one] for one in self.SOURCES if row.get(one, "").strip()), ""),
            message=row.get("message", "") or self._unnamed(row, cells),
            strings=tuple(cells),
            at=stamps(when, self._offset_s),
            line=line,
            computer=row.get("machinename") or None,
            log=row.get("logname") or row.get("log") or "",
        )

    @staticmethod
    def _unnamed(row: dict[str, str], cells: list[str]) -> str:
        """The event viewer names no column for the message: it stands behind the last one."""
        return "" if "message" in row else " ".join(cells[len(row) :])

    def _bad_row(self, line: int, why: str) -> None:
        self._bad += 1
        if self._bad <= _ROWS_SHOWN:
            self._problem(line, why)
