"""Dotted version numbers, compared number by number."""

import re

_VERSION = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10}){0,7}\Z")


def parse_version(text: str) -> tuple[int, ...] | None:
    """``7.5.2905.0`` as numbers; None if it is no version. Trailing zeros do not count: 7.5 equals 7.5.0.0."""
    if not _VERSION.match(text):
        return None
    numbers = [int(one) for one in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
