"""Host patterns: names, groups, ``all``, wildcards; ``a:b`` and ``a,b`` join, ``:&b`` intersects, ``:!b`` excludes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import translate

from engine.language.nearest import did_you_mean
from engine.model.diagnostic import Diagnostic, Severity
from engine.model.inventory import Inventory
from engine.model.origin import Origin

_SEPARATOR = re.compile(r"[,:]+(?![^\[]*\])")


@dataclass(frozen=True, slots=True)
class _Term:
    sign: str
    text: str
    offset: int


def select_hosts(
    pattern: str, inventory: Inventory, origin: Origin | None = None
) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
    """The host names that the pattern gives, in the inventory's order, and a finding for each part that fits nothing.

    As in Ansible, unions are made first, then intersections, then exclusions, whatever their order in the pattern.
    """
    terms = _terms(pattern)
    findings = [_unknown(term, inventory, origin) for term in terms]
    chosen = {"": set[str](), "&": set(inventory.hosts), "!": set[str]()}
    plain = [term for term in terms if term.sign == ""]
    if not plain and terms:
        chosen[""] = set(inventory.hosts)
    for term in terms:
        held = _matching(term.text, inventory)
        chosen[term.sign] = chosen["&"] & held if term.sign == "&" else chosen[term.sign] | held
    result = (chosen[""] & chosen["&"]) - chosen["!"]
    if not terms:
        findings = [_finding("R404", "the host pattern is empty", origin, "name a host, a group or all", 0, 0)]
    return tuple(name for name in inventory.hosts if name in result), tuple(one for one in findings if one)


def _terms(pattern: str) -> tuple[_Term, ...]:
    found: list[_Term] = []
    at = 0
    for piece in _SEPARATOR.split(pattern):
        offset = pattern.find(piece, at) if piece else at
        at = offset + len(piece)
        text = piece.strip()
        if text:
            sign = text[0] if text[0] in "&!" else ""
            found.append(_Term(sign, text[len(sign) :].strip(), offset + len(piece) - len(piece.lstrip())))
    return tuple(found)


def _matching(text: str, inventory: Inventory) -> set[str]:
    if text in ("all", "*"):
        return set(inventory.hosts)
    if text in inventory.groups:
        return set(inventory.groups[text])
    if text in inventory.hosts:
        return {text}
    folded = [name for name in inventory.hosts if name.casefold() == text.casefold()]  # Windows names ignore case
    if folded:
        return set(folded)
    if not any(one in text for one in "*?["):
        return set()
    shape = re.compile(translate(text), re.IGNORECASE)
    return {name for name in inventory.hosts if shape.match(name)} | _of_groups(shape, inventory.groups)


def _of_groups(shape: re.Pattern[str], groups: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {host for name, hosts in groups.items() if shape.match(name) for host in hosts}


def _unknown(term: _Term, inventory: Inventory, origin: Origin | None) -> Diagnostic | None:
    if term.text in inventory.groups or _matching(term.text, inventory):
        return None
    if any(one in term.text for one in "*?["):
        message, hint = f'"{term.text}" matches no host or group', f"hosts: {', '.join(list(inventory.hosts)[:12])}"
    else:
        message = f'"{term.text}" is neither a host nor a group of {inventory.file}'
        hint = did_you_mean(term.text, [*inventory.hosts, *inventory.groups]) or "`runbook inventory` lists them"
    return _finding("R404", message, origin, hint, term.offset, len(term.sign) + len(term.text))


def _finding(code: str, message: str, origin: Origin | None, hint: str, offset: int, mark: int) -> Diagnostic:
    place = Origin(origin.file, origin.line, origin.column + offset) if origin else None
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, origin=place, hint=hint, mark=mark)
