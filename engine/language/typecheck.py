"""Expressions against what is known of their names before the run: unknown names, fields and kinds that cannot fit.

Every namespace is described by a JSON Schema (an object). A schema without ``type`` means: not known, so nothing is
said. Steps that exist but are no part of ``steps`` yet are named in ``later``.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import nodes

from engine.language.expression import place_in
from engine.language.kinds import ANY, BOOLEAN, INTEGER, NUMBER, NUMBERS, TEXT, kinds_of, list_of, name_of
from engine.language.nearest import did_you_mean
from engine.language.readable_names import NameChecker, Scope
from engine.language.syntax import Fault, Tree, parse, path_of
from engine.language.template import TemplateFault, split_template
from engine.language.type_rules import (
    FILTER_GIVES,
    FILTER_NEEDS,
    boolean_hint,
    constant,
    families,
    may_be,
    quote_hint,
    shown_path,
)
from engine.model.data import JsonMap
from engine.model.diagnostic import Diagnostic
from engine.model.expression import Expression, Template

__all__ = ["Scope", "check_condition", "check_types", "type_of"]


def check_types(what: Expression | Template, scope: Scope, *, condition: bool = False) -> list[Diagnostic]:
    """What is wrong with the expression, or with each expression of the template; ``condition``: it must be boolean."""
    return _checked(what, scope, condition=condition)[1]


def check_condition(expression: Expression, scope: Scope) -> list[Diagnostic]:
    """What is wrong with a condition."""
    return check_types(expression, scope, condition=True)


def type_of(what: Expression | Template, scope: Scope) -> JsonMap:
    """The JSON Schema of the value as far as it is known; empty if nothing is."""
    return _checked(what, scope, condition=False)[0]


def _checked(what: Expression | Template, scope: Scope, *, condition: bool) -> tuple[JsonMap, list[Diagnostic]]:
    if isinstance(what, Expression):
        checker = _Checker(what.text, what.origin, scope)
        return checker.whole(what.text, condition=condition), checker.findings
    parts = split_template(what.text)
    if isinstance(parts, TemplateFault):
        return ANY, []  # told when the document was read
    lone = len(parts) == 1
    found: list[Diagnostic] = []
    schema = TEXT
    for part in parts:
        if part.is_expression:
            checker = _Checker(part.text, place_in(what.origin, what.text, part.offset), scope)
            known = checker.whole(part.text, condition=False)
            schema = known if lone else schema
            if not lone:
                checker.in_text(known)
            found.extend(checker.findings)
    return schema, found


class _Checker(NameChecker):
    """One expression being checked; collects findings."""

    def whole(self, text: str, *, condition: bool) -> JsonMap:
        tree = parse(text)
        if not isinstance(tree, Tree):
            return self._fault(tree)
        known = self.known(tree.node)
        if condition and not may_be(known, "boolean"):
            message = f"the condition is {name_of(known)}, not true or false"
            self.add("E304", message, boolean_hint(known), text)
        return known

    def _fault(self, fault: Fault) -> JsonMap:
        self.add(fault.code, fault.message, fault.hint, fault.part or self.text)
        return ANY

    def in_text(self, known: JsonMap) -> None:
        """Only text, numbers and booleans can become part of a text."""
        kinds = kinds_of(known)
        if kinds and not kinds & {"string", "integer", "number", "boolean"}:
            self.add(
                "E307",
                f"{name_of(known)} cannot become part of a text",
                "name one of its fields, or join it",
                self.text,
            )

    # -- one node -------------------------------------------------------------------------------------------------

    def known(self, node: nodes.Node) -> JsonMap:  # noqa: C901, PLR0912 - one arm a kind of node
        match node:
            case nodes.Const():
                return constant(node.value)
            case nodes.List() | nodes.Tuple():
                return list_of([self.known(item) for item in node.items])
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self.path(node)
            case nodes.And() | nodes.Or():
                self.boolean(node.left)
                self.boolean(node.right)
                return BOOLEAN
            case nodes.Not():
                self.boolean(node.node)
                return BOOLEAN
            case nodes.CondExpr():
                return self.choice(node)
            case nodes.Compare():
                return self.comparison(node)
            case nodes.Add() | nodes.Sub():
                return self.arithmetic(node)
            case nodes.Neg():
                self.needs(node.node, NUMBERS, "- needs a number")
                return NUMBER
            case nodes.Concat():
                for part in node.nodes:
                    self.needs(part, NUMBERS | {"string", "boolean"}, "~ joins texts, numbers and booleans")
                return TEXT
            case nodes.Filter() if node.node is not None:
                return self.filtered(node.name, self.known(node.node), node)
            case nodes.Test():
                return self.tested(node)
        return ANY

    def boolean(self, node: nodes.Node) -> None:
        known = self.known(node)
        if not may_be(known, "boolean"):
            shown = shown_path(node)
            self.add(
                "E304", f"{shown or 'an operand'} is {name_of(known)}, not true or false", boolean_hint(known), shown
            )

    def needs(self, node: nodes.Node, kinds: frozenset[str], why: str) -> None:
        known = self.known(node)
        if kinds_of(known) and not kinds_of(known) & kinds:
            self.add("E307", f"{why}, not {name_of(known)}", None, shown_path(node))

    def choice(self, node: nodes.CondExpr) -> JsonMap:
        self.boolean(node.test)
        first = self.known(node.expr1)
        if node.expr2 is None:
            self.add("E302", "an if without else has no value when the condition is false", "add else", self.text)
            return first
        second = self.known(node.expr2)
        return first if first == second else {"anyOf": [first, second]}

    def comparison(self, node: nodes.Compare) -> JsonMap:
        left_node, left = node.expr, self.known(node.expr)
        for operand in node.ops:
            right = self.known(operand.expr)
            if operand.op in ("in", "notin"):
                self.membership(left, right, operand.expr)
            else:
                self.comparable(operand.op, (left_node, left), (operand.expr, right))
            left_node, left = operand.expr, right
        return BOOLEAN

    def membership(self, part: JsonMap, whole: JsonMap, node: nodes.Node) -> None:
        kinds = kinds_of(whole)
        if kinds and not kinds & {"array", "object", "string"}:
            self.add("E307", f"nothing can be looked for in {name_of(whole)}", None, shown_path(node))
        elif kinds == {"string"} and kinds_of(part) and not may_be(part, "string"):
            self.add("E307", f"{name_of(part)} cannot be looked for in a text", None, shown_path(node))

    def comparable(self, operator: str, left: tuple[nodes.Node, JsonMap], right: tuple[nodes.Node, JsonMap]) -> None:
        first, second = families(left[1]), families(right[1])
        place = shown_path(left[0]) or shown_path(right[0])
        if operator in ("eq", "ne"):
            if first and second and not first & second and "null" not in first | second:
                message = f"{name_of(left[1])} is compared with {name_of(right[1])}, which can never be equal"
                self.add("E307", message, quote_hint(left[1], right[1]), place)
                return
            self.possible(left, right)
            self.possible(right, left)
        elif first and second and not first & second & {"number", "string"}:
            message = f"{name_of(left[1])} and {name_of(right[1])} have no order"
            self.add("E307", message, "compare versions with older_than", place)

    def possible(self, known: tuple[nodes.Node, JsonMap], constant: tuple[nodes.Node, JsonMap]) -> None:
        """A comparison with a value that the schema rules out is a misspelt value."""
        allowed: Any = known[1].get("enum")
        node = constant[0]
        if not isinstance(allowed, list) or not isinstance(node, nodes.Const) or node.value in allowed:
            return
        hint = did_you_mean(str(node.value), [str(one) for one in allowed])
        shown = shown_path(known[0]) or "the value"
        self.add("E308", f'{shown} can never be "{node.value}"', hint, str(node.value))

    def arithmetic(self, node: nodes.Add | nodes.Sub) -> JsonMap:
        left, right = self.known(node.left), self.known(node.right)
        first, second = families(left), families(right)
        sign = "+" if isinstance(node, nodes.Add) else "-"
        allowed = {"number", "string", "array"} if sign == "+" else {"number"}
        if first and second and not first & second & allowed:
            wanted = "two numbers, two texts or two lists" if sign == "+" else "two numbers"
            self.add(
                "E307", f"{sign} needs {wanted}, not {name_of(left)} and {name_of(right)}", None, shown_path(node.left)
            )
        if sign == "-" or first == second == {"number"}:
            return INTEGER if kinds_of(left) == kinds_of(right) == {"integer"} else NUMBER
        return TEXT if first == second == {"string"} else ANY

    def filtered(self, name: str, known: JsonMap, node: nodes.Filter) -> JsonMap:
        for argument in node.args:
            self.known(argument)
        wanted = FILTER_NEEDS.get(name)
        if wanted and kinds_of(known) and not kinds_of(known) & wanted:
            self.add("E307", f"the filter {name} cannot be used on {name_of(known)}", None, name)
            return FILTER_GIVES.get(name, ANY)
        if name == "map":
            return self.mapped(known, node)
        if name in ("sort", "unique", "select", "reject", "selectattr", "rejectattr"):
            return known
        if name in ("first", "last", "min", "max"):
            items: Any = known.get("items", ANY)
            return items if isinstance(items, Mapping) else ANY
        return FILTER_GIVES.get(name, ANY)

    def mapped(self, known: JsonMap, node: nodes.Filter) -> JsonMap:
        items: Any = known.get("items")
        attribute = node.kwargs[0].value
        if not isinstance(items, Mapping) or not isinstance(attribute, nodes.Const):
            return {"type": "array"}
        for part in str(attribute.value).split("."):
            items = self.member(items, part, ("an item of the list",), code="R405")
        return {"type": "array", "items": items}

    def tested(self, node: nodes.Test) -> JsonMap:
        for argument in node.args:
            self.known(argument)
        if node.name in ("older_than", "newer_than", "at_least_version", "startingwith", "endingwith"):
            self.needs(node.node, frozenset({"string"}), f"{node.name} needs a text")
        else:
            self.known(node.node)
        return BOOLEAN

    # -- names ----------------------------------------------------------------------------------------------------

    def path(self, node: nodes.Node) -> JsonMap:
        path = path_of(node)
        if path is not None:
            return self.named(path)
        assert isinstance(node, (nodes.Getattr, nodes.Getitem))
        inner = self.known(node.node)
        if isinstance(node, nodes.Getattr):
            return self.member(inner, node.attr, ("the value",), code="R405")
        argument = self.known(node.arg)
        if kinds_of(inner) == {"array"} and may_be(argument, "integer"):
            items: Any = inner.get("items", ANY)
            return items if isinstance(items, Mapping) else ANY
        return ANY
