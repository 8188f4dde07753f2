"""What a JSON Schema says about the kind of a value, in the few shapes that type checking needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.model.data import JsonMap

ANY: JsonMap = {}
BOOLEAN: JsonMap = {"type": "boolean"}
INTEGER: JsonMap = {"type": "integer"}
NUMBER: JsonMap = {"type": "number"}
TEXT: JsonMap = {"type": "string"}
NOTHING: JsonMap = {"type": "null"}
NUMBERS = frozenset({"integer", "number"})

_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_ALL = frozenset(_WORDS)


def kinds_of(schema: JsonMap) -> frozenset[str]:
    """The kinds the value may have; empty: not known."""
    written: Any = schema.get("type")
    if isinstance(written, str):
        return frozenset({written}) & _ALL
    if isinstance(written, Sequence):
        return frozenset(written) & _ALL
    for word in ("enum", "const"):
        if word in schema:
            values: Any = schema[word] if word == "enum" else [schema[word]]
            return frozenset(_kind(one) for one in values)
    branches: Any = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(branches, Sequence) and branches:
        each = [kinds_of(one) if isinstance(one, Mapping) else frozenset[str]() for one in branches]
        return frozenset[str]().union(*each) if all(each) else frozenset()
    return frozenset({"object"}) if "properties" in schema else frozenset()


def _kind(value: object) -> str:
    if value is None:
        return "null"
    for kinds, word in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (Mapping, "object")):
        if isinstance(value, kinds):
            return word
    return "array"


def name_of(schema: JsonMap) -> str:
    """The kind in words: ``a text``, ``a number or nothing``."""
    words = [word for kind, word in _WORDS.items() if kind in kinds_of(schema)]
    return " or ".join(words) or "a value"


def list_of(items: Sequence[JsonMap]) -> JsonMap:
    """A list whose items are of one known kind, or of any."""
    first = items[0] if items else ANY
    return {"type": "array", "items": first if all(one == first for one in items) else ANY}
