"""``runbook runs``."""

import sys

import click

from engine.cli import complete, options

_PIPED = 10_000  # whoever searches the list wants each run on one line, and all of it


@click.command("runs")
@click.option("--give-up", "given_up", metavar="RUN", default=None, shell_complete=complete.runs,
              help="End the run RUN for good, unfinished as it is, and free its hosts.")  # fmt: skip
@click.option("--reason", default="", help="Why, for the record (with --give-up).")
@options.state
@options.as_json
@options.no_color_needed
def command(given_up: str | None, reason: str, state: str | None, as_json: bool) -> None:
    """List the runs of this state folder, newest first, and what they left to be done."""
    from engine.app import wiring

    folder = wiring.state_folder(state)
    if given_up is not None:
        _give_up(given_up, reason, state, as_json)
        return
    from shutil import get_terminal_size

    from engine.app.runs import listing, owed
    from engine.reporting.runs_text import runs_json, runs_text

    if folder.exists():
        wiring.known_folder(folder)  # a file of that name is a mistake, and not an empty list
    runs, debts = listing(folder), owed(folder)
    if as_json:
        import json

        click.echo(json.dumps(runs_json(runs, debts), indent=1))
        return
    columns = get_terminal_size((80 if sys.stdout.isatty() else _PIPED, 24)).columns
    click.echo(
        runs_text(runs, debts, columns=columns, option=wiring.state_option(folder), folder=str(folder.absolute()))
    )


def _give_up(run_id: str, reason: str, state: str | None, as_json: bool) -> None:
    from engine.app.give_up import give_up
    from engine.app.wiring import operator_name, state_folder

    summary = give_up(state_folder(state), run_id, operator_name(), reason)
    if as_json:
        import json

        click.echo(json.dumps({"run_id": run_id, "status": "interrupted", "summary": summary}))
        return
    click.echo(f"{run_id}: {summary}", err=True)
    click.echo("its hosts are free", err=True)
