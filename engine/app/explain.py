"""Use case: the page of a diagnostic code."""

from collections.abc import Mapping
from difflib import get_close_matches

from engine.model.errors import UsageMistake


def pages() -> Mapping[str, str]:
    """Every code's page."""
    from engine.language.codes import EXPLANATIONS as LANGUAGE
    from engine.lint.codes import EXPLANATIONS as LINT
    from engine.planning.codes import EXPLANATIONS as PLANNING

    return {**LANGUAGE, **PLANNING, **LINT}


def explanation(code: str) -> str:
    """The page of one code, or a ``UsageMistake`` with the nearest."""
    known = pages()
    page = known.get(code.upper())
    if page is None:
        near = get_close_matches(code.upper(), known, n=3, cutoff=0.4)
        raise UsageMistake(f"there is no code {code}", remedy=f"near it: {', '.join(near)}" if near else None)
    return f"{code.upper()}: {page}"
