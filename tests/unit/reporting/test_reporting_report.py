"""The report: a fold over the journal, told as text, JSON and HTML, with hostile text made harmless."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from reporting_sample import ALL, AT, STARTED, STEPS, begun, ended, events, hostile_events, plan, step

from engine.model import event as ev
from engine.model.errors import JournalDamaged
from engine.model.plan import Exits
from engine.model.report import SpanKind
from engine.model.status import Effect, Status
from engine.reporting.build import build_report
from engine.reporting.report_html import bars, report_html
from engine.reporting.report_json import report_json_text
from engine.reporting.report_text import recap, report_text

INTENT = ev.ChangeIntended(
    at=AT + 1.5,
    step="config_file",
    host="SM01",
    attempt=1,
    why="missing",
    before="absent",
    after="there",
    commands=("x",),
)


def test_the_head_says_what_is_true_now() -> None:
    report = build_report(plan(), events())
    assert report.head == "The run ended well after 5 min 43 s. 3 changes on SM01."
    assert (report.status, report.exit_code, report.ended_at) == ("done", 0, AT + 343.2)


def test_statuses_attempts_and_changes() -> None:
    report = build_report(plan(), events())
    runs = {(one.step, one.host): one for one in report.step_runs}
    assert [one.status for one in report.step_runs].count(Status.OK) == 5
    assert (runs["untouched", "SQL01"].attempts, runs["untouched", "SQL01"].status) == (2, Status.OK)
    assert runs["starts", "SM01"].attempts == 3
    assert [(one.step, one.before, one.after, one.certain) for one in report.changes] == [
        ("config_file", "absent", 'enabled="false"', True),
        ("start_timeout", "absent", "200000 ms", True),
        ("reboot", "boot 17:40", "boot 18:07", True),
    ]
    assert [one.step for one in report.not_done] == ["another"]
    assert [(one.kind, one.text) for one in report.decisions] == [
        ("answer", "timed_out"),
        ("approval", "approved"),
        ("approval", "approved"),
    ]
    assert report.decisions[0].asked == "How did the upgrade end?"
    assert {one.proof.subject for one in report.proofs} == {"SM01", "SQL01"}
    assert report.recap == {"SM01": {"ok": 3, "changed": 3}, "SQL01": {"ok": 1}}


def test_time_is_spent_on_work_waiting_and_people() -> None:
    report = build_report(plan(), events())
    reboot = next(one for one in report.step_runs if one.step == "reboot")
    assert [one.kind for one in reboot.spans] == [SpanKind.WORK, SpanKind.PERSON, SpanKind.PERSON, SpanKind.WORK]
    drawn = bars(report, reboot)
    assert drawn[-1].wide == pytest.approx(99.9 / 343.2 * 100, abs=0.1)
    for run in report.step_runs:
        for bar in bars(report, run):
            assert 0 <= bar.left <= bar.left + bar.wide <= 100.01


def test_an_intent_without_an_outcome_is_a_doubt_and_an_uncertain_change() -> None:
    report = build_report(plan(), [STARTED, begun(1, "config_file"), INTENT])
    assert [one.step for one in report.doubts] == ["config_file"]
    assert [(one.step, one.certain) for one in report.changes] == [("config_file", False)]
    assert "In doubt: Switch publisher evidence" in report.head
    text = report_text(report)
    assert "In doubt\n" in text
    assert "(not certain: look before" in " ".join(text.split())


def test_a_doubt_that_was_settled_is_none() -> None:
    doubt = ended(2, "config_file", Status.IN_DOUBT, "the connection was lost")
    settled = ev.DoubtSettled(
        at=AT + 3, step="config_file", host="SM01", status=Status.SKIPPED, by="anna", reason="not there"
    )
    report = build_report(plan(), [STARTED, begun(1, "config_file"), INTENT, doubt])
    assert report.doubts
    report = build_report(plan(), [STARTED, begun(1, "config_file"), INTENT, doubt, settled])
    assert not report.doubts
    assert not report.changes
    assert report.decisions[0].kind == "doubt settled"


@pytest.mark.parametrize(
    "remedy", [None, "Look at the log.", "look, then: runbook answer RUN config_file@SM01=changed"]
)
def test_a_doubt_says_how_it_is_settled_unless_the_run_was_given_up(remedy: str | None) -> None:
    lost = replace(ended(2, "config_file", Status.IN_DOUBT, "the connection was lost"), remedy=remedy)
    over = ev.RunFinished(at=AT + 3, status="in doubt", exit_code=8, summary="in doubt at config_file@SM01")
    happened = [STARTED, begun(1, "config_file"), INTENT, lost]
    way = f"runbook answer {STARTED.run_id} config_file@SM01=changed, or =failed if it was not done"
    for record in (happened, [*happened, over]):
        text = " ".join(report_text(build_report(plan(), record)).split())
        assert way in text
        assert "answer RUN " not in text.partition("Changed ")[0]
        assert ("Look at the log; look at the host" in text) == (remedy == "Look at the log.")
    given_up = ev.RunFinished(at=AT + 3, status="interrupted", exit_code=130, summary="given up")
    assert way not in " ".join(report_text(build_report(plan(), [*happened, given_up])).split())


def test_a_change_of_a_failed_attempt_is_not_forgotten() -> None:
    happened = [
        STARTED,
        begun(1, "config_file"),
        INTENT,
        ended(2, "config_file", Status.FAILED, "half done", changed=True, before="absent", after="there"),
        begun(3, "config_file", attempt=2),
        ended(4, "config_file", Status.OK, "as wanted", attempt=2),
    ]
    assert [one.certain for one in build_report(plan(), happened[:4]).changes] == [False]
    assert [one.step for one in build_report(plan(), happened).changes] == ["config_file"]


def test_a_step_run_that_says_it_changed_something_is_believed_without_an_intent() -> None:
    report = build_report(plan(), hostile_events())
    assert [(one.step, one.certain) for one in report.changes] == [("account", False)]
    assert "Nothing was changed" not in report.head


def test_a_refused_change_is_no_change() -> None:
    happened = [STARTED, begun(1, "config_file"), ended(2, "config_file", Status.FAILED, "refused by the action")]
    report = build_report(plan(), happened)
    assert report.changes == ()
    assert "Nothing was changed." in report.head


@pytest.mark.parametrize(
    ("on_failure", "found", "told"),
    [
        ("another", False, "the runbook goes on with: "),
        ("finding", True, "a finding: the runbook goes on"),
        ("finding", False, None),  # nobody could look: a failure
        ("continue", False, None),
    ],
)
def test_an_expected_failure_is_no_alarm(on_failure: str, found: bool, told: str | None) -> None:
    steps = tuple(replace(one, on_failure=on_failure) if one.id == "untouched" else one for one in STEPS)
    failed = ended(2, "untouched", Status.FAILED, "two versions differ", remedy="do not retry", found=found)
    report = build_report(plan(steps), [STARTED, begun(1, "untouched"), failed])
    run = next(one for one in report.step_runs if (one.step, one.host) == ("untouched", "SM01"))
    told_of = report_text(report).partition("\nSteps")[2].partition("not reached")[0]
    page = report_html(report)
    assert ("FAILED" in told_of) is (">FAILED<" in page) is (told is None)
    assert ("do not retry" in told_of) is ("do not retry" in page) is (told is None)
    assert (run.leads or "").startswith(told or "")
    counted = recap(report).splitlines()[0]
    assert ("failed as foreseen 1" in counted, "FAILED 1" in counted) == (told is not None, told is None)
    assert ("1 failed as foreseen" in page) is (told is not None)
    assert ((run.leads or "nothing") in " ".join(told_of.split())) is (told is not None)


def test_a_step_run_took_as_long_as_its_bar_is() -> None:
    """Also where it waited for its connection before the attempt was measured."""
    run = build_report(plan(), [STARTED, begun(1, "untouched"), ended(4, "untouched", Status.OK, "x", duration_s=0.5)])
    one = next(one for one in run.step_runs if (one.step, one.host) == ("untouched", "SM01"))
    assert one.started_at is not None
    assert one.spans[-1].end - one.started_at == one.duration_s == 3.0


def test_a_change_of_which_nothing_is_certain_is_told_in_the_first_sentence() -> None:
    intended = ev.ChangeIntended(
        at=AT + 2, step="config_file", host="SM01", attempt=1, why="w", before="a", after="b", commands=()
    )  # fmt: skip
    report = build_report(plan(), [STARTED, begun(1, "config_file"), intended])
    assert "1 change on SM01, 1 of them not certain." in report.head


def test_check_mode_tells_what_a_run_would_change() -> None:
    started = ev.RunStarted(**{**{one: getattr(STARTED, one) for one in STARTED.__slots__}, "check": True})
    would = ended(
        2, "config_file", Status.SKIPPED, "check mode: would change: missing", changed=True, before="absent", after="x"
    )
    report = build_report(plan(), [started, begun(1, "config_file"), would])
    assert report.changes == ()
    assert [one.after for one in report.would_change] == ["x"]
    assert "Check mode: nothing was changed" in report.head
    assert "Would change" in report_text(report)
    assert "What a run would change" in report_html(report)


def test_exits_are_lost_by_changes_only() -> None:
    lasting = step(
        0, "config_file", "Restore", ("SM01",), Effect.PERMANENT, exits=Exits(before=ALL, after=("restore",))
    )
    done = ended(3, "config_file", Status.CHANGED, "done", changed=True)
    report = build_report(plan((lasting,)), [STARTED, begun(1, "config_file"), INTENT, done])
    assert [(one.step, one.exits, one.lost) for one in report.exits] == [
        (None, ALL, ()),
        ("config_file", ("restore",), ("retry", "undo")),
    ]
    assert "none: permanent" in report_text(report)
    skipped = build_report(plan((lasting,)), [STARTED, ended(2, "config_file", Status.SKIPPED, "not wanted")])
    assert len(skipped.exits) == 1


def test_every_prefix_of_a_run_can_be_told() -> None:
    happened = events()
    for count in range(1, len(happened) + 1):
        report = build_report(plan(), happened[:count])
        assert report.head
        report_text(report)
        report_json_text(report)
        assert report_html(report).endswith("</html>")
    with pytest.raises(JournalDamaged):
        build_report(plan(), [])


def test_a_run_taken_up_again_is_running_and_names_both() -> None:
    resumed = ev.RunResumed(at=AT + 50, epoch=2, operator="bert", jump_host="jump02")
    parked = ev.RunParked(at=AT + 40, reason="asks", command="runbook resume x")
    waiting = build_report(plan(), [STARTED, parked])
    assert (waiting.status, waiting.next_command) == ("parked", "runbook resume x")
    report = build_report(plan(), [STARTED, parked, resumed])
    assert (report.status, report.next_command) == ("running", None)
    assert [one.operator for one in report.taken_up] == ["CONTOSO\\anna", "bert"]
    interrupted = build_report(plan(), [STARTED, ev.RunInterrupted(at=AT + 2, in_flight=("reboot@SM01",))])
    assert "May still run: reboot@SM01" in report_text(interrupted)
    assert "May still run: reboot@SM01" in report_html(interrupted)


def test_the_text_fits_and_names_everything() -> None:
    text = report_text(build_report(plan(), events()))
    assert max(map(len, text.splitlines())) <= 80
    for part in ("Changed\n", "Steps\n", "Not done, and why\n", "Proofs\n", "Evidence\n", "efefefefefef", "3 attempts"):
        assert part in text
    assert recap(build_report(plan(), events())).splitlines()[0] == "  SM01    ok 3   changed 3"


def test_the_json_is_the_report() -> None:
    data = json.loads(report_json_text(build_report(plan(), events())))
    assert data["schema"] == "report/v1"
    assert data["step_runs"][0]["status"] == "ok"
    assert len(data["changes"]) == 3


class Page(HTMLParser):
    """Collects what a browser would act on, and whether every element is closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("happened", [events(), hostile_events()], ids=["usual", "hostile"])
