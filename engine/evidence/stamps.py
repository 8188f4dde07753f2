"""Times as logs and exports write them, to epoch seconds. A time that can be read in two ways gives both."""

import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T _]{1,2}(\d\d):(\d\d)(?::(\d\d))?(?:[.,]\d{1,9})?\s?(Z|UTC|[+-]\d\d:?\d\d)?")
_CLOCK = r"(?P<before>[^\W\d]{1,3}\.?\s?(?:[^\W\d]{1,2}\.?\s?)?)?(?P<h>\d{1,2})[:.](?P<m>\d\d)(?:[:.](?P<s>\d\d))?"
_HALF = r"(?:\s?(?P<half>[^\W\d]{1,3}\.?\s?(?:[^\W\d]{1,2}\.?)?))?"
# Day and month in either order, or the year first; the half of the day in any language, behind the time or before it.
_CULTURE = re.compile(rf"(?<!\d)(\d{{1,2}})[/.\-]\s?(\d{{1,2}})[/.\-]\s?(\d{{4}}|\d\d)(?!\d)\.?,?\s+{_CLOCK}{_HALF}")
_YEAR_FIRST = re.compile(rf"(?<!\d)(\d{{4}})[/.\-]\s?(\d{{1,2}})[/.\-]\s?(\d{{1,2}})(?!\d)\.?,?\s+{_CLOCK}{_HALF}")
_NOON = 12
_HOUR = 3600
_CENTURY = 100
_EARLY = 4


def stamps(text: str, offset_s: int | None) -> tuple[float, ...]:
    """The times the first date of the text may mean, if it has one. ``offset_s``: the site's offset from UTC."""
    match = _ISO.search(text[:400])
    if match:
        year, month, day, hour, minute = (int(one) for one in match.groups()[:5])
        zone = match.group(7)
        return _epochs(((year, month, day),), (hour,), minute, int(match.group(6) or 0), zone, offset_s)
    match = _YEAR_FIRST.search(text[:400])
    if match:
        year, month, day = (int(one) for one in match.groups()[:3])
        return _clock(match, ((year, month, day),), offset_s)
    match = _CULTURE.search(text[:400])
    if not match:
        return ()
    first, second, year = (int(one) for one in match.groups()[:3])
    year += 2000 if year < _CENTURY else 0
    return _clock(match, ((year, first, second), (year, second, first)), offset_s)


def _clock(match: re.Match[str], days: tuple[tuple[int, int, int], ...], offset_s: int | None) -> tuple[float, ...]:
    hour, minute, second = (int(match.group(name) or 0) for name in ("h", "m", "s"))
    return _epochs(days, _hours(hour, match), minute, second, None, offset_s)


def _hours(hour: int, match: re.Match[str]) -> tuple[int, ...]:
    """The hours it may mean: a word beside the time is the half of the day, in a language that may be unknown."""
    word = (match.group("half") or match.group("before") or "").replace(".", "").replace(" ", "").lower()
    word = "".join(one for one in word if not one.isspace())
    if not word or not 1 <= hour <= _NOON:
        return (hour,)
    first = hour % _NOON
    return {"am": (first,), "pm": (first + _NOON,)}.get(word, (hour, first, first + _NOON))


def _epochs(
    days: tuple[tuple[int, int, int], ...],
    hours: tuple[int, ...],
    minute: int,
    second: int,
    zone: str | None,
    offset_s: int | None,
) -> tuple[float, ...]:
    found: set[float] = set()
    for (year, month, day), hour in product(days, hours):
        try:
            naive = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
        for offset in _offsets(zone, offset_s, hour):
            found.add(naive.timestamp() - offset)
    return tuple(sorted(found))


def _offsets(zone: str | None, offset_s: int | None, hour: int) -> tuple[int, ...]:
    if zone in ("Z", "UTC"):
        return (0,)
    if zone:
        sign = -1 if zone[0] == "-" else 1
        digits = zone[1:].replace(":", "")
        return (sign * (int(digits[:2]) * _HOUR + int(digits[2:]) * 60),)
    # Without a known offset any zone from UTC-12 to UTC+14 is possible.
    if offset_s is None:
        return (-12 * _HOUR, 14 * _HOUR)
    # Clocks are set back and forth in the small hours: what was written then may be an hour off, in either direction.
    return (offset_s - _HOUR, offset_s, offset_s + _HOUR) if hour < _EARLY else (offset_s,)


def moment(text: str) -> tuple[float, int | None] | None:
    """One time written by a person: epoch seconds and its offset in seconds (None: none written, UTC assumed)."""
    clean = text.strip().replace("Z", "+00:00") if text.strip().endswith("Z") else text.strip()
    clean = re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", clean)
    try:
        when = datetime.fromisoformat(clean)
    except ValueError:
        return None
    offset = when.utcoffset()
    try:
        return (
            when.replace(tzinfo=when.tzinfo or UTC).timestamp(),
            None if offset is None else int(offset / timedelta(seconds=1)),
        )
    except (ValueError, OverflowError):
        return None


def iso(epoch: float, offset_s: int = 0) -> str:
    """ISO 8601 with the offset."""
    return datetime.fromtimestamp(epoch, timezone(timedelta(seconds=offset_s))).isoformat(timespec="seconds")
