"""Events as lines of progress: which events are worth a line, and the words of it. Pure; the console prints them."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model import event as ev
from engine.model.plan import ENGINE_HOST, Plan
from engine.model.runbook import FINDING, leads_to
from engine.model.status import Status
from engine.reporting.plain import one_line, pad, printable, value_text, width
from engine.reporting.words import RUN_WORDS, duration, moment, status_word

_STATUS, _TOOK = 11, 11
INDENT = _STATUS + 3
"""Where the names begin."""
_MAX_NAME, _NARROW_NAME, _NARROW, _MAX_HOST, _MIN_WHY = 32, 24, 100, 12, 12
_ALARMING = frozenset({Status.FAILED, Status.UNREACHABLE, Status.BLOCKED, Status.IN_DOUBT})
_STYLES: Mapping[str, str] = {
    "ok": "green", "changed": "yellow", "skipped": "dim", "cancelled": "dim", "waiting": "cyan", "running": "cyan",
    "failed": "yellow", "unreachable": "yellow", "done": "bold green", "FAILED": "bold red",
    "UNREACHABLE": "bold red", "BLOCKED": "bold magenta", "REFUSED": "bold magenta", "IN DOUBT": "bold magenta",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A line that begins with a word; ``more`` are lines under it. Colour belongs to the word alone."""

    word: str
    rest: str
    more: tuple[str, ...] = ()

    @property
    def style(self) -> str:
        """The colour that supports the word."""
        return _STYLES.get(self.word, "bold")


def expected_failures(plan: Plan) -> Mapping[str, str]:
    """For a step whose failure the runbook expects: the name of the step that it goes on with; empty for a finding."""
    names = {step.id: one_line(step.name) or step.id for step in plan.steps}
    return {
        step.id: names.get(target, target)
        for step in plan.steps
        if (target := "" if step.on_failure == FINDING else leads_to(step.on_failure)) is not None
        and step.max_failures == 0
    }


def leads_words(target: str) -> str:
    """What is said of an expected failure."""
    return f"the runbook goes on with: {target}" if target else "a finding: the runbook goes on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Widths for one plan on one terminal; the sentence gets what is left. ``leads`` names, for a step whose
    failure the runbook expects, the step that it goes on with; nothing for a finding, which the next step follows.
    """

    total: int
    name: int
    host: int
    names: Mapping[str, str]
    leads: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, total: int) -> "Columns":
        """As narrow as the plan's names allow."""
        names = {step.id: one_line(step.name) or step.id for step in plan.steps}
        hosts = max((width(host) for step in plan.steps for host in step.hosts), default=4)
        longest = max((width(name) for name in names.values()), default=4)
        return cls(
            total=total,
            name=min(longest, _NARROW_NAME if total < _NARROW else _MAX_NAME),
            host=min(hosts, _MAX_HOST),
            names=names,
            leads=expected_failures(plan),
        )

    def step(self, word: str, step: str, host: str, took: str, why: str, *, whole: bool) -> Line:
        """A step run: name, host, time, sentence. Unless ``whole``, the sentence is cut to the line."""
        name = pad(self.names.get(step, step), self.name)
        rest = f"{name}  {pad('' if host == ENGINE_HOST else host, self.host)}  {pad(took, _TOOK, right=True)}"
        room = self.total - 2 - _STATUS - 1 - width(rest) - 2
        text = one_line(why)
        if width(text) <= room or (not whole and room >= _MIN_WHY):
            return Line(word, f"{rest}  {pad(text, room)}".rstrip())
        return Line(word, rest.rstrip(), tuple(self.wrapped(text)) if whole else ())

    def wrapped(self, text: str) -> list[str]:
        """More lines under a line, indented to where the names begin."""
        indent = " " * (_STATUS + 3)
        return textwrap.wrap(text, self.total, initial_indent=indent, subsequent_indent=indent)

    def pair(self, word: str, text: str) -> Line:
        """A line about the run; what does not fit goes under it."""
        first, *more = textwrap.wrap(one_line(text), max(self.total - _STATUS - 3, 20)) or [""]
        return Line(word, first, tuple(" " * (_STATUS + 3) + one for one in more))


