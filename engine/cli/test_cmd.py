"""``runbook test``."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import click

from engine.cli import options
from engine.model.exit_code import ExitCode

SLOW_S = 2.0


@click.command("test")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--junit", "junit_file", type=click.Path(), default=None, help="Write JUnit XML to this file.")
@click.option("-v", "--verbose", is_flag=True, help="Also how each run ended, and how much lab time it took.")
@options.as_json
def command(paths: tuple[str, ...], junit_file: str | None, verbose: bool, as_json: bool) -> int:
    """Rehearse runbooks on the simulated estate and compare how it ends with what their scenarios expect.

    PATHS are scenarios, folders, or runbooks (whose scenarios lie in `scenarios/` beside them); without any, all
    scenarios of the shipped runbooks. No host is contacted. Exit code 7 if an expectation was missed.
    """
    from engine.reporting.scenario_text import junit, scenario_table

    results, covered = _rehearse(paths)
    if junit_file is not None:
        _write(Path(junit_file), junit(results))
    if as_json:
        click.echo(json.dumps({"scenarios": results, "coverage": covered}, indent=1))
    else:
        click.echo(scenario_table(results, covered, verbose=verbose))
    return int(ExitCode.EXPECTATIONS_MISSED if any(one["missed"] for one in results) else ExitCode.DONE)


def _rehearse(paths: tuple[str, ...]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from dataclasses import asdict
    from time import monotonic

    from engine.app import scenario as use_case
    from engine.app.scenario_coverage import coverage
    from engine.app.scenario_find import find, load

    with _told_if_slow("looking for scenarios; a smaller folder is searched sooner (Ctrl-C ends it)"):
        specs = [load(path) for path in find(paths)]
    results: list[dict[str, Any]] = []
    runs: list[use_case.Rehearsed] = []
    for spec in specs:
        began = monotonic()
        one = use_case.rehearse(spec)
        runs += one.runs
        results.append(
            {
                "name": spec.name,
                "title": spec.title,
                "file": spec.file,
                "runbook": Path(spec.runbook).stem,
                "exit_code": one.exit_code,
                "summary": one.summary,
                "missed": list(one.missed),
                "lab_s": round(one.lab_s, 1),
                "real_s": round(monotonic() - began, 3),
            }
        )
    return results, [asdict(one) for one in coverage(runs)]


@contextmanager
def _told_if_slow(what: str) -> Iterator[None]:
    """Whoever named a large folder by mistake learns why nothing happens."""
    timer = Timer(SLOW_S, lambda: click.echo(what, err=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _write(path: Path, text: str) -> None:
    from engine.model.errors import UsageMistake

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageMistake(f"{path} cannot be written: {error.strerror}", remedy="name another file") from error
