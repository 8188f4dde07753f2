"""Durations as people write them, to seconds."""

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+\Z")
LONGEST_S = 366 * 86400.0


def parse_duration(value: "str | float") -> float | None:
    """Seconds of ``30s``, ``5m``, ``1h30m``, ``250ms``, ``1d`` or of a number; None if it is no duration.

    Units go from large to small and come once each; more than a year is taken for a mistake.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if 0 <= value <= LONGEST_S else None
    text = value.strip().lower()
    if not _WHOLE.match(text):
        return None
    parts = _PART.findall(text)
    sizes = [_UNITS[unit] for _, unit in parts]
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    descending = sizes == sorted(set(sizes), reverse=True)
    return total if descending and total <= LONGEST_S else None
