"""``runbook runs``."""

import click

from engine.cli import options


@click.command("runs")
@options.state
@options.as_json
def command(state: str | None, as_json: bool) -> None:
    """List the runs of this jump host, newest first."""
    from shutil import get_terminal_size

    from engine.app import wiring
    from engine.reporting.runs_text import runs_json, runs_text

    journal = wiring.open_journal(wiring.make_folder(wiring.state_folder(state)))
    runs = journal.runs()
    if as_json:
        import json

        click.echo(json.dumps(runs_json(runs), indent=1))
        return
    click.echo(runs_text(runs, columns=get_terminal_size((80, 24)).columns))
