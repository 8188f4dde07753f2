"""Arguments of payloads as typed values: what is not of the type is left out."""

from collections.abc import Mapping

from engine.model.data import JsonMap, JsonValue


def texts(value: JsonValue) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()


def maps(value: JsonValue) -> tuple[JsonMap, ...]:
    """A list of mappings."""
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, (list, tuple)) else ()


def number(value: JsonValue) -> int:
    """A whole number, else 0."""
    return value if isinstance(value, int) else 0
