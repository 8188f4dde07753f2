"""Findings, plans, prompts and the list of runs as a person sees them."""

import json
from dataclasses import replace

import pytest
from reporting_sample import ALL, AT, DIGEST, STEPS, asked, plan, step

from engine.app.actions import described
from engine.model.diagnostic import Diagnostic, Severity
from engine.model.event import QuestionAsked
from engine.model.origin import Origin
from engine.model.plan import Exits
from engine.model.status import Effect
from engine.ports.journal import RunRecord
from engine.reporting.action_text import action_text
from engine.reporting.diagnostics import diagnostic_text, diagnostics_json, render_diagnostics
from engine.reporting.person_text import approval_text, question_text
from engine.reporting.plan_text import plan_summary, plan_text
from engine.reporting.runs_text import runs_json, runs_text


def finding(**more: object) -> Diagnostic:
    values: dict[str, object] = {
        "code": "R402",
        "severity": Severity.ERROR,
        "message": 'step "chek_backups" does not exist',
        "origin": Origin("mine.yaml", 42, 15),
        "hint": 'did you mean "check_backups" (line 18)?',
        "excerpt": "    requires: steps.chek_backups.all_restorable",
        "mark": 18,
        **more,
    }
    return Diagnostic(**values)  # type: ignore[arg-type]


def test_a_finding_shows_place_line_mark_and_hint() -> None:
    assert diagnostic_text(finding()).splitlines() == [
        'mine.yaml:42:15: error R402: step "chek_backups" does not exist',
        "   42 |     requires: steps.chek_backups.all_restorable",
        "      |               ^^^^^^^^^^^^^^^^^^",
        '   hint: did you mean "check_backups" (line 18)?',
    ]


def test_marks_stand_under_wide_and_masked_characters() -> None:
    lines = diagnostic_text(finding(excerpt="日本\x1b\tname: x", origin=Origin("f", 1, 5), mark=4)).splitlines()
    assert lines[1] == "    1 | 日本\ufffd name: x"
    assert lines[2] == "      |       ^^^^"


def test_a_long_line_is_cut_around_the_mark() -> None:
    text = "x" * 500 + "HERE" + "y" * 500
    lines = diagnostic_text(finding(excerpt=text, origin=Origin("f", 7, 501), mark=4)).splitlines()
    start = lines[2].index("^^^^")
    assert lines[1][start : start + 4] == "HERE"
    assert len(lines[1]) < 120


def test_findings_come_in_order_and_are_counted() -> None:
    later = finding(code="S201", origin=Origin("mine.yaml", 50, 1), severity=Severity.WARNING, excerpt=None, hint=None)
    text = render_diagnostics([later, finding()])
    assert text.index("R402") < text.index("S201")
    assert text.splitlines()[-1] == "1 error, 1 warning        runbook validate --explain R402"
    assert render_diagnostics([]) == ""
    data = diagnostics_json([later, finding(origin=None)])
    assert (data["errors"], data["warnings"]) == (1, 1)
    json.dumps(data)


def test_the_plan_says_what_each_step_may_do_and_needs() -> None:
    text = plan_text(plan(), command="runbook run x.yaml")
    assert (
        plan_summary(plan()) == "configuration-service-timeout 1.2.0    plan 3f9a-77c1    1 host changed, 1 host read"
    )
    assert max(map(len, text.splitlines())) <= 80
    for part in (
        "disruptive",
        "needs your approval",
        'when steps.retry_first.answer == "timed_out"',
        "SM01 SQL01",
        "yields baseline-unchanged",
        "No point of no return",
        "Undo exists for steps 3 and 5.",
        "runbook run x.yaml",
        "start_timeout_ms = 200000  (default)",
        "password = ********",
    ):
        assert part in " ".join(text.split()) or part in text
    wide = plan_text(plan(), columns=160)
    assert "reversible  needs baseline-unchanged(estate) <1 h" in wide


def test_the_point_of_no_return_stands_before_the_first_permanent_step() -> None:
    permanent = step(
        2, "restore", "Restore the database", ("SQL01",), Effect.PERMANENT, exits=Exits(before=ALL, after=("restore",))
    )
    lines = plan_text(plan((STEPS[0], STEPS[1], permanent), point_of_no_return=2)).splitlines()
    place = next(n for n, line in enumerate(lines) if "point of no return" in line)
    assert lines[place].strip() == '-- point of no return: after this, only "restore" remains --'
    assert "Restore the database" in lines[place + 1]
    assert "PERMANENT" in lines[place + 1]
    none_left = replace(permanent, exits=Exits(before=ALL, after=()))
    assert "no way back remains" in plan_text(plan((none_left,), point_of_no_return=0))


