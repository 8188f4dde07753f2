"""Times, durations, sizes and counts in the words people use."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from engine.model.report import ReportBaseline
from engine.model.status import RunStatus, Status

FORESEEN = "as foreseen"
"""What is added to a status that the runbook expects: it goes on with another step, or the failure is a finding."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SHORT = 10

STATUS_WORDS = {
    Status.FAILED: "FAILED",
    Status.UNREACHABLE: "UNREACHABLE",
    Status.BLOCKED: "BLOCKED",
    Status.IN_DOUBT: "IN DOUBT",
}
"""Statuses that need a person stand in capitals; all others as they are."""

RUN_WORDS = {
    RunStatus.DONE.value: "done",
    RunStatus.PARKED.value: "waiting for a person",
    RunStatus.FAILED.value: "FAILED",
    RunStatus.REFUSED.value: "REFUSED",
    RunStatus.IN_DOUBT.value: "IN DOUBT",
    RunStatus.INTERRUPTED.value: "interrupted",
}


def status_word(status: Status) -> str:
    """The status as every screen shows it."""
    return STATUS_WORDS.get(status, status.value)


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``4 min 10 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < _SHORT:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    for size, upper, lower, part in ((_DAY, "d", "h", _HOUR), (_HOUR, "h", "min", _MINUTE), (_MINUTE, "min", "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {upper}" + (f" {rest} {lower}" if rest else "")
    return f"{whole} s"


def clock_time(seconds: float) -> str:
    """An elapsed time as ``00:03:12``."""
    whole = max(int(seconds), 0)
    return f"{whole // _HOUR:02}:{whole % _HOUR // _MINUTE:02}:{whole % _MINUTE:02}"


def local(at: float) -> datetime:
    """Epoch seconds in the local zone."""
    return datetime.fromtimestamp(at, UTC).astimezone()


def offset(at: float) -> str:
    """The local zone's offset then, such as ``+01:00``."""
    text = local(at).strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def moment(at: float, *, seconds: bool = False) -> str:
    """Local date and time with offset: ``2013-02-02 18:04 +01:00``."""
    shape = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
    return f"{local(at).strftime(shape)} {offset(at)}"


def size(count: int) -> str:
    """Bytes in binary units: ``512 B``, ``3.4 KiB``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:  # noqa: PLR2004 - what a binary unit is
            return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(items) < 2:  # noqa: PLR2004 - no list
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def short_digest(digest: str) -> str:
    """The first eight characters in two groups, enough to compare by eye: ``3f9a-77c1``."""
    return f"{digest[:4]}-{digest[4:8]}" if len(digest) > 8 else digest  # noqa: PLR2004 - two groups of four


def baseline_words(one: ReportBaseline) -> str:
    """Who recorded the baseline and who signed it."""
    parts = [f"recorded {one.recorded_at}" + (f" by {one.recorded_by}" if one.recorded_by else "")]
    parts = parts if one.recorded_at else []
    parts += [f"signed {one.signed_at} with the key {one.signed_by[:16]}" if one.signed_by else "signed by nobody"]
    return ", ".join(parts)


def json_text(value: object) -> str:
    """JSON for standard output: two blanks of indentation, ASCII only, so that no terminal obeys it."""
    return json.dumps(value, indent=2, ensure_ascii=True)
