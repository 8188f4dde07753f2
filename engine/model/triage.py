"""The values of a triage: what was brought, what was seen in it, the decision table, and the answer.

Times are epoch seconds (UTC). Hosts and files are as shown to people; files have forward slashes. None: does not apply.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from engine.model.data import JsonValue

UNKNOWN = "unknown"


class Truth(StrEnum):
    """Three values: what is unknown counts neither as true nor as false."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPattern:
    """All ``tokens``, in any letter case, within ``within`` lines of each other (0: on one line).

    ``service``: the line must belong to the start of this service, by its own words or by the nearest line before it
    that announces a start. ``other_service`` is the opposite: it belongs to another one.
    """

    tokens: tuple[str, ...]
    within: int = 0
    service: str | None = None
    other_service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPattern:
    """An event by id, by part of its source's name, by its log, and by names of which one stands in its message or
    strings. An export may not tell log or source: then a name has to do.
    """

    event: int
    source: str = ""
    log: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Something to look for. ``speaks_for`` are the phases it supports; empty: it is only noted. ``elsewhere`` says
    what shows it, where no log, event or key does: such a one is never sighted here.
    """

    id: str
    title: str
    speaks_for: tuple[str, ...] = ()
    logs: tuple[LogPattern, ...] = ()
    events: tuple[EventPattern, ...] = ()
    registry: tuple[str, ...] = ()
    remedy: str | None = None
    elsewhere: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitCodeGroup:
    """Exit codes of setup that mean the same for the table."""

    name: str
    codes: Mapping[int, str]
    speaks_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Is:
    """The finding has one of these values."""

    finding: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every one holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """It does not hold."""

    part: "Condition"


Condition: TypeAlias = Is | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the decision table, or one case of a row."""

    id: str
    title: str
    when: Condition
    verdict: str
    suspected: str | None = None
    runbook: str | None = None
    gone: tuple[str, ...] = ()
    meaning: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageSpec:
    """A triage document: signatures, exit codes and the ordered table (a row with cases stands there once per case)."""

    name: str
    file: str
    signatures: tuple[Signature, ...]
    exit_codes: tuple[ExitCodeGroup, ...]
    rows: tuple[Row, ...]
    phases: Mapping[str, str]
    suspicions: "tuple[tuple[Condition, str], ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A signature seen. ``superseded`` says why it no longer counts; ``at`` are the times it may have, for zone and
    order of day and month may be unknown. ``since``: when the run of setup began that wrote a line without a time.
    ``of_event``: seen in an event log, which goes back for years.
    """

    signature: str
    text: str
    host: str | None = None
    file: str | None = None
    line: int | None = None
    at: tuple[float, ...] = ()
    since: tuple[float, ...] = ()
    superseded: str | None = None
    of_event: bool = False


class Concern(StrEnum):
    """What a gap in the evidence would have spoken of; nothing: no finding depends on it."""

    NOTHING = "nothing"
    LOGS = "logs"
    EVENTS = "events"
    REGISTRY = "registry"
    VERSIONS = "versions"
    BASELINE = "baseline"
    SETUP_RUNNING = "setup_running"
    RETRY_BUTTON = "retry_button"
    EXIT_CODE = "exit_code"
    PREREQUISITE_PAGE = "prerequisite_page"
    STARTED_AT = "started_at"
    ANYTHING = "anything"


class Weight(StrEnum):
    """What evidence that is missing could do to the verdict, found by asking the table with each of its values."""

    ALONE = "alone"
    TOGETHER = "with other missing evidence"
    NEVER = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Evidence that is absent or could not be read: what, where, why, and what it would have spoken of."""

    what: str
    why: str
    host: str | None = None
    file: str | None = None
    line: int | None = None
    concerns: Concern = Concern.NOTHING
    weight: Weight | None = None

    @property
    def text(self) -> str:
        """One sentence."""
        place = f" ({self.file}{f', line {self.line}' if self.line else ''})" if self.file else ""
        return f"{f'{self.host}: ' if self.host else ''}{self.what}{place}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Versions as text; a name that is absent or ``unknown`` is not known. ``file`` is where they were read."""

    binaries: str = UNKNOWN
    management_packs: str = UNKNOWN
    databases: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceHost:
    """What is known of one host. ``warehouse_databases``: names, in lower case, that it says are of the warehouse."""

    name: str
    role: str = UNKNOWN
    versions: Versions = field(default_factory=Versions)
    warehouse_databases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """The upgrade that failed; ``offset_s`` is the offset from UTC that its start was written with."""

    from_version: str | None = None
    to_version: str | None = None
    started_at: float | None = None
    offset_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a person saw: ``yes``, ``no`` or ``unknown``; setup's exit code; the items of the prerequisite page."""

    setup_running: str = UNKNOWN
    retry_button: str = UNKNOWN
    exit_code: int | None = None
    prerequisite_page: tuple[str, ...] = ()
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much was read; a verdict over nothing must show it."""

    hosts: int = 0
    files: int = 0
    log_files: int = 0
    log_lines: int = 0
    events: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was brought, read and searched."""

    hosts: tuple[EvidenceHost, ...] = ()
    baseline: tuple[EvidenceHost, ...] | None = None
    baseline_file: str | None = None
    baseline_at: float | None = None
    collected_at: float | None = None
    upgrade: Upgrade = field(default_factory=Upgrade)
    answers: Answers = field(default_factory=Answers)
    sightings: tuple[Sighting, ...] = ()
    missing: tuple[Missing, ...] = ()
    counts: Counts = field(default_factory=Counts)
    warehouse_databases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the table would answer if the evidence said this."""

    says: str
    verdict: str
    row: str
    suspected: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """The least evidence that would decide an undetermined answer: one piece where one does, else several together.

    ``surely``: whatever it says, the phase is known then.
    """

    pieces: tuple[str, ...]
    surely: bool
    outcomes: tuple[Outcome, ...]
    how: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageResult:
    """The answer. ``noted`` was seen and decides nothing; ``next`` are sentences.

    Of an undetermined answer ``possible`` are the phases that missing evidence may still lead to. ``titles`` are those
    of all phases. ``baseline_file``: the baseline that was compared with, as shown.
    """

    verdict: str
    suspected: str | None
    row: str
    runbook: str | None
    title: str
    meaning: str
    supporting: tuple[Sighting, ...]
    contradicting: tuple[Sighting, ...]
    noted: tuple[Sighting, ...]
    missing: tuple[Missing, ...]
    no_longer_possible: tuple[str, ...]
    next: tuple[str, ...]
    counts: Counts
    upgrade: Upgrade
    deciding: Deciding | None = None
    possible: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    baseline_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedText:
    """A parsed document: plain data, the line of the key or value at each path, and problems as (line, sentence)."""

    value: JsonValue
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)
    problems: tuple[tuple[int, str], ...] = ()


ParseText = Callable[[str, str], ParsedText]
"""Text and file name to a parsed document; handed in, because one room alone parses what users write."""
