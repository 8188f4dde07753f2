"""Evidence to verdict: the first row of the table that is certainly true. Pure.

What is unknown is neither true nor false: a row with an unknown part is passed over, "undetermined" is an answer.
"""

from collections.abc import Iterator, Mapping

from engine.conduct.triage_findings import Findings, Statement, findings
from engine.model.triage import (
    UNKNOWN,
    AllOf,
    AnyOf,
    Condition,
    Evidence,
    Is,
    Missing,
    Not,
    Row,
    Sighting,
    TriageResult,
    TriageSpec,
    Truth,
)

UNDETERMINED = "undetermined"
_REMEDIES = (
    (
        "the baseline",
        "Bring the baseline recorded before the upgrade (baseline.yaml); no version can be compared without it.",
    ),
    ("the version of", "Read the versions named under Missing and write them into host.yaml."),
    ("the answer retry_button", "Look whether setup offers Retry, and write it as answers.retry_button."),
    ("the setup logs", "Bring SCSM*.log from the temporary folders of all accounts, under hosts/NAME/logs."),
)


def judge(evidence: Evidence, spec: TriageSpec) -> TriageResult:
    """The answer, with everything that speaks for and against it."""
    found = findings(evidence, spec)
    row = next(one for one in spec.rows if truth(one.when, found.values) is Truth.TRUE)
    suspected = row.suspected or (_suspicion(spec, found.values) if row.verdict == UNDETERMINED else None)
    missing = tuple(dict.fromkeys((*evidence.missing, *found.missing)))
    supporting, contradicting, noted = _sides(row, suspected, found)
    return TriageResult(
        verdict=row.verdict,
        suspected=suspected,
        row=row.id,
        runbook=row.runbook,
        title=spec.phases.get(row.verdict, row.verdict),
        meaning=row.meaning or row.title,
        supporting=supporting,
        contradicting=contradicting,
        noted=noted,
        missing=missing,
        no_longer_possible=row.gone,
        next=tuple(_next(row, missing)),
        counts=evidence.counts,
        upgrade=evidence.upgrade,
    )


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


def _suspicion(spec: TriageSpec, values: Mapping[str, str]) -> str | None:
    return next((phase for when, phase in spec.suspicions if truth(when, values) is Truth.TRUE), None)


def _sides(
    row: Row, suspected: str | None, found: Findings
) -> tuple[tuple[Sighting, ...], tuple[Sighting, ...], tuple[Sighting, ...]]:
    """For, against, and neither. An undetermined answer is weighed by what is suspected."""
    phase = suspected if row.verdict == UNDETERMINED else row.verdict
    asked = frozenset() if row.verdict == UNDETERMINED else frozenset(_asked(row.when, found.values))
    sides: dict[str, list[Sighting]] = {"for": [], "against": [], "neither": []}
    for one in found.statements:
        sides[_side(one, phase, asked)].append(one.sighting)
    return tuple(sides["for"]), tuple(sides["against"]), tuple(sides["neither"])


def _side(statement: Statement, phase: str | None, asked: frozenset[str]) -> str:
    if phase is None:
        # Nothing is suspected: what speaks for any phase stands against a verdict.
        return "against" if statement.speaks_for else "neither"
    if phase in statement.speaks_for or (statement.finding and statement.finding in asked):
        return "for"
    if phase == "setup-running":
        return "neither"
    return "against" if phase in statement.speaks_against else "neither"


def _asked(condition: Condition, values: Mapping[str, str]) -> Iterator[str]:
    """The findings that made the condition true."""
    match condition:
        case Is(finding=name, values=wanted):
            if values.get(name) in wanted:
                yield {"service_manager": "databases", "data_warehouse": "databases"}.get(name, name)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for one in parts:
                yield from _asked(one, values)
        case Not():
            return


def _next(row: Row, missing: tuple[Missing, ...]) -> Iterator[str]:
    if row.next:
        yield row.next
    if row.verdict == UNDETERMINED:
        for start, sentence in _REMEDIES:
            if any(one.what.startswith(start) for one in missing):
                yield sentence
    if row.runbook:
        yield f"runbook run {row.runbook} -i INVENTORY"
