"""What the lines of one log mean.

Signatures are bound to the service whose start they report; what a later start of it overtook is superseded.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine.evidence.encoding import Readable, TextReader
from engine.evidence.log_lines import Line, LineSearch, lower, shown
from engine.evidence.stamps import stamps
from engine.model.triage import Concern, LogPattern, Missing, Sighting, Signature

ANNOUNCE = "attempting to start service"
# What Windows Installer writes around each of its runs, with the time.
FRAMES = ("logging started:", "logging stopped:")
KEPT = 20
_TIMES = 10_000

_ANNOUNCED = re.compile(r"attempting to start service\W{0,8}([\w$.\-]{1,80})", re.IGNORECASE)
_NAMED = re.compile(
    r"error code:?\s*0x[0-9a-f]{8}\W{1,8}(?:service\W{1,3})?([a-z][\w$.\-]{1,80})[^\w:]*$", re.IGNORECASE
)


@dataclass(slots=True)
class _Watch:
    """One pattern of one signature, and where its tokens were last seen."""

    signature: str
    pattern: LogPattern
    tokens: tuple[str, ...]
    seen: dict[str, int] = field(default_factory=dict)
    reported: int = -1

    def matches(self, line: Line) -> bool:
        here = [one for one in self.tokens if one in line.lowered]
        if not here:
            return False
        for token in here:
            self.seen[token] = line.number
        if self.pattern.within == 0:
            return len(here) == len(self.tokens)
        if len(self.seen) < len(self.tokens) or line.number - min(self.seen.values()) > self.pattern.within:
            return False
        fresh = min(self.seen.values()) > self.reported
        self.reported = line.number if fresh else self.reported
        return fresh


@dataclass(frozen=True, slots=True)
class _Time:
    """A line with a time; ``opens``: with it a run of setup begins."""

    line: int
    at: tuple[float, ...]
    opens: bool


@dataclass(slots=True)
class _Hit:
    sighting: Sighting
    service: str | None


@dataclass(frozen=True, slots=True)
class Unbound:
    """A line that reports a start of a service which no line before it names."""

    sighting: Sighting
    pattern: LogPattern


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFindings:
    """What one log gave.

    For the logs beside it: the last start of each service (``starts``), the service announced last and its line, what
    no start before it names, and the time of the first line with one (two times: it may mean either).
    """

    sightings: tuple[Sighting, ...]
    missing: tuple[Missing, ...]
    lines: int
    bytes: int
    services: Mapping[Sighting, str] = field(default_factory=dict)
    starts: Mapping[str, int] = field(default_factory=dict)
    announced: tuple[str, int] | None = None
    unbound: tuple[Unbound, ...] = ()
    last_line: int = 0
    stamped: tuple[float, ...] = ()

    def service_of(self, sighting: Sighting) -> str | None:
        """The service whose start the sighting reports."""
        return self.services.get(sighting)

    @property
    def unbound_gaps(self) -> tuple[Missing, ...]:
        """What cannot be said where no log before this one is known."""
        wanted = [one.sighting for one in self.unbound if one.pattern.service is not None]
        return tuple(
            Missing(
                what="the service of a failed start", host=one.host, file=one.file, line=one.line,
                why=f"no line before it says which service was started: {one.text}", concerns=Concern.LOGS,
            )
            for one in {one.line: one for one in wanted}.values()
        )  # fmt: skip

    def bound_to(self, service: str, place: str) -> tuple[Sighting, ...]:
        """The sightings among the unbound lines, if they report a start of this service."""
        found = [one.sighting for one in self.unbound if _meant(one.pattern, service)]
        overtaken = self.starts.get(service)
        why = f"the service was started again on line {overtaken}" if overtaken and overtaken < self.last_line else None
        return tuple(
            replace(one, text=f"{one.text} (bound to {service.upper()}, {place})", superseded=why) for one in found
        )


def _meant(pattern: LogPattern, service: str) -> bool:
    if pattern.service is not None:
        return service == pattern.service.lower()
    return pattern.other_service is not None and service != pattern.other_service.lower()


class LogMatcher:
    """Searches logs for signatures; made once, used for every log."""

    def __init__(self, signatures: Iterable[Signature]) -> None:
        self._patterns = [(one.id, pattern) for one in signatures for pattern in one.logs]
        tokens = {lower(token) for _, pattern in self._patterns for token in pattern.tokens}
        self._tokens = sorted({*tokens, ANNOUNCE, *FRAMES} - {"castartservices"}) if tokens else []

    def search(self, stream: Readable, host: str | None, file: str, offset_s: int | None) -> LogFindings:
        """Everything in one log."""
        reader = TextReader(stream)
        search = LineSearch(self._tokens, apart=ANNOUNCE)
        reading = _Reading(self._patterns, host, file, offset_s)
        for line in search.hits(reader.pieces()):
            reading.take(line)
        if reader.problem:
            reading.missing.append(
                Missing(
                    what="the end of a log",
                    host=host,
                    file=file,
                    line=search.last,
                    why=reader.problem,
                    concerns=Concern.LOGS if reader.lost else Concern.NOTHING,
                )
            )
        if reader.read == 0 or search.last == 0:
            reading.missing.append(
                Missing(what="a setup log", host=host, file=file, why="it is empty", concerns=Concern.LOGS)
            )
        return replace(reading.result(search.last), lines=search.lines, bytes=reader.read)


class _Reading:
    """The state of one pass: the service announced last, and what was seen."""

    def __init__(
        self, patterns: list[tuple[str, LogPattern]], host: str | None, file: str, offset_s: int | None
    ) -> None:
        self.watches = [_Watch(name, one, tuple(lower(token) for token in one.tokens)) for name, one in patterns]
        self.host, self.file, self.offset_s = host, file, offset_s
        self.announced: tuple[str, int] | None = None
        self.hits: dict[str, deque[_Hit]] = {}
        self.counts: dict[str, int] = {}
        self.last_at: dict[str, tuple[float, ...]] = {}
        self.pending: Line | None = None
        self.missing: list[Missing] = []
        self.starts: dict[str, int] = {}
        self.unbound: list[Unbound] = []
        self.stamped: tuple[float, ...] = ()
        self.times: deque[_Time] = deque(maxlen=_TIMES)

    def take(self, line: Line) -> None:
        at = stamps(line.text, self.offset_s)
        self.stamped = self.stamped or at
        if at:
            self.times.append(_Time(line.number, at, opens=lower(FRAMES[0]) in line.lowered))
        announced = _ANNOUNCED.search(line.text)
        if announced:
            name = announced.group(1).rstrip(".").lower()
            self.announced = (name, line.number)
            self.starts[name] = line.number
        done: set[str] = set()
        for watch in self.watches:
            if watch.signature not in done and watch.matches(line) and self._applies(watch, line):
                done.add(watch.signature)
                self._add(watch, line)

    def _service(self, line: Line) -> str | None:
        named = _NAMED.search(line.text)
        if named:
            return named.group(1).rstrip(".").lower()
        return self.announced[0] if self.announced else None

    def _applies(self, watch: _Watch, line: Line) -> bool:
        pattern = watch.pattern
        if pattern.service is None and pattern.other_service is None:
            return True
        service = self._service(line)
        if service is None:
            if len(self.unbound) < KEPT:
                self.unbound.append(Unbound(self._sighting(watch.signature, shown(line.text), line), pattern))
            return False
        return _meant(pattern, service)

    def _sighting(self, signature: str, text: str, line: Line) -> Sighting:
        at = stamps(line.text, self.offset_s)
        return Sighting(signature=signature, text=text, host=self.host, file=self.file, line=line.number, at=at)

    def _add(self, watch: _Watch, line: Line) -> None:
        service = self._service(line)
        text = shown(line.text)
        named = _NAMED.search(line.text)
        if watch.pattern.service and not named and self.announced:
            text = f"{text} (bound to {watch.pattern.service}, line {self.announced[1]})"
        sighting = self._sighting(watch.signature, text, line)
        kept = self.hits.setdefault(watch.signature, deque(maxlen=KEPT))
        if not kept or kept[-1].sighting.line != line.number:
            kept.append(_Hit(sighting, service))
            self.counts[watch.signature] = self.counts.get(watch.signature, 0) + 1

    def result(self, last_line: int) -> LogFindings:
        """All sightings; those of a start that was tried again later are superseded."""
        found = [(self._judged(hit, last_line), hit.service) for kept in self.hits.values() for hit in kept]
        for name, count in self.counts.items():
            if count > KEPT:
                why = f"{count} lines match; the last {KEPT} are kept"
                self.missing.append(Missing(what=f"earlier lines of {name}", host=self.host, file=self.file, why=why))
        return LogFindings(
            sightings=tuple(sorted((one for one, _ in found), key=lambda one: one.line or 0)),
            missing=tuple(self.missing),
            lines=0,
            bytes=0,
            services={one: service for one, service in found if service is not None},
            starts=self.starts,
            announced=self.announced,
            unbound=tuple(self.unbound),
            last_line=last_line,
            stamped=self.stamped,
        )

    def _judged(self, hit: _Hit, last_line: int) -> Sighting:
        again = self.starts.get(hit.service or "", 0)
        line = hit.sighting.line or 0
        if not hit.sighting.at:
            # A log only grows: a line is no younger than the first time that stands behind it. Where the times around
            # it are the beginning of its run of setup and none or that of the next, it is as old as that run.
            after = next((one for one in self.times if one.line > line), None)
            before = next((one for one in reversed(self.times) if one.line < line), None)
            since = before.at if before and before.opens and (after is None or after.opens) else ()
            hit = _Hit(replace(hit.sighting, at=after.at if after else (), since=since), hit.service)
        # A start announced on the very last line has no outcome yet: the outcome before it still stands.
        if again > line and again < last_line:
            return replace(hit.sighting, superseded=f"the service was started again on line {again}")
        return hit.sighting
