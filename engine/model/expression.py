"""Expressions as written: text and place; evaluation lives in ``language``."""

from dataclasses import dataclass

from engine.model.origin import Origin


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition or value. ``names`` holds the dotted paths it reads, such as ``("steps", "ask", "answer")``."""

    text: str
    origin: Origin
    names: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A string argument with at least one ``{{ expression }}`` in it; a lone expression keeps its type."""

    text: str
    origin: Origin
    names: tuple[tuple[str, ...], ...] = ()
