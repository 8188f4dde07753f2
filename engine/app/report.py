"""Use case: tell what a run did, from its journal or its export alone; and write the files of its folder."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from engine.model.data import JsonMap
from engine.model.errors import StorageFailed, UsageMistake
from engine.model.event import RunEvent
from engine.model.plan import Plan
from engine.model.report import Report, ReportOwed
from engine.planning.stamp import saved_plan
from engine.ports.journal import JournalStore
from engine.reporting.build import build_report


def report(journal: JournalStore, run_id: str) -> Report:
    """The report of one run."""
    stored = journal.plan(run_id)
    plan = stored.get("plan")
    assert isinstance(plan, dict)
    found = _told(saved_plan(plan), journal.events(run_id), stored)
    return replace(found, owed=tuple(_owed(journal, run_id)))


def _told(plan: Plan, events: Iterable[RunEvent], stored: JsonMap) -> Report:
    found = build_report(plan, events)
    if plan.baseline is None:
        return found
    from engine.app.baseline import used
    from engine.app.run_source import baseline_file, mapping

    return replace(found, baseline=used(plan.baseline, baseline_file(mapping(stored.get("source")))))


def _owed(journal: JournalStore, run_id: str) -> Iterator[ReportOwed]:
    for one in journal.owed():
        if one.run_id == run_id or one.run_id.startswith(f"{run_id}."):
            yield ReportOwed(host=one.host, what=one.what, how=one.how, since=one.since)


def rendered(journal: JournalStore, run_id: str, form: str) -> str:
    """The report as ``text``, ``json``, ``html`` or ``jsonl``, which is the journal itself, one event a line."""
    if form == "jsonl":
        from engine.journal.export import export_lines

        return "\n".join(export_lines(journal, run_id))  # type: ignore[arg-type]
    return _rendered(report(journal, run_id), form)


def rendered_export(path: Path, form: str) -> tuple[str, str | None]:
    """The report of the run whose export (``events.jsonl``) lies there, and what is torn off its end; no journal is
    needed. ``JournalDamaged`` names the first line that was altered. What the run owes, only the journal knows.
    """
    from engine.app.run_source import mapping
    from engine.journal.export import verify_export

    if form == "jsonl":
        raise UsageMistake(f"{path} is the journal's export already", remedy="--format text, json or html")
    if not path.is_file():
        raise UsageMistake(f"there is no file {path}", remedy="a run's folder holds its export: runs/RUN/events.jsonl")
    found = verify_export(path)
    plan = saved_plan(mapping(found.plan.get("plan")))
    return _rendered(_told(plan, found.events, found.plan), form), found.torn


def _rendered(found: Report, form: str) -> str:
    if form == "html":
        from engine.reporting.report_html import report_html

        return report_html(found)
    if form == "json":
        from engine.reporting.report_json import report_json

        return json.dumps(report_json(found), indent=1)
    from engine.reporting.report_text import report_text

    return report_text(found)


def write_files(journal: JournalStore, run_id: str) -> None:
    """``report.html``, ``report.json`` and ``events.jsonl`` in the run's folder."""
    folder, found = Path(journal.record(run_id).folder), report(journal, run_id)
    for name, form in (("report.html", "html"), ("report.json", "json"), ("events.jsonl", "jsonl")):
        text = rendered(journal, run_id, form) if form == "jsonl" else _rendered(found, form)
        try:
            (folder / name).write_text(text + "\n", encoding="utf-8", newline="\n")
        except OSError as error:
            raise StorageFailed(
                f"{folder / name} cannot be written: {error.strerror}",
                remedy=f"the journal is complete; later: runbook report {run_id} --format {form}",
            ) from error
