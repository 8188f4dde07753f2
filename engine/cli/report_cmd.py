"""``runbook report``."""

from contextlib import closing
from pathlib import Path

import click

from engine.cli import complete, options


@click.command("report")
@click.argument("run_id", metavar="RUN", shell_complete=complete.runs, required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "html", "jsonl"]), default="text", show_default=True
)
@click.option("--out", type=click.Path(), default=None, help="Write to this file instead of standard output.")
@click.option(
    "--from",
    "export",
    type=click.Path(),
    default=None,
    help="Read this events.jsonl of a run's folder, not the journal; a change made in it is noticed.",
)
@options.state
@options.as_json
@options.no_color_needed
def command(
    run_id: str | None, form: str, out: str | None, export: str | None, state: str | None, as_json: bool
) -> None:
    """Tell what the run RUN did (the newest, if none is named), from its journal alone."""
    from engine.model.errors import UsageMistake

    form = "json" if as_json else form
    if export is None:
        text = _of_journal(run_id, form, state)
    elif run_id is None:
        text = _of_export(Path(export), form)
    else:
        raise UsageMistake("--from FILE and RUN are two runs", remedy="name one of them")
    if out is None:
        click.echo(text)
        return
    try:
        Path(out).write_text(text + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageMistake(f"{out} cannot be written: {error.strerror}") from error
    click.echo(f"written to {out}", err=True)


def _of_journal(run_id: str | None, form: str, state: str | None) -> str:
    from engine.app import wiring
    from engine.app.report import rendered
    from engine.model.errors import UsageMistake

    with closing(wiring.open_journal(wiring.known_folder(wiring.state_folder(state)))) as journal:
        if run_id is None:
            runs = journal.runs()
            if not runs:
                raise UsageMistake("there is no run yet", remedy="runbook run ... makes one")
            run_id = runs[0].run_id
        return rendered(journal, run_id, form)


def _of_export(path: Path, form: str) -> str:
    from engine.app.report import rendered_export

    text, torn = rendered_export(path, form)
    if torn:
        click.echo(f"note: {torn}; what came after is not told", err=True)
    return text
