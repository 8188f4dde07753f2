"""Small pieces of type checking: kinds of constants, what filters take and give, hints for kinds that do not fit."""

from collections.abc import Mapping

from jinja2 import nodes

from engine.language.kinds import BOOLEAN, INTEGER, NOTHING, NUMBER, NUMBERS, TEXT, kinds_of
from engine.language.syntax import path_of
from engine.model.data import JsonMap


def constant(value: object) -> JsonMap:
    """The schema of a constant."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    return NUMBER if isinstance(value, float) else TEXT


def may_be(known: JsonMap, kind: str) -> bool:
    """True unless the value is known to be of other kinds."""
    kinds = kinds_of(known)
    return not kinds or kind in kinds


def families(known: JsonMap) -> frozenset[str]:
    """The kinds, with whole numbers counted as numbers."""
    return frozenset("number" if one == "integer" else one for one in kinds_of(known))


def shown_path(node: nodes.Node) -> str | None:
    """The dotted path as a person wrote it, if the node is one."""
    path = path_of(node)
    return ".".join(path) if path else None


def boolean_hint(known: JsonMap) -> str:
    """How to make a condition of a value that is none."""
    kinds = kinds_of(known)
    if kinds & NUMBERS:
        return "compare it with a number, such as > 0"
    if "string" in kinds:
        return 'compare it with a text, such as == "Running"'
    return "use | length > 0 for a list" if "array" in kinds else "name one of its fields"


def quote_hint(left: JsonMap, right: JsonMap) -> str | None:
    """What most likely went wrong where kinds differ."""
    both = families(left) | families(right)
    if both == {"string", "number"}:
        return "a number stands without quotes"
    if both == {"string", "boolean"}:
        return "a boolean needs no comparison: write it alone or with not"
    return None


FILTER_NEEDS: Mapping[str, frozenset[str]] = {
    "length": frozenset({"string", "array", "object"}),
    **dict.fromkeys(("lower", "upper", "trim", "replace"), frozenset({"string"})),
    **dict.fromkeys(("join", "min", "max", "sum", "sort", "unique", "first", "last", "map"), frozenset({"array"})),
    **dict.fromkeys(("select", "reject", "selectattr", "rejectattr"), frozenset({"array"})),
    "list": frozenset({"array", "object"}),
    "int": frozenset({"string", "integer", "number"}),
    "string": frozenset({"string", "integer", "number", "boolean"}),
}
FILTER_GIVES: Mapping[str, JsonMap] = {
    "length": INTEGER,
    "int": INTEGER,
    **dict.fromkeys(("lower", "upper", "trim", "replace", "join", "string"), TEXT),
    "list": {"type": "array"},
}
