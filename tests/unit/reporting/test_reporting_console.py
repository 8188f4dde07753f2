"""Progress: one line a finished step run, no noise, no escape that a host sent, nothing left moving."""

import io
from dataclasses import replace

import pytest
from reporting_sample import AT, STARTED, STEPS, begun, ended, events, hostile_events, plan

from engine.model import event as ev
from engine.model.status import Status
from engine.reporting.console import ConsoleSink


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(happened: list[ev.RunEvent], **options: object) -> str:
    stream = io.StringIO()
    sink = ConsoleSink(plan(), stream, **{"columns": 80, **options})  # type: ignore[arg-type]
    for event in happened:
        sink.handle(event)
    sink.close()
    return stream.getvalue()


def lines_of(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"  {word} ")]


def test_every_step_run_that_ended_has_exactly_one_line() -> None:
    text = shown(events())
    assert len(lines_of(text, "ok")) == 5
    assert len(lines_of(text, "changed")) == 3
    assert len(lines_of(text, "skipped")) == 1
    assert len(lines_of(text, "done")) == 1
    assert text.splitlines()[0] == "configuration-service-timeout 1.2.0    run 2026-11-22-a41c    SM01 SQL01"
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_an_attempt_that_is_followed_by_another_is_no_end() -> None:
    text = shown(events())
    assert "UNREACHABLE" not in text
    assert "attempt 1 failed: SQL01: run lost its connection" in text


def test_a_failure_that_the_runbook_expects_is_no_alarm_and_says_what_comes_next() -> None:
    leading = tuple(replace(one, on_failure="another") if one.id == "untouched" else one for one in STEPS)
    stream = io.StringIO()
    sink = ConsoleSink(plan(leading), stream, columns=100)
    for event in (
        STARTED,
        begun(1, "untouched"),
        ended(2, "untouched", Status.FAILED, "two versions differ", remedy="do not retry", duration_s=1.0),
        ended(3, "another", Status.OK, "goes on", "-"),
    ):
        sink.handle(event)
    sink.close()
    text = stream.getvalue()
    assert len(lines_of(text, "failed")) == 1
    assert "FAILED" not in text
    assert "the runbook goes on with: Back to triage" in text
    assert "do not retry" not in text


def test_a_wait_is_told_once_until_it_sees_something_else() -> None:
    text = shown(events())
    assert text.count("not yet: result.state") == 1
    assert "start pending" not in text


def test_a_last_attempt_that_failed_is_shown_with_its_remedy() -> None:
    happened = [
        STARTED,
        begun(1, "untouched"),
        ended(2, "untouched", Status.FAILED, "two versions differ", remedy="run triage again", duration_s=1.0),
        ended(3, "another", Status.CANCELLED, "step untouched failed", "-"),
    ]
    text = shown(happened)
    assert len(lines_of(text, "FAILED")) == 1
    assert "remedy: run triage again" in text
    assert text.index("FAILED") < text.index("cancelled")
    assert lines_of(shown(happened[:3]), "FAILED"), "close shows what was held back"


@pytest.mark.parametrize(
    ("status", "word"),
    [(Status.UNREACHABLE, "UNREACHABLE"), (Status.BLOCKED, "BLOCKED"), (Status.IN_DOUBT, "IN DOUBT")],
)
def test_bad_outcomes_are_never_cut(status: Status, word: str) -> None:
    why = "a sentence that is much longer than the line is wide " * 4 + "END"
    text = shown([STARTED, ended(1, "account", status, why)])
    assert lines_of(text, word)
    assert "END" in text


def test_hostile_text_moves_no_cursor() -> None:
    for options in ({}, {"color": True, "columns": 100}):
        text = shown(hostile_events(), **options)
        rest = text
        for code in ("\x1b[1;31m", "\x1b[1;35m", "\x1b[36m", "\x1b[1m", "\x1b[0m"):
            rest = rest.replace(code, "")
        assert not [one for one in rest if ord(one) < 32 and one != "\n"]
        assert "\u202e" not in text
        assert "title" not in text


def test_colour_supports_a_word_that_is_there_anyway() -> None:
    text = shown(events(), color=True)
    assert "\x1b[32mok\x1b[0m" in text


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    sink = ConsoleSink(plan(), stream, live=False)
    for event in events():
        sink.handle(event)
    assert "\x1b" not in stream.getvalue()


def test_parking_names_the_command_that_goes_on() -> None:
    text = shown(
        [STARTED, ev.RunParked(at=AT + 1, reason="step reboot waits", command="runbook resume 2026 --answer x")]
    )
    assert "  go on with   runbook resume 2026 --answer x" in text
    text = shown([STARTED, ev.RunInterrupted(at=AT + 1, in_flight=("reboot@SM01",))])
    assert "may still run: reboot@SM01" in text


def test_a_stream_that_cannot_hold_a_character_gets_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252")
    sink = ConsoleSink(plan(), stream)
    sink.handle(STARTED)
    sink.handle(ended(1, "account", Status.OK, "日本"))
    stream.flush()
    assert b"??" in raw.getvalue()


def test_the_moving_part_has_one_line_a_busy_host_and_ends_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    sink = ConsoleSink(plan(), stream, columns=80, color=False, now=lambda: AT + 100)
    sink.handle(STARTED)
    sink.handle(begun(1, "untouched"))
    sink.handle(begun(2, "untouched", "SQL01"))
    sink.handle(ev.Progress(at=AT + 3, step="untouched", host="SQL01", text="reading \x1b[2J versions"))
    moving = sink.moving_part().plain.splitlines()
    assert len(moving) == 2
    assert "1 min 39 s" in moving[0]
    assert "reading" in moving[1]
    assert "\x1b" not in "".join(moving)
    wait = ev.WaitScheduled(
        at=AT + 4, step="untouched", host="SM01", attempt=1, due_at=AT + 105, gives_up_at=AT + 160, why="no"
    )
    sink.handle(wait)
    assert "waiting" in sink.moving_part().plain.splitlines()[0]
    assert sink._live is not None
    sink.handle(ev.ApprovalDenied(at=AT + 5, step="reboot", host="SM01", by="anna", reason=""))
    sink.handle(ev.RunFinished(at=AT + 6, status="failed", exit_code=1, summary="end"))
    assert sink._live is None, "a prompt or the shell finds the terminal as it was"
    sink.close()
    assert "\x1b[?25h" in stream.getvalue(), "the cursor is shown again"


def test_the_display_stops_before_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    sink = ConsoleSink(plan(), Terminal(), columns=80)
    for event in events():
        sink.handle(event)
        if isinstance(event, (ev.ApprovalAsked, ev.QuestionAsked)):
            assert sink._live is None
    sink.close()
