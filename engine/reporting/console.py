"""Progress on a stream: one line a finished step run; on a terminal also a moving part, one line a busy host.

Not a terminal: plain lines only, no cursor is moved. Whatever a host said is made printable before it is shown.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

from engine.model import event as ev
from engine.model.plan import ENGINE_HOST, Plan
from engine.model.status import Status
from engine.reporting import lines
from engine.reporting.change_diff import diff_lines
from engine.reporting.lines import Columns, Line
from engine.reporting.words import counted, duration

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_NARROWEST, _NO_TERMINAL = 60, 100
_REFRESHES_A_SECOND = 4
_QUIET = frozenset({Status.SKIPPED, Status.CANCELLED})
_Key = tuple[str, str]


def _reason(event: ev.StepRunEnded) -> tuple[str, str]:
    """What step runs that are folded together have in common: a skipped one's reason without its detail."""
    return event.status.value, event.why.partition(":")[0] if event.status is Status.SKIPPED else event.why


@dataclass(frozen=True, slots=True, kw_only=True)
class _Busy:
    """What the moving part shows of one step run."""

    since: float
    word: str = "running"
    text: str = ""
    due_at: float | None = None
    gives_up_at: float | None = None


class ConsoleSink:
    """An ``EventSink`` on a text stream, usually standard error. ``color`` and ``live`` None: as the stream can.

    ``verbosity`` 0: outcomes, step runs that were not wanted folded to one line; 1: also starts, whole sentences.
    ``now`` gives epoch seconds for the moving part. ``diff`` shows before and after of every change.
    """

    def __init__(
        self,
        plan: Plan,
        stream: TextIO | None = None,
        *,
        verbosity: int = 0,
        color: bool | None = None,
        live: bool | None = None,
        columns: int | None = None,
        now: Callable[[], float] = time.time,
        diff: bool = False,
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._is_live = terminal if live is None else live
        self._color = color if color is not None else terminal and not os.environ.get("NO_COLOR")
        total = columns or (shutil.get_terminal_size().columns if terminal else _NO_TERMINAL)
        self._columns = Columns.of(plan, max(total, _NARROWEST))
        # an end of these steps may be followed by another attempt or look; only then it is known to be the end
        self._repeating = {one.id for one in plan.steps if one.retry is not None or one.wait is not None}
        self._verbosity = verbosity
        self._now = now
        self._diff = diff
        self._folded: list[ev.StepRunEnded] = []
        self._busy: dict[_Key, _Busy] = {}
        self._held: dict[_Key, ev.StepRunEnded] = {}
        self._told_waits: dict[_Key, str] = {}
        self._started_at: float | None = None
        self._live: Live | None = None

    def handle(self, event: ev.RunEvent) -> None:
        """Show one event."""
        self._settle(event)
        self._show(event)
        self._move()

    def close(self) -> None:
        """Show what was held back and leave the terminal as it was."""
        self._flush()
        self._unfold()
        self._busy.clear()
        self._move()

    # --- which line an event gets --------------------------------------------------------------

    def _show(self, event: ev.RunEvent) -> None:
        match event:
            case ev.RunStarted():
                self._started_at = event.at
                self._write(lines.header(event) + ("    with differences" if self._diff else "") + "\n")
            case ev.StepRunStarted():
                self._begin(event)
            case ev.Progress():
                self._report(event)
            case ev.StepRunEnded():
                self._end(event)
            case ev.RetryScheduled() | ev.WaitScheduled():
                self._postpone(event)
            case ev.ChangeDecided():
                self._busy.pop((event.step, event.host), None)
            case ev.ApprovalAsked() | ev.QuestionAsked() | ev.RunParked() | ev.RunInterrupted():
                self._pause()
                self._print(lines.about_run(self._columns, event))
            case ev.RunFinished():
                self._busy.clear()
                self._print(lines.finished(self._columns, event, self._started_at), before="\n")
            case _:
                self._print(lines.about_run(self._columns, event))

    def _begin(self, event: ev.StepRunStarted) -> None:
        key = (event.step, event.host)
        self._busy[key] = _Busy(since=self._busy[key].since if key in self._busy else event.at)
        if self._verbosity and key not in self._told_waits:
            self._print(self._columns.step("running", event.step, event.host, "", "", whole=False))

    def _report(self, event: ev.Progress) -> None:
        key = (event.step, event.host)
        busy = self._busy.get(key, _Busy(since=event.at))
        self._busy[key] = replace(busy, text=event.text)
        if self._verbosity and not self._is_live and busy.text != event.text:
            self._print(self._columns.step("running", event.step, event.host, "", event.text, whole=True))

    def _end(self, event: ev.StepRunEnded) -> None:
        key = (event.step, event.host)
        if event.step in self._repeating:
            self._held[key] = event
        else:
            self._finish(key, event)

    def _finish(self, key: _Key, event: ev.StepRunEnded) -> None:
        busy = self._busy.pop(key, None)
        if busy is not None and event.step in self._repeating:
            event = replace(event, duration_s=max(event.at - busy.since, event.duration_s))
        if self._verbosity == 0 and event.status in _QUIET and not event.changed:
            if self._folded and _reason(self._folded[-1]) != _reason(event):
                self._unfold()
            self._folded.append(event)
            return
        self._print(self._ended(event))

    def _ended(self, event: ev.StepRunEnded) -> Line:
        line = lines.ended(self._columns, event, verbosity=self._verbosity)
        if event.status is Status.SKIPPED and event.changed:  # check mode
            would = replace(event, status=Status.CHANGED, errors=())
            line = replace(lines.ended(self._columns, would, verbosity=self._verbosity), word="to change")
        if not self._diff or not event.changed:
            return line
        indent = " " * (lines.INDENT + 2)
        return replace(line, more=(*line.more, *(indent + one for one in diff_lines(event.before, event.after))))

    def _unfold(self) -> None:
        """Consecutive step runs that did nothing for one reason are one line; a single one is shown as itself."""
        folded, self._folded = self._folded, []
        if len(folded) == 1:
            self._print(self._ended(folded[0]))
        elif folded:
            steps = counted(len({one.step for one in folded}), "step")
            status, reason = _reason(folded[0])
            self._print(self._columns.pair(status, f"{steps}: {reason} (-v shows each)"))

    def _postpone(self, event: ev.RetryScheduled | ev.WaitScheduled) -> None:
        key = (event.step, event.host)
        gives_up_at = event.gives_up_at if isinstance(event, ev.WaitScheduled) else None
        busy = self._busy.get(key, _Busy(since=event.at))
        self._busy[key] = replace(busy, word="waiting", text=event.why, due_at=event.due_at, gives_up_at=gives_up_at)
        if isinstance(event, ev.RetryScheduled):
            self._print(lines.about_run(self._columns, event))
        elif not self._is_live and self._told_waits.get(key) != event.why:
            # a wait that looks a hundred times is told once, and again when what it sees has changed
            self._print(
                self._columns.step("waiting", event.step, event.host, "", self._wait_text(busy, event), whole=True)
            )
        self._told_waits[key] = event.why

    @staticmethod
    def _wait_text(_busy: _Busy, event: ev.WaitScheduled) -> str:
        return f"{event.why}; gives up in {duration(event.gives_up_at - event.at)}"

    # --- ends that may not be the end ------------------------------------------------------------

    def _settle(self, event: ev.RunEvent) -> None:
        """Decide what was held back: another attempt makes it no end, an event of another step makes it one."""
        step, host = getattr(event, "step", None), getattr(event, "host", ENGINE_HOST)
        if isinstance(event, (ev.RetryScheduled, ev.WaitScheduled, ev.StepRunStarted, ev.StepRunEnded)):
            self._held.pop((event.step, event.host), None)
        if isinstance(event, (ev.Progress, ev.ProofsRefreshed)) or (step, host) in self._held:
            return
        if not any(key[0] == step for key in self._held):
            self._flush()

    def _flush(self) -> None:
        for key, held in list(self._held.items()):
            del self._held[key]
            self._finish(key, held)

    # --- writing ---------------------------------------------------------------------------------

    def _print(self, line: Line | None, before: str = "") -> None:
        if line is not None:
            if self._folded:
                self._unfold()
            self._write(before + lines.text_of(line), word=line)

    def _write(self, text: str, word: Line | None = None) -> None:
        if self._live is not None:
            self._live.console.print(self._styled(text, word), soft_wrap=True)
            return
        if word is not None and self._color:
            from rich.console import Console  # noqa: PLC0415 - only where there is colour

            Console(file=self._stream, force_terminal=True, color_system="standard", highlight=False).print(
                self._styled(text, word), soft_wrap=True
            )
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        self._stream.flush()

    def _styled(self, text: str, word: Line | None) -> "Text":
        from rich.text import Text  # noqa: PLC0415 - plain output never pays for it

        shown = Text(text)
        if word is not None and self._color:
            start = text.index(word.word) if word.word else 0
            shown.stylize(word.style, start, start + len(word.word))
        return shown

    # --- the moving part --------------------------------------------------------------------------

    def _move(self) -> None:
        """The display runs only while some host is busy, so it is never in the way of a prompt."""
        if not self._is_live:
            return
        if not self._busy:
            self._pause()
        elif self._live is None:
            self._live = self._new_live()
            self._live.start(refresh=True)
        else:
            self._live.refresh()

    def _pause(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _new_live(self) -> "Live":
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        console = Console(
            file=self._stream,
            force_terminal=True,
            color_system="standard" if self._color else None,
            highlight=False,
            width=self._columns.total,
        )
        return Live(
            console=console,
            get_renderable=self.moving_part,
            transient=True,
            refresh_per_second=_REFRESHES_A_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def moving_part(self) -> "Text":
        """The busy step runs, oldest first, one line each; what has no room is counted."""
        from rich.text import Text  # noqa: PLC0415

        # the display's own thread draws too: it works on a copy, and no lock is shared with it
        busy = sorted(dict(self._busy).items(), key=lambda one: one[1].since)
        room = max(shutil.get_terminal_size().lines - 2, 3)
        now = self._now()
        shown = Text()
        for number, (key, one) in enumerate(busy[:room]):
            line = self._moving_line(key, one, now)
            shown.append("\n" if number else "").append_text(self._styled(lines.text_of(line), line))
        if len(busy) > room:
            shown.append(f"\n  and {len(busy) - room} more")
        return shown

    def _moving_line(self, key: _Key, one: _Busy, now: float) -> Line:
        text = one.text
        if one.word == "waiting" and one.due_at is not None:
            text = f"next look in {duration(one.due_at - now)}; {text}"
            if one.gives_up_at is not None:
                text = f"gives up in {duration(one.gives_up_at - now)}; {text}"
        return self._columns.step(one.word, key[0], key[1], duration(now - one.since), text, whole=False)
