"""The value of an expression over its namespaces: no code is made, only true is true, every size is bounded.

``evaluate`` walks the checked tree. Whatever has no value raises ``ExpressionFailed`` with a sentence. A ``Secret``
passes only where the whole expression is its path; it can be neither compared nor joined.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import nodes

from engine.language.failure import ExpressionFailed
from engine.language.filters import apply_filter, apply_test
from engine.language.operators import add, compare, subtract, text_of
from engine.language.syntax import Fault, Tree, parse, path_of
from engine.model.command import Argument
from engine.model.expression import Expression
from engine.model.secret import Secret

Namespaces = Mapping[str, Any]

MAX_TEXT = 1024 * 1024


def evaluate(expression: Expression, namespaces: Namespaces) -> Argument:
    """The value; a lone path may be a ``Secret``."""
    value: Argument = value_of(expression.text, namespaces)
    return value


def evaluate_condition(expression: Expression, namespaces: Namespaces) -> bool:
    """The value of a condition, which must be true or false and nothing else."""
    value = value_of(expression.text, namespaces)
    if isinstance(value, bool):
        return value
    kind = kind_of(value)
    raise ExpressionFailed(
        f"the condition `{expression.text}` is {kind}, not true or false",
        remedy="compare it with something, such as == 1",
    )


def value_of(text: str, namespaces: Namespaces) -> Any:
    """The value of an expression's text."""
    tree = parse(text)
    if isinstance(tree, Fault):
        raise ExpressionFailed(f"`{text}`: {tree.message}", remedy=tree.hint)
    lone = path_of(tree.node)
    try:
        value = _lookup(lone, namespaces) if lone is not None else _value(tree.node, namespaces)
    except ExpressionFailed as failure:
        raise ExpressionFailed(f"`{text}`: {failure.message}", remedy=failure.remedy) from None
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise ExpressionFailed(f"`{text}` has no value: {error}") from error
    return _bounded(value, text)


def names_of(text: str) -> tuple[tuple[str, ...], ...]:
    """The dotted paths that an expression reads; none if it is no expression."""
    tree = parse(text)
    return tree.names if isinstance(tree, Tree) else ()


def _bounded(value: Any, text: str) -> Any:
    if isinstance(value, (str, list, tuple)) and len(value) > MAX_TEXT:
        raise ExpressionFailed(f"the value of `{text}` is longer than {MAX_TEXT}")
    return value


def kind_of(value: Any) -> str:
    """What a value is, in a word for people."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Secret():
            return "a secret"
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
    return "a value of another kind"


def _value(node: nodes.Node, spaces: Namespaces) -> Any:  # noqa: C901, PLR0912 - one arm a kind of node reads best
    match node:
        case nodes.Const():
            return node.value
        case nodes.List() | nodes.Tuple():
            return [_value(item, spaces) for item in node.items]
        case nodes.Name() | nodes.Getattr() | nodes.Getitem():
            return _open(_path_value(node, spaces))
        case nodes.And():
            return _truth(node.left, spaces) and _truth(node.right, spaces)
        case nodes.Or():
            return _truth(node.left, spaces) or _truth(node.right, spaces)
        case nodes.Not():
            return not _truth(node.node, spaces)
        case nodes.CondExpr():
            return _choice(node, spaces)
        case nodes.Compare():
            return _comparison(node, spaces)
        case nodes.Add():
            return add(_value(node.left, spaces), _value(node.right, spaces))
        case nodes.Sub():
            return subtract(_value(node.left, spaces), _value(node.right, spaces))
        case nodes.Neg():
            return subtract(0, _value(node.node, spaces))
        case nodes.Concat():
            return _bounded("".join(text_of(_value(one, spaces)) for one in node.nodes), "~")
        case nodes.Filter() if node.node is not None:
            arguments = [_value(one, spaces) for one in (*node.args, *(kw.value for kw in node.kwargs))]
            return apply_filter(node.name, _value(node.node, spaces), arguments)
        case nodes.Test():
            return apply_test(node.name, _value(node.node, spaces), [_value(one, spaces) for one in node.args])
    raise ExpressionFailed(f"{type(node).__name__} is not allowed")  # pragma: no cover - the allow-list came first


def _truth(node: nodes.Node, spaces: Namespaces) -> bool:
    value = _value(node, spaces)
    if not isinstance(value, bool):
        raise ExpressionFailed(
            f"{_shown(node)} is {kind_of(value)}, not true or false", remedy="compare it with something"
        )
    return value


def _choice(node: nodes.CondExpr, spaces: Namespaces) -> Any:
    if _truth(node.test, spaces):
        return _value(node.expr1, spaces)
    if node.expr2 is None:
        raise ExpressionFailed("the condition is false and there is no else", remedy="add else")
    return _value(node.expr2, spaces)


def _comparison(node: nodes.Compare, spaces: Namespaces) -> bool:
    left = _value(node.expr, spaces)
    for operand in node.ops:
        right = _value(operand.expr, spaces)
        if not compare(operand.op, left, right):
            return False
        left = right
    return True


def _path_value(node: nodes.Node, spaces: Namespaces) -> Any:
    path = path_of(node)
    if path is not None:
        return _lookup(path, spaces)
    if isinstance(node, nodes.Getattr):
        return _step_in(_value(node.node, spaces), node.attr, "the value")
    assert isinstance(node, nodes.Getitem)
    return _step_in(_value(node.node, spaces), _value(node.arg, spaces), "the value")


def _open(value: Any) -> Any:
    if isinstance(value, Secret):
        raise ExpressionFailed("a secret can only be passed on as it is", remedy='write a lone "{{ params.NAME }}"')
    return value


def _lookup(path: tuple[str, ...], spaces: Namespaces) -> Any:
    value: Any = spaces
    for index, name in enumerate(path):
        value = _step_in(value, name, ".".join(path[:index]))
    return value


def _step_in(value: Any, key: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        if isinstance(key, str) and key in value:
            return value[key]
        raise ExpressionFailed(*_absent(value, key, where))
    if isinstance(value, (list, tuple)) and isinstance(key, int) and not isinstance(key, bool):
        if -len(value) <= key < len(value):
            return value[key]
        raise ExpressionFailed(f"{where} has {len(value)} items, so there is no item {key}")
    raise ExpressionFailed(f'{where} is {kind_of(value)} and has no "{key}"')


def _absent(value: Mapping[str, Any], key: Any, where: str) -> tuple[str]:
    if not where:
        return (f"{key} cannot be read here",)
    if where.startswith("steps.") and where.count(".") == 1 and value.get("skipped") is True:
        return (f'{where} was skipped, so it has no "{key}"; ask {where}.skipped first',)
    if where.startswith("steps.") and where.count(".") == 1 and set(value) == {"hosts"}:
        # Check mode knows nothing of a step run that it passed over: it has no field at all.
        if len(value["hosts"]) < 2 or not all(value["hosts"].values()):  # noqa: PLR2004 - one host is not several
            return (f'{where} is not known in check mode, so it has no "{key}"',)
        return (f'{where} ran on several hosts, none of them this one, so only {where}.hosts can be read, not "{key}"',)
    return (f'{where} has no "{key}"',)


def _shown(node: nodes.Node) -> str:
    path = path_of(node)
    return ".".join(path) if path else "an operand"
