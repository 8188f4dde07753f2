"""Expressions and templates as written, to the model's values, or findings with their places.

The face that other rooms import: ``parse_expression``, ``parse_template``, ``evaluate``, ``evaluate_condition``,
``render``.
"""

from engine.language.evaluate import Namespaces, evaluate, evaluate_condition, names_of
from engine.language.failure import ExpressionFailed
from engine.language.syntax import Fault, parse
from engine.language.template import Part, TemplateFault, lone_expression, render, split_template
from engine.model.diagnostic import Diagnostic, Severity
from engine.model.expression import Expression, Template
from engine.model.origin import Origin

__all__ = [
    "ExpressionFailed",
    "Namespaces",
    "evaluate",
    "evaluate_condition",
    "has_template",
    "lone_expression",
    "parse_expression",
    "parse_template",
    "place_in",
    "render",
]


def has_template(text: str) -> bool:
    """True if the text holds something to render."""
    return "{{" in text


def parse_expression(text: str, origin: Origin) -> Expression | Diagnostic:
    """The expression with the paths it reads; ``origin`` is the place of the text's first character."""
    tree = parse(text)
    if isinstance(tree, Fault):
        return _finding(tree, text, 0, text, origin)
    return Expression(text, origin, tree.names)


def parse_template(text: str, origin: Origin) -> Template | Diagnostic:
    """The template with the paths that its expressions read."""
    parts = split_template(text)
    if isinstance(parts, TemplateFault):
        return _finding(parts.fault, text, parts.offset, _meant(text[parts.offset :]), origin)
    names = {name for part in parts for name in _names(part)}
    return Template(text, origin, tuple(sorted(names)))


def _meant(text: str) -> str:
    return text.partition("}}")[0].rstrip()


def _names(part: Part) -> tuple[tuple[str, ...], ...]:
    return names_of(part.text) if part.is_expression else ()


def place_in(origin: Origin, text: str, offset: int) -> Origin:
    """The place of the character at ``offset`` of a text that begins at ``origin``; exact within one line."""
    before = text[:offset]
    if "\n" not in before:
        return Origin(origin.file, origin.line, origin.column + offset)
    below = before.count("\n")
    return Origin(origin.file, origin.line + below, origin.column + offset - before.rindex("\n") - 1)


def _finding(fault: Fault, text: str, offset: int, meant: str, origin: Origin) -> Diagnostic:
    mark = len(meant.split("\n", 1)[0])
    if fault.part and (found := text.find(fault.part, offset)) >= 0:
        offset, mark = found, len(fault.part)
    return Diagnostic(
        code=fault.code,
        severity=Severity.ERROR,
        message=fault.message,
        origin=place_in(origin, text, offset),
        hint=fault.hint,
        mark=mark,
    )
