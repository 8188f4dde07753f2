"""What proofs speak of: hosts, the names in an argument (databases), or what a person consents to."""

import re
from collections.abc import Mapping, Sequence

from engine.model.plan import ENGINE_HOST
from engine.model.runbook import StepSpec
from engine.ports.action import ActionInfo

ABOUT = "about"
"""The subject ``kind(about)``: each of the names that the step itself is about."""

ANY = "*"
"""Stands for names that nobody knows yet."""

_PROOF = re.compile(r"\s*([a-z][a-z0-9-]*)\s*\(\s*([^()]+?)\s*\)\s*")


def split_proof(text: str) -> tuple[str, str | None]:
    """``kind(subject)`` as its parts; a bare kind has no subject."""
    found = _PROOF.fullmatch(text)
    return (found[1], found[2]) if found else (text.strip(), None)


def proven_by_answer(args: Mapping[str, object]) -> tuple[str, str] | None:
    """The proof that an operator's answer gives, as kind and subject."""
    written = args.get("proves")
    kind, subject = split_proof(written) if isinstance(written, str) else ("", None)
    return (kind, subject) if subject else None


def names_in(value: object) -> tuple[str, ...] | None:
    """The names in an argument; None if a part of it is not known yet."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        return tuple(str(one) for one in value)
    return None


def names_about(info: ActionInfo, args: Mapping[str, object]) -> tuple[str, ...] | None:
    """The names a step's proofs speak of, by the arguments of one of its hosts. None: they speak of the host;
    ``(ANY,)``: not known yet.
    """
    by_answer = proven_by_answer(args)
    if by_answer:
        return (by_answer[1],)
    if info.about is None:
        return None
    names = names_in(args.get(info.about))
    within = args.get(info.within) if info.within else None
    if names is None or not isinstance(within, str | None):
        return (ANY,)
    return tuple(dict.fromkeys(placed(name, within) for name in names))


def placed(name: str, within: str | None) -> str:
    r"""A name as one of what it lies in: ``INSTANCE\NAME``."""
    return f"{within}\\{name}" if within else name


def placed_on(name: str, host: str) -> str:
    """A name as one of a host. What a person said is of no host."""
    return name if host == ENGINE_HOST else f"{name}@{host}"


def yielded(step: StepSpec, info: ActionInfo) -> tuple[str, ...]:
    """The kinds of proof a step can give."""
    by_answer = proven_by_answer(step.args)
    return (*info.yields, by_answer[0]) if by_answer else info.yields
