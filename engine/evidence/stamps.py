"""Times as logs and exports write them, to epoch seconds. A time that can be read in two ways gives both."""

import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T _]{1,2}(\d\d):(\d\d)(?::(\d\d))?(?:[.,]\d{1,9})?\s?(Z|UTC|[+-]\d\d:?\d\d)?")
_CULTURE = re.compile(
    r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}),?\s+(\d{1,2})[:.](\d\d)(?:[:.](\d\d))?\s?([AaPp]\.?[Mm]\.?)?"
)
_NOON = 12


def stamps(text: str, offset_s: int | None) -> tuple[float, ...]:
    """The times the first date of the text may mean, if it has one. ``offset_s``: the site's offset from UTC."""
    match = _ISO.search(text[:400])
    if match:
        year, month, day, hour, minute = (int(one) for one in match.groups()[:5])
        zone = match.group(7)
        return _epochs(((year, month, day),), hour, minute, int(match.group(6) or 0), zone, offset_s)
    match = _CULTURE.search(text[:400])
    if not match:
        return ()
    first, second, year, hour, minute = (int(one) for one in match.groups()[:5])
    half = (match.group(7) or "").replace(".", "").lower()
    hour = hour % _NOON + (_NOON if half == "pm" else 0) if half else hour
    days = ((year, first, second), (year, second, first))
    return _epochs(days, hour, minute, int(match.group(6) or 0), None, offset_s)


def _epochs(
    days: tuple[tuple[int, int, int], ...], hour: int, minute: int, second: int, zone: str | None, offset_s: int | None
) -> tuple[float, ...]:
    found: set[float] = set()
    for year, month, day in days:
        try:
            naive = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
        for offset in _offsets(zone, offset_s):
            found.add(naive.timestamp() - offset)
    return tuple(sorted(found))


def _offsets(zone: str | None, offset_s: int | None) -> tuple[int, ...]:
    if zone in ("Z", "UTC"):
        return (0,)
    if zone:
        sign = -1 if zone[0] == "-" else 1
        digits = zone[1:].replace(":", "")
        return (sign * (int(digits[:2]) * 3600 + int(digits[2:]) * 60),)
    # Without a known offset any zone from UTC-12 to UTC+14 is possible.
    return (offset_s,) if offset_s is not None else (-12 * 3600, 14 * 3600)


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
