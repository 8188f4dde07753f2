"""``runbook triage``."""

import click

from engine.cli import options
from engine.model.exit_code import ExitCode


@click.command("triage")
@click.option(
    "--evidence",
    "evidence",
    multiple=True,
    type=click.Path(),
    metavar="DIR",
    help="A folder or zip that somebody brought; may be given several times. No host is contacted.",
)
@options.inventory(required=False)
@click.option("--collect", type=click.Path(), metavar="DIR", help="With -i: write such a folder from the live estate.")
@click.option("--table", type=click.Path(), metavar="FILE", help="Another triage document than the shipped one.")
@options.as_json
@options.no_color
def command(
    evidence: tuple[str, ...],
    inventory: str | None,
    collect: str | None,
    table: str | None,
    as_json: bool,
    no_color: bool,
) -> int:
    """Name the phase in which an upgrade of Service Manager failed, and the runbook that treats it.

    Any answer, also "undetermined", is exit code 0.
    """
    import shutil

    from engine.app.triage import triage_evidence, triage_spec

    del no_color  # the screen uses no colour
    spec = triage_spec(table)
    folders = (*evidence, *_collected(inventory, collect))
    if not folders:
        raise click.UsageError("name evidence with --evidence DIR, or the estate with -i INVENTORY --collect DIR")
    result = triage_evidence(folders, spec)
    if as_json:
        import json

        from engine.reporting.triage_text import triage_json

        click.echo(json.dumps(triage_json(result), indent=1))
    else:
        from engine.reporting.triage_text import triage_text

        click.echo(triage_text(result, shutil.get_terminal_size().columns))
    return int(ExitCode.DONE)


def _collected(inventory: str | None, collect: str | None) -> tuple[str, ...]:
    """The folder written from the live estate, if one was asked for."""
    if inventory is None and collect is None:
        return ()
    if inventory is None or collect is None:
        raise click.UsageError("-i INVENTORY and --collect DIR belong together")
    from engine.app.collect import collect_evidence

    return (str(collect_evidence(inventory, collect)),)
