"""Does a value fit a schema, where parts of the value are not known yet? A ``Template`` fits wherever a value may be.
So does a ``Secret``: no finding may show it, and the actions say themselves where none may be.

The keywords of JSON Schema 2020-12 that actions and parameters use. For a value fully known the answer is that of
a full validator (held by a test). Findings are sentences for people, with the path of the part meant.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.language.nearest import did_you_mean
from engine.model.expression import Template
from engine.model.secret import Secret
from engine.planning.findings import listed

ANNOTATIONS = frozenset(
    {
        "title",
        "description",
        "examples",
        "default",
        "deprecated",
        "$comment",
        "format",
        "readOnly",
        "writeOnly",
        "$defs",
    }
)
_NAMESPACE = re.compile(r"(?<![\w.])(?:params|host|facts|steps|run)\.[a-z]")
_SHOWN = 60
_TYPES: Mapping[str, str] = {
    "null": "nothing",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One reason why a value does not fit; ``path`` leads to the part, of which only the key is meant if ``is_key``."""

    path: tuple[str | int, ...]
    message: str
    hint: str | None = None
    is_key: bool = False

    @property
    def place(self) -> str:
        """The path as people write it."""
        return ".".join(str(part) for part in self.path)


Path = tuple[str | int, ...]
_Check = Callable[[Any, Any, Mapping[str, Any], Path], Iterator[Misfit]]


def misfits(value: Any, schema: Any, path: Path = ()) -> Iterator[Misfit]:
    """Every reason why ``value`` cannot fit ``schema``, whatever its unknown parts turn out to be."""
    if isinstance(value, (Template, Secret)) or schema is True:
        return
    if schema is False:
        yield Misfit(path, "nothing is allowed here")
        return
    for keyword, check in _CHECKS.items():
        if keyword in schema:
            yield from check(value, schema[keyword], schema, path)


def keywords() -> frozenset[str]:
    """The keywords that are understood; a schema with another one would be read too kindly."""
    return ANNOTATIONS | frozenset(_CHECKS) | {"then", "else"}


def is_known(value: Any) -> bool:
    """True if no part of the value is still to come."""
    if isinstance(value, (Template, Secret)):
        return False
    if isinstance(value, Mapping):
        return all(is_known(item) for item in value.values())
    return all(is_known(item) for item in value) if _is_list(value) else True


def shown(value: Any) -> str:
    """A value as it would be written, short."""
    text = json.dumps(value, ensure_ascii=False, default=_written)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _written(value: Any) -> Any:
    if isinstance(value, Secret):
        return str(value)
    return value.text if isinstance(value, Template) else dict(value)


