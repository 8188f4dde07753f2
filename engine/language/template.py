"""Texts with ``{{ expression }}`` in them: found, checked, and rendered over namespaces.

A text that is one lone ``{{ expression }}`` keeps the value's type, and lets a secret through. Anything else renders to
text. A literal ``{{`` is written ``{{ "{{" }}``. Text without ``{{`` is left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.language.evaluate import Namespaces, value_of
from engine.language.failure import ExpressionFailed
from engine.language.operators import text_of
from engine.language.syntax import Fault, parse
from engine.model.command import Argument
from engine.model.expression import Template
from engine.model.runbook import ArgValue

_LONGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: plain text, or an expression's text and where it begins in the template."""

    text: str
    offset: int
    is_expression: bool


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """What is wrong in a template, and where it begins."""

    fault: Fault
    offset: int


@lru_cache(maxsize=4096)
def split_template(text: str) -> tuple[Part, ...] | TemplateFault:
    """The parts of a template in order, or the first thing wrong with it."""
    parts: list[Part] = []
    at = 0
    while (start := text.find("{{", at)) >= 0:
        end = _end(text, start + 2)
        if end is None:
            fault = Fault("E305", "{{ is not closed", 'write }}, or "{{ "{{" }}" for the two braces themselves')
            return TemplateFault(fault, start)
        if start > at:
            parts.append(Part(text[at:start], at, is_expression=False))
        inner = text[start + 2 : end]
        offset = start + 2 + len(inner) - len(inner.lstrip())
        tree = parse(inner.strip())
        if isinstance(tree, Fault):
            return TemplateFault(tree, offset)
        parts.append(Part(inner.strip(), offset, is_expression=True))
        at = end + 2
    if at < len(text):
        parts.append(Part(text[at:], at, is_expression=False))
    return tuple(parts)


def _end(text: str, at: int) -> int | None:
    quote = ""
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
        elif text.startswith("}}", at):
            return at
        at += 1
    return None


def lone_expression(text: str) -> str | None:
    """The expression's text if the template is nothing but one expression."""
    parts = split_template(text)
    if isinstance(parts, TemplateFault) or len(parts) != 1 or not parts[0].is_expression:
        return None
    return parts[0].text


def render(tree: ArgValue, namespaces: Namespaces) -> Argument:
    """The arguments with every template rendered; keys and plain values are left alone."""
    value: Argument = _rendered(tree, namespaces)
    return value


def _rendered(tree: Any, namespaces: Namespaces) -> Any:
    if isinstance(tree, Template):
        return render_text(tree.text, namespaces)
    if isinstance(tree, Mapping):
        return {key: _rendered(item, namespaces) for key, item in tree.items()}
    if isinstance(tree, (tuple, list)):
        return [_rendered(item, namespaces) for item in tree]
    return tree


def render_text(text: str, namespaces: Namespaces) -> Any:
    """The value of one template."""
    parts = split_template(text)
    if isinstance(parts, TemplateFault):
        raise ExpressionFailed(f"`{text}`: {parts.fault.message}", remedy=parts.fault.hint)
    if len(parts) == 1 and parts[0].is_expression:
        return value_of(parts[0].text, namespaces)
    rendered = [_inside(one, namespaces) for one in parts]
    if sum(map(len, rendered)) > _LONGEST:
        raise ExpressionFailed(f"the rendered text is longer than {_LONGEST} characters")
    return "".join(rendered)


def _inside(part: Part, namespaces: Namespaces) -> str:
    if not part.is_expression:
        return part.text
    try:
        return text_of(value_of(part.text, namespaces))
    except ExpressionFailed as failure:
        message = failure.message if failure.message.startswith("`") else f"`{part.text}`: {failure.message}"
        raise ExpressionFailed(message, remedy=failure.remedy) from None
