"""Did you mean: the nearest of the words that would have been right."""

from collections.abc import Iterable


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option most like ``word``, letter case aside; None if nothing is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed for findings only

    by_fold = {one.casefold(): one for one in options}
    found = get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def did_you_mean(word: str, options: Iterable[str], *, show: int = 12) -> str | None:
    """A hint: the nearest option, else the list of options if it is short, else nothing."""
    known = sorted(set(options))
    near = nearest(word, known)
    if near is not None:
        return f'did you mean "{near}"?'
    if 0 < len(known) <= show:
        return f"known here: {', '.join(known)}"
    return None