def test_an_approval_shows_reason_proofs_exits_and_plan() -> None:
    text = approval_text(asked(190, "reboot", "Restart the server", disruptive=True), plan(), operator="CONTOSO\\anna")
    lines = text.splitlines()
    assert lines[0].startswith("  Step 6 of 8: Restart the server on SM01")
    assert lines[0].endswith("disruptive")
    assert "  Why       the new time-out takes effect at the next boot" in lines
    assert "baseline-unchanged(SM01)   3 min 7 s old" in text
    assert "  Before    exits: retry, undo, restore" in lines
    assert "  Asked     CONTOSO\\anna, plan 3f9a-77c1" in lines
    assert "Lost" not in text
    losing = replace(asked(1, "gone", "Restore"), exits_after=(), proofs=(), effect="permanent")
    text = approval_text(losing, plan(), operator="anna")
    assert text.splitlines()[0].endswith("PERMANENT")
    assert "Lost      retry, undo, restore: no longer possible" in text
    assert "none is needed" in text


def test_a_question_shows_what_to_do_and_numbered_answers() -> None:
    question = QuestionAsked(
        at=AT,
        step="retry_first",
        show="Choose Retry.\n\nWait \x1b[2Jfor it.",
        question="How did it end?",
        answers={"good": "It completed", "bad": "It failed"},
    )
    assert question_text(question, plan()).splitlines() == [
        "  Step 4 of 8: Retry the upgrade",
        "",
        "    Choose Retry.",
        "",
        "    Wait for it.",
        "",
        "  How did it end?",
        "    1  good   It completed",
        "    2  bad    It failed",
    ]
    assert "1  done" in question_text(replace(question, answers={}), plan())


def record(run_id: str, status: str, ended_at: float | None) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        runbook="r",
        version="1",
        plan_digest=DIGEST,
        operator="anna",
        status=status,
        started_at=AT,
        ended_at=ended_at,
        hosts=("SM01",),
        folder="f",
    )


def test_a_script_of_ones_own_has_no_undo_that_the_engine_knows() -> None:
    own = step(0, "own", "Own", ("SM01",), Effect.REVERSIBLE, action="windows.script")
    nested = step(1, "sub", "Sub", ("-",), Effect.REVERSIBLE, action="runbook")
    kept = step(2, "kept", "Kept", ("SM01",), Effect.REVERSIBLE)
    text = " ".join(plan_text(plan((own, nested, kept))).split())
    assert "Undo exists for step 3." in text
    assert "Step 1 is called reversible by the runbook. The engine knows no undo of it." in text


def test_runs_are_listed_with_what_goes_on() -> None:
    runs = [record("run-b", "parked", None), record("run-a", "in doubt", AT + 90)]
    lines = runs_text(runs, option=" --state s").splitlines()
    assert lines[0].split() == ["run", "runbook", "state", "started", "took", "hosts", "operator"]
    assert "waiting" in lines[1]
    assert "IN DOUBT" in lines[2]
    assert "1 min 30 s" in lines[2]
    assert lines[-2:] == [
        "runbook resume run-b --state s",
        "runbook report run-a --state s   tells how its doubt is settled",
    ]
    assert "runbook run" in runs_text([])
    assert "No runs in /srv/recovery/.runbook." in runs_text([], folder="/srv/recovery/.runbook")
    rows = runs_json(runs)["runs"]
    assert isinstance(rows, list)
    assert len(rows) == 2


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 400])
def test_the_list_of_runs_loses_nothing_on_a_narrow_screen(columns: int) -> None:
    hosts = tuple(f"HOST{n:02}" for n in range(12))
    one = RunRecord(
        run_id="2013-02-02-a41c77", runbook="undo-warehouse-database-recovery", version="1", plan_digest="d",
        operator="CONTOSO\\anna", status="failed", started_at=0.0, ended_at=75.0, hosts=hosts, folder="f",
    )  # fmt: skip
    text = runs_text([one], columns=columns)
    assert max(map(len, text.splitlines())) <= columns
    for word in (*hosts, one.run_id, one.runbook, one.operator, "FAILED", "1 min 15 s"):
        assert word in " ".join(text.split()), word
    assert len(text.splitlines()) == 2 or columns < 400


@pytest.mark.parametrize(
    ("name", "words"),
    [("operator.ask", "done by: a person"), ("assert", "done by: the engine"), ("windows.host", "on: windows")],
)
def test_the_page_of_an_action_says_who_does_it(name: str, words: str) -> None:
    page = action_text(described(name))
    assert words in page
    assert ("on: windows" in page) is (name == "windows.host")


def test_a_plan_says_that_the_hosts_of_the_runbooks_it_runs_are_not_counted() -> None:
    runs = [replace(STEPS[1], action="runbook", hosts=("-",), args={"name": name}) for name in ("inner", "last")]
    assert "run another" not in plan_text(plan())
    one = " ".join(plan_text(plan((STEPS[0], runs[0]))).split())
    assert "Step 2 runs another runbook, inner. The hosts of that one are not counted above." in one
    two = " ".join(plan_text(plan((STEPS[0], *runs))).split())
    assert "Steps 2 and 3 run other runbooks: inner, last. The hosts of those are not counted above." in two
