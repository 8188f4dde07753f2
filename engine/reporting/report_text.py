"""The report for a terminal or a mail: the sentence first, then what was changed, what is open, and the steps."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from engine.model.plan import ENGINE_HOST
from engine.model.report import Report, ReportChange, ReportOwed, ReportStepRun
from engine.model.status import Status
from engine.reporting.plain import one_line, pad, value_text, width
from engine.reporting.words import FORESEEN, baseline_words, duration, moment, short_digest, size, status_word

_BESIDE_NAME, _LEAST_NAME, _MAX_HOST, _STATUS = 48, 20, 14, 11


def report_text(report: Report, *, columns: int = 80) -> str:
    """The whole report."""
    sections = [
        list(_head(report, columns)),
        _section("In doubt", [one for run in report.doubts for one in _doubt(run, columns)]),
        _section("Still owed", [one for debt in report.owed for one in _owed(debt, columns)]),
        _section("Changed", [one for change in report.changes for one in _change(change, columns)]),
        _section("Would change", [one for change in report.would_change for one in _values(change, columns)]),
        _section("Steps", list(_steps(report, columns))),
        _section("Not done, and why", [one for run in report.not_done for one in _not_done(run, columns)]),
        _section("Answers and approvals", list(_decisions(report, columns))),
        _section("Proofs", list(_proofs(report, columns))),
        _section("Exits", list(_exits(report, columns))),
        _section("Hosts", recap_lines(report.recap or {})),
        _section("Evidence", list(_evidence(report, columns))),
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in one) for one in sections if one)


def recap_lines(recap: Mapping[str, Mapping[str, int]]) -> list[str]:
    """One line a host: how many step runs ended how, the worst last."""
    cells = max((width(host) for host in recap), default=0)
    words = {status.value: status_word(status) for status in Status}
    words |= {f"{status.value} {FORESEEN}": f"{status.value} {FORESEEN}" for status in Status}
    return [
        f"  {pad(host, cells)}   " + "   ".join(f"{words[name]} {counts[name]}" for name in words if counts.get(name))
        for host, counts in recap.items()
    ]


def _section(title: str, lines: list[str]) -> list[str]:
    return [title, *lines] if lines else []


def _wrapped(text: str, columns: int, first: str, rest: str | None = None) -> list[str]:
    indent = " " * len(first) if rest is None else rest
    return textwrap.wrap(text, columns, initial_indent=first, subsequent_indent=indent)


def _head(report: Report, columns: int) -> Iterator[str]:
    yield from _wrapped(one_line(report.title or report.runbook), columns, "")
    yield ""
    yield from _wrapped(one_line(report.head), columns, "  ")
    if report.next_command:
        yield f"  Next      {one_line(report.next_command)}"
    yield from _wrapped(", ".join(map(one_line, report.in_flight)), columns, "  May still run: ")
    yield ""
    check = "    check mode" if report.check else ""
    yield f"  Run       {report.run_id}    {report.runbook} {report.version}{check}"
    yield f"  Plan      {short_digest(report.plan_digest)}    engine {report.engine_version}"
    if report.baseline is not None:
        yield f"  Baseline  {one_line(report.baseline.file)}"
        yield from _wrapped(one_line(baseline_words(report.baseline)), columns, "            ")
    yield from _wrapped(" ".join(report.hosts) or "none", columns, "  Hosts     ")
    for number, one in enumerate(report.taken_up):
        label = "Started" if number == 0 else "Resumed"
        yield f"  {label:<8}  {moment(one.at)}    {one_line(one.operator)} on {one_line(one.jump_host)}"
    if report.ended_at is not None:
        yield f"  Ended     {moment(report.ended_at)}    after {duration(report.ended_at - report.started_at)}"


def _place(name: str, host: str) -> str:
    return one_line(name) if host == ENGINE_HOST else f"{one_line(name)} on {host}"


def _doubt(run: ReportStepRun, columns: int) -> Iterator[str]:
    yield from _wrapped(f"{_place(run.name, run.host)}: {one_line(run.why)}", columns, "  ", "    ")
    if run.remedy:
        yield from _wrapped(one_line(run.remedy), columns, "    remedy: ")


def _owed(debt: ReportOwed, columns: int) -> Iterator[str]:
    yield from _wrapped(f"{debt.host}: {one_line(debt.what)} (since {moment(debt.since)})", columns, "  ", "    ")
    yield from _wrapped(one_line(debt.how), columns, "    ")


def _change(change: ReportChange, columns: int) -> Iterator[str]:
    yield from _values(change, columns)
    undo = (
        one_line(change.undo) if change.undo else "none recorded" if change.effect != "permanent" else "none: permanent"
    )
    yield from _wrapped(undo, columns, "    undo    ")


def _values(change: ReportChange, columns: int) -> Iterator[str]:
    """Without the undo, which is on record once the change is made."""
    certain = "" if change.certain else "   (not certain: look before you rely on it)"
    yield from _wrapped(f"{_place(change.name, change.host)}{certain}", columns, "  ", "    ")
    yield from _wrapped(value_text(change.before), columns, "    before  ")
    yield from _wrapped(value_text(change.after), columns, "    after   ")


def _steps(report: Report, columns: int) -> Iterator[str]:
    hosts = min(max((width(one.host) for one in report.step_runs), default=4), _MAX_HOST)
    longest = max((width(one_line(one.name)) for one in report.step_runs), default=4)
    cells = min(longest, max(columns - _BESIDE_NAME - hosts, _LEAST_NAME))
    for run in report.step_runs:
        took = duration(run.duration_s) if run.ended_at is not None and run.attempts else ""
        tries = f"{run.attempts} attempts" if run.attempts > 1 else ""
        start = f"  {run.number:>3}  {pad(one_line(run.name), cells)}  {pad(run.host, hosts)}"
        word = status_word(run.status) if run.leads is None else run.status.value
        yield f"{start}  {pad(word, _STATUS)}  {pad(took, 11, right=True)}  {tries}"
        if run.status in (Status.FAILED, Status.UNREACHABLE, Status.BLOCKED, Status.IN_DOUBT):
            yield from _wrapped(one_line(run.why), columns, "       ")
            for error in run.errors:
                if error.message not in run.why:
                    yield from _wrapped(one_line(error.message), columns, "       ")
            if run.leads is not None:
                yield from _wrapped(one_line(run.leads), columns, "       ")
            elif run.remedy:
                yield from _wrapped(one_line(run.remedy), columns, "       remedy: ")
        elif run.status in (Status.OK, Status.CHANGED, Status.WAITING) and run.why:
            yield from _wrapped(one_line(run.why), columns, "       ")


def _not_done(run: ReportStepRun, columns: int) -> list[str]:
    why = one_line(run.why) or "not reached"
    return _wrapped(f"{status_word(run.status)}: {why}", columns, f"  {_place(run.name, run.host)}   ", "      ")


def _decisions(report: Report, columns: int) -> Iterator[str]:
    for one in report.decisions:
        text = f"{one.kind}, step {_place(one.step, one.host)}: {one_line(one.text)} ({one_line(one.by)})"
        yield from _wrapped(text, columns, f"  {moment(one.at)}   ", "      ")


def _proofs(report: Report, columns: int) -> Iterator[str]:
    for one in report.proofs:
        proof = one.proof
        text = f"{one_line(str(proof))}   seen {moment(proof.observed_at)} by step {proof.step}"
        yield from _wrapped(f"{text}, {duration(one.age_s)} before the end of the record", columns, "  ", "      ")


def _exits(report: Report, columns: int) -> Iterator[str]:
    for one in report.exits:
        after = f"after {one.step}: " if one.step else ""
        lost = f" (lost: {', '.join(one.lost)})" if one.lost else ""
        text = f"{after}{', '.join(one.exits) or 'none'}{lost}"
        yield from _wrapped(text, columns, f"  {moment(one.at)}   ", "      ")


def _evidence(report: Report, columns: int) -> Iterator[str]:
    for one in report.evidence:
        caption = one_line(one.ref.caption)
        text = f"{caption}, step {_place(one.step, one.host)}, {size(one.ref.size)}"
        yield from _wrapped(text, columns, f"  {one.ref.digest[:12]}   ", "      ")


def recap(report: Report) -> str:
    """The recap alone, for the end of a run."""
    lines: Sequence[str] = recap_lines(report.recap or {})
    return "\n".join(lines) + ("\n" if lines else "")
