"""The report as one HTML file: no script, no outside asset; readable by a screen reader, on paper, in light and dark.

Everything that came from a host or a person is made printable and then escaped by the template engine; the template
itself marks nothing as safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from engine.model.plan import ENGINE_HOST
from engine.model.report import Report, ReportStepRun
from engine.model.status import RunStatus, Status
from engine.reporting.plain import printable, value_text
from engine.reporting.words import RUN_WORDS, baseline_words, counted, duration, moment, short_digest, size, status_word

_NARROWEST_BAR = 0.35
_TICKS = 4
_TONES: Mapping[Status, str] = {
    Status.OK: "good", Status.CHANGED: "changed", Status.SKIPPED: "quiet", Status.CANCELLED: "quiet",
    Status.PENDING: "quiet", Status.READY: "quiet", Status.WAITING: "busy", Status.RUNNING: "busy",
    Status.FAILED: "bad", Status.UNREACHABLE: "bad", Status.BLOCKED: "doubt", Status.IN_DOUBT: "doubt",
}  # fmt: skip
_RUN_TONES = {
    RunStatus.DONE.value: "good",
    RunStatus.FAILED.value: "bad",
    RunStatus.REFUSED.value: "doubt",
    RunStatus.IN_DOUBT.value: "doubt",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the time line in percent of its width; ``label`` says the same in words."""

    kind: str
    left: float
    wide: float
    label: str


def report_html(report: Report) -> str:
    """The whole file."""
    return _template().render(
        report=report,
        tone=_RUN_TONES.get(report.status, "busy"),
        state=RUN_WORDS.get(report.status, report.status),
        ticks=_ticks(report),
        timed=[one for one in report.step_runs if one.spans],
        bars=lambda run: bars(report, run),
    )


def bars(report: Report, run: ReportStepRun) -> list[Bar]:
    """The step run's time to scale; a stretch too short to see is drawn as the narrowest bar."""
    whole = max(report.read_at - report.started_at, 0.001)
    found = []
    for span in run.spans:
        wide = max((span.end - span.start) / whole * 100, _NARROWEST_BAR)
        left = min((span.start - report.started_at) / whole * 100, 100 - wide)
        label = f"{_KINDS[span.kind.value]} for {duration(span.end - span.start)}"
        begins = f"{duration(span.start - report.started_at)} after the start"
        found.append(Bar(span.kind.value, round(max(left, 0), 3), round(wide, 3), f"{label}, from {begins}"))
    return found


_KINDS = {"work": "at work", "wait": "waiting", "person": "waiting for a person"}


def _ticks(report: Report) -> list[str]:
    whole = report.read_at - report.started_at
    return [duration(whole * n / _TICKS) if n else "start" for n in range(_TICKS + 1)]


def _shown(value: Any) -> Any:
    """What every printed value goes through before it is escaped."""
    return printable(value) if type(value) is str else value


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=_shown, trim_blocks=True)
    environment.lstrip_blocks = True
    environment.filters.update(
        moment=moment,
        duration=duration,
        size=size,
        value=value_text,
        short=short_digest,
        baseline=baseline_words,
        status=status_word,
        tone=lambda status: _TONES[status],
        host=lambda host: "" if host == ENGINE_HOST else host,
        counted=counted,
    )
    return environment.from_string(files("engine.reporting").joinpath("report.html").read_text(encoding="utf-8"))
