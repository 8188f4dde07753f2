"""The filters and tests of the language; each one pure, typed and no larger in its result than in what it reads."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.language.failure import ExpressionFailed
from engine.language.operators import add, contains, equal, is_list, is_number, text_of
from engine.language.versions import parse_version

_LONGEST = 1024 * 1024
_DIGITS = 18


def apply_filter(name: str, value: Any, arguments: list[Any]) -> Any:
    """``value | name(arguments)``."""
    return _FILTERS[name](value, *arguments)


def apply_test(name: str, value: Any, arguments: list[Any]) -> bool:
    """``value is name(arguments)``."""
    return _TESTS[name](value, *arguments)


def _text(value: Any, use: str) -> str:
    if not isinstance(value, str):
        raise ExpressionFailed(f"{use} needs a text")
    return value


def _list(value: Any, use: str, *, filled: bool = False) -> list[Any]:
    if not is_list(value):
        raise ExpressionFailed(f"{use} needs a list")
    if filled and not value:
        raise ExpressionFailed(f"{use} needs a list with at least one item")
    return list(value)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Mapping) else _list(value, "list")


def _length(value: Any) -> int:
    if isinstance(value, (str, Mapping)) or is_list(value):
        return len(value)
    raise ExpressionFailed("length needs a text, a list or a mapping")


def _join(value: Any, between: Any = "") -> str:
    parts = [text_of(one) for one in _list(value, "join")]
    joint = _text(between, "join")
    if sum(map(len, parts)) + len(joint) * len(parts) > _LONGEST:
        raise ExpressionFailed(f"the value is longer than {_LONGEST}")
    return joint.join(parts)


def _ordered(value: Any, use: str, *, filled: bool = False) -> list[Any]:
    items = _list(value, use, filled=filled)
    if all(is_number(one) for one in items) or all(isinstance(one, str) for one in items):
        return sorted(items)
    raise ExpressionFailed(f"{use} needs only numbers or only texts")


def _unique(value: Any) -> list[Any]:
    found: list[Any] = []
    for one in _list(value, "unique"):
        if not contains(found, one):
            found.append(one)
    return found


def _sum(value: Any) -> Any:
    total: Any = 0
    for one in _list(value, "sum"):
        total = add(total, one)
    return total


def _field(item: Any, name: Any) -> Any:
    for part in _text(name, "the attribute").split("."):
        if not isinstance(item, Mapping) or part not in item:
            raise ExpressionFailed(f'an item of the list has no "{name}"')
        item = item[part]
    return item


def _chosen(value: Any, test: str, arguments: tuple[Any, ...], field: str | None, *, keep: bool) -> list[Any]:
    items = _list(value, "select")
    subject = [item if field is None else _field(item, field) for item in items]
    return [item for item, one in zip(items, subject, strict=True) if apply_test(test, one, list(arguments)) is keep]


def _replace(value: Any, old: Any, new: Any) -> str:
    text, before, after = _text(value, "replace"), _text(old, "replace"), _text(new, "replace")
    if not before:
        raise ExpressionFailed("replace needs a text to look for")
    if text.count(before) * len(after) + len(text) > _LONGEST:
        raise ExpressionFailed(f"the value is longer than {_LONGEST}")
    return text.replace(before, after)


def _integer(value: Any) -> int:
    if is_number(value) and float(value).is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= _DIGITS:
        try:
            return int(value.strip())
        except ValueError:
            pass
    raise ExpressionFailed("int needs a whole number or a text of digits")


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "length": _length,
    "lower": lambda value: _text(value, "lower").lower(),
    "upper": lambda value: _text(value, "upper").upper(),
    "trim": lambda value: _text(value, "trim").strip(),
    "join": _join,
    "min": lambda value: _ordered(value, "min", filled=True)[0],
    "max": lambda value: _ordered(value, "max", filled=True)[-1],
    "sum": _sum,
    "sort": lambda value: _ordered(value, "sort"),
    "unique": _unique,
    "first": lambda value: _list(value, "first", filled=True)[0],
    "last": lambda value: _list(value, "last", filled=True)[-1],
    "map": lambda value, attribute: [_field(one, attribute) for one in _list(value, "map")],
    "select": lambda value, test, *rest: _chosen(value, test, rest, None, keep=True),
    "reject": lambda value, test, *rest: _chosen(value, test, rest, None, keep=False),
    "selectattr": lambda value, field, test, *rest: _chosen(value, test, rest, field, keep=True),
    "rejectattr": lambda value, field, test, *rest: _chosen(value, test, rest, field, keep=False),
    "replace": _replace,
    "int": _integer,
    "string": text_of,
    "list": _as_list,
}


def _versions(value: Any, other: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    for one in (value, other):
        version = parse_version(one) if isinstance(one, str) else None
        if version is None:
            shown = one if isinstance(one, str) else type(one).__name__
            raise ExpressionFailed(
                f'"{str(shown)[:40]}" is not a version', remedy='a version is text such as "7.5.2905.0"'
            )
        found.append(version)
    return found[0], found[1]


def _older(value: Any, other: Any) -> bool:
    left, right = _versions(value, other)
    return left < right


_TESTS: Mapping[str, Callable[..., bool]] = {
    "older_than": _older,
    "newer_than": lambda value, other: _older(other, value),
    "at_least_version": lambda value, other: not _older(value, other),
    "none": lambda value: value is None,
    "equalto": equal,
    "in": lambda value, whole: contains(whole, value),
    "startingwith": lambda value, start: _text(value, "startingwith").startswith(_text(start, "startingwith")),
    "endingwith": lambda value, end: _text(value, "endingwith").endswith(_text(end, "endingwith")),
}
