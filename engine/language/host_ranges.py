"""Host names with ranges: ``web[01:03]`` stands for web01, web02, web03."""

import re

MOST_HOSTS = 10_000

_RANGE = re.compile(r"\[([0-9]+|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([1-9][0-9]{0,3}))?\]")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


def expand(written: str) -> tuple[str, ...] | str:
    """The names in order, or a sentence that says what is wrong."""
    names = [""]
    at = 0
    for found in _RANGE.finditer(written):
        steps = _steps(found)
        if isinstance(steps, str):
            return steps
        if len(names) * len(steps) > MOST_HOSTS:
            return f'"{written}" stands for more than {MOST_HOSTS} hosts'
        fixed = written[at : found.start()]
        names = [f"{name}{fixed}{step}" for name in names for step in steps]
        at = found.end()
    whole = tuple(name + written[at:] for name in names)
    if not all(_NAME.match(one) for one in whole):
        return f'"{written}" is not a host name'
    return whole


def _steps(found: re.Match[str]) -> list[str] | str:
    first, last, stride = found.group(1), found.group(2), int(found.group(3) or 1)
    if first.isdigit() and last.isdigit() and len(last) <= 9:  # noqa: PLR2004 - more digits than any estate needs
        numbers = range(int(first), int(last) + 1, stride)
        if len(numbers) > MOST_HOSTS:
            return f'"{found.group()}" stands for more than {MOST_HOSTS} hosts'
        return [str(one).zfill(len(first)) for one in numbers] or f'the range "{found.group()}" is empty'
    if first.isdigit() or last.isdigit():
        return f'the range "{found.group()}" mixes numbers and letters'
    letters = [chr(one) for one in range(ord(first), ord(last) + 1, stride)]
    return letters if letters and first.islower() == last.islower() else f'the range "{found.group()}" is empty'