def kind_of(value: Any) -> str:
    """The JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case Mapping():
            return "object"
    return "array"


# --- one function a keyword -----------------------------------------------------------------------------


def _type(value: Any, wanted: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    kind = kind_of(value)
    if kind in names or (kind == "integer" and "number" in names):
        return
    hint = "an expression in an argument stands in braces: '{{ ... }}'" if _reads_like_an_expression(value) else None
    yield Misfit(path, f"{shown(value)} is not {' or '.join(_TYPES[name] for name in names)}", hint)


def _reads_like_an_expression(value: Any) -> bool:
    return isinstance(value, str) and _NAMESPACE.search(value) is not None


def _enum(value: Any, allowed: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if is_known(value) and not any(_same(value, one) for one in allowed):
        hint = did_you_mean(value, [one for one in allowed if isinstance(one, str)]) if isinstance(value, str) else None
        yield Misfit(path, f"{shown(value)} is none of {listed((shown(one) for one in allowed), 12)}", hint)


def _const(value: Any, wanted: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if is_known(value) and not _same(value, wanted):
        yield Misfit(path, f"{shown(value)} is not {shown(wanted)}")


def _same(one: Any, other: Any) -> bool:
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _bound(fits: Callable[[Any, Any], bool], words: str) -> _Check:
    def check(value: Any, limit: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
        if isinstance(value, int | float) and not isinstance(value, bool) and not fits(value, limit):
            yield Misfit(path, f"{shown(value)} is {words} {shown(limit)}")

    return check


def _size(of: Any, fits: Callable[[int, Any], bool], words: str) -> _Check:
    def check(value: Any, limit: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
        if isinstance(value, of) and not fits(len(value), limit):
            yield Misfit(path, f"{shown(value) if is_known(value) else 'the value'} has {words} {limit}")

    return check


def _pattern(value: Any, pattern: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if isinstance(value, str) and re.search(pattern, value) is None:
        yield Misfit(path, f"{shown(value)} does not match the pattern {pattern}")


def _unique(value: Any, wanted: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if wanted and _is_list(value):
        for index, item in enumerate(value):
            if is_known(item) and any(is_known(other) and _same(item, other) for other in value[:index]):
                yield Misfit((*path, index), f"{shown(item)} stands in the list twice")


def _items(value: Any, inner: Any, schema: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if _is_list(value):
        first = len(schema.get("prefixItems", ()))
        for index, item in enumerate(value[first:], start=first):
            yield from misfits(item, inner, (*path, index))


def _prefix_items(value: Any, inner: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if _is_list(value):
        for index, (item, one) in enumerate(zip(value, inner, strict=False)):
            yield from misfits(item, one, (*path, index))


def _required(value: Any, names: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if isinstance(value, Mapping):
        yield from (Misfit(path, f'"{name}" is missing') for name in names if name not in value)


def _dependent_required(value: Any, names: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if isinstance(value, Mapping):
        for name, others in names.items():
            for other in others:
                if name in value and other not in value:
                    yield Misfit(path, f'"{name}" needs "{other}" beside it')


def _properties(value: Any, inner: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if isinstance(value, Mapping):
        for name, one in inner.items():
            if name in value:
                yield from misfits(value[name], one, (*path, name))


def _pattern_properties(value: Any, inner: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            for pattern, one in inner.items():
                if re.search(pattern, name):
                    yield from misfits(item, one, (*path, name))


def _additional(value: Any, inner: Any, schema: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if not isinstance(value, Mapping):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, item in value.items():
        if name in named or any(re.search(pattern, name) for pattern in patterns):
            continue
        if inner is False:
            yield Misfit((*path, name), f'"{name}" is not known here', did_you_mean(name, named), is_key=True)
        else:
            yield from misfits(item, inner, (*path, name))


def _property_names(value: Any, inner: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if isinstance(value, Mapping):
        for name in value:
            yield from misfits(name, inner, (*path, name))


def _all_of(value: Any, parts: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    for one in parts:
        yield from misfits(value, one, path)


def _any_of(value: Any, parts: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    found = [list(misfits(value, one, path)) for one in parts]
    if all(found):
        yield from _nearest(found)


def _one_of(value: Any, parts: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    found = [list(misfits(value, one, path)) for one in parts]
    fitting = sum(not one for one in found)
    if not fitting:
        yield from _nearest(found)
    elif fitting > 1 and is_known(value):
        yield Misfit(path, f"{shown(value)} fits more than one of the forms that exclude each other")


def _nearest(found: Sequence[Sequence[Misfit]]) -> Iterator[Misfit]:
    """Of several forms the one that fits best (deepest, then fewest findings), and of that the first finding."""
    yield min(found, key=lambda one: (-max(len(each.path) for each in one), len(one)))[0]


def _not(value: Any, inner: Any, _: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    if is_known(value) and not any(misfits(value, inner, path)):
        yield Misfit(path, f"{shown(value)} is not allowed here")


def _if(value: Any, inner: Any, schema: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    misses = any(misfits(value, inner, path))
    if misses:
        yield from misfits(value, schema.get("else", True), path)
    elif is_known(value):
        yield from misfits(value, schema.get("then", True), path)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


_CHECKS: Mapping[str, _Check] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound(lambda value, limit: bool(value >= limit), "below"),
    "maximum": _bound(lambda value, limit: bool(value <= limit), "above"),
    "exclusiveMinimum": _bound(lambda value, limit: bool(value > limit), "not above"),
    "exclusiveMaximum": _bound(lambda value, limit: bool(value < limit), "not below"),
    "multipleOf": _bound(lambda value, step: value % step == 0, "not a multiple of"),
    "minLength": _size(str, lambda size, limit: size >= limit, "fewer characters than"),
    "maxLength": _size(str, lambda size, limit: size <= limit, "more characters than"),
    "minItems": _size((list, tuple), lambda size, limit: size >= limit, "fewer items than"),
    "maxItems": _size((list, tuple), lambda size, limit: size <= limit, "more items than"),
    "minProperties": _size(Mapping, lambda size, limit: size >= limit, "fewer keys than"),
    "maxProperties": _size(Mapping, lambda size, limit: size <= limit, "more keys than"),
    "pattern": _pattern,
    "uniqueItems": _unique,
    "prefixItems": _prefix_items,
    "items": _items,
    "required": _required,
    "dependentRequired": _dependent_required,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": _property_names,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}