def text_of(line: Line) -> str:
    """The whole line without colour."""
    return "\n".join([f"  {pad(line.word, max(_STATUS, width(line.word)))} {line.rest}".rstrip(), *line.more])


def header(started: ev.RunStarted) -> str:
    """The run's first line."""
    hosts = " ".join(started.hosts)
    check = "    check mode: nothing is changed" if started.check else ""
    head = f"{one_line(started.runbook)} {started.version}    run {started.run_id}"
    return f"{head}    {hosts}{check}"


def ended(columns: Columns, event: ev.StepRunEnded, *, verbosity: int) -> Line:
    """The outcome of a step run; bad outcomes are never cut, and name their remedy."""
    target = columns.leads.get(event.step) if event.status in (Status.FAILED, Status.UNREACHABLE) else None
    if target == "" and not event.found:
        target = None  # where nobody could look, nothing was found
    alarming = event.status in _ALARMING
    took = duration(event.duration_s) if event.duration_s else ""
    why = event.why
    if event.status is Status.CHANGED and (event.before is not None or event.after is not None):
        plain = not isinstance(event.before, Mapping) and not isinstance(event.after, Mapping)
        why = f"{value_text(event.before)} -> {value_text(event.after)}" if plain else event.why
    whole = alarming or verbosity > 0
    word = status_word(event.status) if target is None else event.status.value
    line = columns.step(word, event.step, event.host, took, why, whole=whole)
    more = list(line.more)
    if target is not None:
        more += columns.wrapped(leads_words(target))
    elif alarming:
        more += [
            one
            for error in event.errors
            if error.message not in event.why
            for one in columns.wrapped(one_line(error.message))
        ]
        more += columns.wrapped(f"remedy: {one_line(event.remedy)}") if event.remedy else []
    elif verbosity and event.status is Status.CHANGED:
        more += columns.wrapped(one_line(event.why))
    return Line(line.word, line.rest, tuple(more))


def about_run(columns: Columns, event: ev.RunEvent) -> Line | None:
    """Lines for events about the run or a person; None for events that other lines tell better."""
    match event:
        case ev.RunResumed():
            return columns.pair("resumed", f"by {event.operator} on {event.jump_host}, {moment(event.at)}")
        case ev.RetryScheduled():
            why = f"attempt {event.attempt} failed: {event.why}; next in {duration(event.due_at - event.at)}"
            return columns.step("waiting", event.step, event.host, "", why, whole=True)
        case ev.ApprovalGiven():
            return columns.step("approved", event.step, event.host, "", f"by {event.by}", whole=True)
        case ev.ApprovalDenied():
            why = f"by {event.by}" + (f": {event.reason}" if event.reason else "")
            return columns.step("denied", event.step, event.host, "", why, whole=True)
        case ev.DoubtSettled():
            why = f"by {event.by}: {event.reason}"
            return columns.step(status_word(event.status), event.step, event.host, "", why, whole=True)
        case ev.ProofsRefreshed():
            why = event.why if event.proofs else f"the proof no longer holds: {event.why}"
            return columns.step("looked", event.step, event.host, "", why, whole=not event.proofs)
        case ev.RunParked():
            line = columns.pair("waiting", event.reason)
            return Line(line.word, line.rest, (*line.more, "", f"  go on with   {printable(event.command)}"))
        case ev.RunInterrupted():
            left = ", ".join(event.in_flight)
            return columns.pair("interrupted", f"may still run: {left}" if left else "nothing is left running")
        case _:
            return None


def finished(columns: Columns, event: ev.RunFinished, started_at: float | None) -> Line:
    """The run's last line."""
    line = columns.pair(RUN_WORDS.get(event.status, event.status), event.summary)
    if started_at is None:
        return line
    return Line(line.word, line.rest, (*line.more, *columns.wrapped(f"after {duration(event.at - started_at)}")))