def test_the_page_stands_alone_and_obeys_no_host(happened: list[ev.RunEvent]) -> None:
    text = report_html(build_report(plan(), happened))
    page = Page(text)
    assert page.open == []
    tags = [tag for tag, _ in page.elements]
    assert not {"script", "link", "img", "iframe", "object", "form", "a"} & set(tags)
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("src", "href", "style")]
    assert not [one for one in text if ord(one) < 32 and one not in "\n\t"]
    assert "\u202e" not in text
    assert "url(" not in text
    text.encode("utf-8")


def test_the_page_is_readable_by_ear() -> None:
    page = Page(report_html(build_report(plan(), events())))
    tables = [tag for tag, _ in page.elements if tag == "table"]
    assert len(tables) == len([tag for tag, _ in page.elements if tag == "caption"])
    assert all("scope" in attributes for tag, attributes in page.elements if tag == "th")
    assert all(attributes.get("aria-label") for tag, attributes in page.elements if tag == "svg")
    assert [tag for tag, _ in page.elements].count("h1") == 1
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("status", "run_status", "head"),
    [
        (
            Status.FAILED,
            "failed",
            "The run failed at OMCFG can log on on SM01 (FAILED): refused with 5. Nothing was changed.",
        ),
        (
            Status.BLOCKED,
            "refused",
            "The run was refused at a gate at OMCFG can log on on SM01 (BLOCKED): refused with 5.",
        ),
        (Status.IN_DOUBT, "in doubt", "The run ended in doubt at OMCFG can log on on SM01 (IN DOUBT): refused with 5."),
    ],
)
def test_the_head_of_a_bad_end_names_the_place_and_the_reason(status: Status, run_status: str, head: str) -> None:
    finished = ev.RunFinished(at=AT + 3, status=run_status, exit_code=1, summary="r: 0 changed")
    report = build_report(
        plan(), [STARTED, begun(1, "account"), ended(2, "account", status, "refused with 5"), finished]
    )
    assert report.head.startswith(head)
    assert "refused with 5" in report_text(report)


def test_a_bad_end_without_a_bad_step_gives_the_summary() -> None:
    finished = ev.RunFinished(
        at=AT + 3, status="failed", exit_code=1, summary="nothing was done: every step was skipped"
    )
    head = build_report(plan(), [STARTED, finished]).head
    assert head == "The run failed: nothing was done: every step was skipped. Nothing was changed."
