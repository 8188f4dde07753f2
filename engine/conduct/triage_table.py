"""Asking the decision table: conditions in three-valued logic, and the first row that is certainly true. Pure."""

from collections.abc import Iterator, Mapping

from engine.model.triage import UNKNOWN, AllOf, AnyOf, Condition, Is, Not, Row, TriageSpec, Truth

UNDETERMINED = "undetermined"


def truth(condition: Condition, values: Mapping[str, str]) -> Truth:
    """A condition over findings in three-valued logic."""
    match condition:
        case Is(finding=name, values=wanted):
            value = values.get(name, UNKNOWN)
            if value in wanted:
                return Truth.TRUE
            return Truth.UNKNOWN if value == UNKNOWN else Truth.FALSE
        case Not(part=part):
            inner = truth(part, values)
            return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE}.get(inner, Truth.UNKNOWN)
        case AllOf(parts=parts):
            return _weakest([truth(one, values) for one in parts], Truth.FALSE, Truth.TRUE)
        case AnyOf(parts=parts):
            return _weakest([truth(one, values) for one in parts], Truth.TRUE, Truth.FALSE)


def _weakest(parts: list[Truth], decides: Truth, otherwise: Truth) -> Truth:
    if decides in parts:
        return decides
    return Truth.UNKNOWN if Truth.UNKNOWN in parts else otherwise


def named(condition: Condition) -> Iterator[str]:
    """The findings that a condition asks for."""
    match condition:
        case Is(finding=name):
            yield name
        case Not(part=part):
            yield from named(part)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for one in parts:
                yield from named(one)


class Table:
    """The table of one triage; an answer that was given once is not worked out again."""

    def __init__(self, spec: TriageSpec) -> None:
        self._spec = spec
        self.asked = tuple(sorted({name for row in spec.rows for name in named(row.when)}))
        self._known: dict[tuple[str, ...], Row] = {}

    def row(self, values: Mapping[str, str]) -> Row:
        """The first row that is certainly true."""
        key = tuple(values.get(name, UNKNOWN) for name in self.asked)
        if key not in self._known:
            self._known[key] = next(one for one in self._spec.rows if truth(one.when, values) is Truth.TRUE)
        return self._known[key]

    def suspected(self, values: Mapping[str, str]) -> str | None:
        """The verdict's phase, or what an undetermined answer is suspected to be."""
        row = self.row(values)
        if row.suspected or row.verdict != UNDETERMINED:
            return row.suspected
        return next((phase for when, phase in self._spec.suspicions if truth(when, values) is Truth.TRUE), None)
