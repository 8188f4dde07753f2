"""Evidence to verdict: the first row of the table that is certainly true. Pure.

What is unknown is neither true nor false: a row with an unknown part is passed over, "undetermined" is an answer.
"""

from collections.abc import Iterator, Mapping

from engine.conduct.triage_findings import Findings, Statement, findings
from engine.conduct.triage_missing import HOW, deciding, possible, weighed
from engine.conduct.triage_table import UNDETERMINED, Table, truth
from engine.conduct.triage_versions import settled
from engine.conduct.triage_worlds import Worlds
from engine.model.triage import (
    UNKNOWN,
    AllOf,
    AnyOf,
    Concern,
    Condition,
    Deciding,
    Evidence,
    Is,
    Missing,
    Not,
    Row,
    Sighting,
    TriageResult,
    TriageSpec,
    Weight,
)

__all__ = ["UNDETERMINED", "judge", "truth"]

_ASKED_FOR = (Concern.BASELINE, Concern.VERSIONS, Concern.RETRY_BUTTON, Concern.LOGS)


def judge(evidence: Evidence, spec: TriageSpec) -> TriageResult:
    """The answer, with everything that speaks for and against it."""
    found = findings(evidence, spec)
    table = Table(spec)
    row, suspected = table.row(found.values), table.suspected(found.values)
    worlds = Worlds(evidence, spec, found, table)
    gaps = tuple(dict.fromkeys((*evidence.missing, *found.missing)))
    missing = weighed(gaps, found.values, worlds, table)
    decides = deciding(gaps, found.values, worlds, table) if row.verdict == UNDETERMINED else None
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
        next=tuple(dict.fromkeys(_next(row, suspected, missing, decides, found))),
        counts=evidence.counts,
        upgrade=evidence.upgrade,
        deciding=decides,
        possible=possible(gaps, found.values, worlds, table) if row.verdict == UNDETERMINED else (),
        titles=spec.phases,
        baseline_file=evidence.baseline_file if evidence.baseline else None,
    )


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


def _next(
    row: Row, suspected: str | None, missing: tuple[Missing, ...], decides: Deciding | None, found: Findings
) -> Iterator[str]:
    if row.next:
        yield row.next
    if suspected == "setup-running":
        yield HOW[Concern.SETUP_RUNNING]
    if row.verdict == UNDETERMINED:
        weigh = {one.concerns for one in missing if one.weight is not Weight.NEVER}
        asked = (*(decides.how if decides else ()), *(HOW[one] for one in _ASKED_FOR if one in weigh))
        unknown = [one for one in found.compared if one.state == UNKNOWN]
        # Where versions were read and it is in doubt what they mean, reading them again tells no more.
        known = bool(unknown) and all(one.doubt for one in unknown)
        yield from (one for one in asked if not (known and one == HOW[Concern.VERSIONS]))
        yield from settled(unknown)
    if row.runbook:
        yield f"runbook run {row.runbook} -i INVENTORY"
