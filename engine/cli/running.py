"""What the commands that run something share: sinks, the person, signals, and the last words."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

import click

from engine.app.run import Listeners, RunResult
from engine.cli import options
from engine.cli.person import person
from engine.execute.messages import Interrupts
from engine.model.event import RunEvent, RunParked, event_to_json
from engine.model.exit_code import ExitCode
from engine.model.plan import Plan
from engine.ports.edges import EventSink, Person


class JsonLines:
    """Each event as one line of JSON on standard output."""

    def handle(self, event: RunEvent) -> None:
        """One event."""
        import json

        click.echo(json.dumps(event_to_json(event)))

    def close(self) -> None:
        """Nothing is held."""


class LastWords:
    """Keeps the command that continues a parked run; ``is_shown`` if the progress display tells it already."""

    def __init__(self) -> None:
        self.parked: RunParked | None = None
        self.is_shown = False

    def handle(self, event: RunEvent) -> None:
        """Only a parking matters."""
        if isinstance(event, RunParked):
            self.parked = event

    def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True, kw_only=True)
class Manner:
    """How a run shows itself and is answered; ``person`` replaces flags and terminal."""

    operator: str
    answers: tuple[str, ...]
    approve_all: bool
    verbose: int
    no_color: bool
    as_json: bool
    diff: bool = False
    reason: str = ""
    person: Person | None = None
    is_asked: bool = False

    def listeners(self, last: LastWords) -> Listeners:
        """Sinks and person for a plan; Ctrl-C once drains, twice stops."""
        from engine.app.children import asked_within
        from engine.reporting.console import ConsoleSink

        interrupts = Interrupts()
        taken: dict[str, object] = {}
        _catch(interrupts)

        def sinks(plan: Plan) -> Sequence[EventSink]:
            console = ConsoleSink(
                plan, sys.stderr, verbosity=self.verbose, color=options.wants_color(self.no_color), diff=self.diff
            )
            last.is_shown = not self.as_json
            return (JsonLines(), last) if self.as_json else (console, last)

        def answering(plan: Plan) -> Person:
            if self.person is not None:
                return self.person
            first, self.is_asked = not self.is_asked, True  # the answers are for this run, or for runs within it
            return person(
                plan,
                self.answers,
                approve_all=self.approve_all,
                by=self.operator,
                reason=self.reason,
                within=(lambda: asked_within(plan)) if first else None,
                taken=taken,
            )

        return Listeners(sinks=sinks, person=answering, interrupts=interrupts)


def _catch(interrupts: Interrupts) -> None:
    def handler(number: int, frame: FrameType | None) -> None:
        del frame
        terminated = number != signal.SIGINT
        interrupts.interrupt(int(ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED))
        words = (
            "stopping now" if interrupts.is_second else "finishing what is in flight; interrupt again to stop at once"
        )
        with suppress(OSError):
            click.echo(f"\ninterrupted: {words}", err=True)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last: the terminal is gone
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handler)


def conclude(result: RunResult, last: LastWords) -> int:
    """The last lines, and the exit code, which stands even if nobody can read them any more."""
    with suppress(OSError):
        for line in _last_lines(result, last):
            click.echo(line, err=True)
    return result.stopped.exit_code


def _last_lines(result: RunResult, last: LastWords) -> Iterator[str]:
    """Where the report lies, and how to go on. How the run stands was the progress display's last line."""
    code, stopped = result.stopped.exit_code, result.stopped
    if not last.is_shown:
        yield f"\n  {stopped.reason}"
    yield from (f"  note         {note}" for note in result.notes)
    yield f"\n  report       {result.folder / 'report.html'}"
    if result.baseline is not None:
        yield f"  baseline     {result.baseline}"
    if stopped.ways and not (last.is_shown and len(stopped.ways) == 1):
        width = max(len(command) for command, _ in stopped.ways)
        lead = "go on with" if len(stopped.ways) == 1 else "one of"
        for number, (command, means) in enumerate(stopped.ways):
            yield f"  {lead if number == 0 else '':<11}  {command:<{width}}   {means}"
    elif last.parked is not None:
        if not last.is_shown:
            yield f"  go on with   {last.parked.command}"
    elif code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        yield f"  go on with   runbook resume {result.run_id}{result.state_option}"
    elif code != ExitCode.DONE:
        yield f"  more         runbook report {result.run_id}{result.state_option}"
