"""What the operators of an expression do with values: typed, bounded, without guessing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.language.failure import ExpressionFailed
from engine.model.secret import Secret

_LONGEST = 1024 * 1024


def is_number(value: Any) -> bool:
    """True for integers and fractions, not for booleans."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_list(value: Any) -> bool:
    """True for lists and tuples."""
    return isinstance(value, (list, tuple))


def text_of(value: Any) -> str:
    """A value inside a text: text, numbers and booleans only."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case Secret():
            raise ExpressionFailed("a secret cannot become part of a text", remedy="pass it alone, as its own argument")
        case None:
            raise ExpressionFailed(
                "nothing (null) cannot become part of a text", remedy="choose a text with: A if B else C"
            )
        case Mapping():
            raise ExpressionFailed("a mapping cannot become part of a text", remedy="name one of its fields")
    raise ExpressionFailed("a list cannot become part of a text", remedy="use the filter join(', ')")


def add(left: Any, right: Any) -> Any:
    """Numbers are added, texts and lists are joined."""
    if is_number(left) and is_number(right):
        return left + right
    if isinstance(left, str) and isinstance(right, str):
        return _bounded(left, right, left + right if len(left) + len(right) <= _LONGEST else "")
    if is_list(left) and is_list(right):
        return _bounded(left, right, [*left, *right] if len(left) + len(right) <= _LONGEST else [])
    raise ExpressionFailed("+ needs two numbers, two texts or two lists", remedy="join other values to a text with ~")


def _bounded(left: Sequence[Any], right: Sequence[Any], value: Any) -> Any:
    if len(left) + len(right) > _LONGEST:
        raise ExpressionFailed(f"the value is longer than {_LONGEST}")
    return value


def subtract(left: Any, right: Any) -> Any:
    """The difference of two numbers."""
    if is_number(left) and is_number(right):
        return left - right
    raise ExpressionFailed("- needs two numbers")


def _family(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    if isinstance(value, str):
        return "text"
    return "mapping" if isinstance(value, Mapping) else "list"


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": lambda left, right: left < right,
    "lteq": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "gteq": lambda left, right: left >= right,
}


def equal(left: Any, right: Any) -> bool:
    """Equality within one kind of value; None may be compared with anything."""
    kinds = {_family(left), _family(right)}
    if len(kinds) == 1:
        return bool(_normal(left) == _normal(right))
    if "nothing" in kinds:
        return False
    raise ExpressionFailed(f"a {_family(left)} is compared with a {_family(right)}, which can never be equal")


def _normal(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def compare(operator: str, left: Any, right: Any) -> bool:
    """One comparison by Jinja2's name of the operator."""
    match operator:
        case "eq":
            return equal(left, right)
        case "ne":
            return not equal(left, right)
        case "in":
            return contains(right, left)
        case "notin":
            return not contains(right, left)
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return _ORDER[operator](left, right)
    raise ExpressionFailed(
        f"a {_family(left)} and a {_family(right)} have no order", remedy="compare versions with older_than"
    )


def contains(whole: Any, part: Any) -> bool:
    """Text in text, key in mapping, item in list."""
    if isinstance(whole, str) and isinstance(part, str):
        return part in whole
    if isinstance(whole, Mapping) and isinstance(part, str):
        return part in whole
    if is_list(whole):
        return any(_family(item) == _family(part) and equal(item, part) for item in whole)
    raise ExpressionFailed(f"a {_family(part)} cannot be looked for in a {_family(whole)}")
