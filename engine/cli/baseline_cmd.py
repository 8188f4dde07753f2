"""``runbook baseline``."""

import click

from engine.cli import options


@click.group("baseline")
def command() -> None:
    """Judge a baseline that was recorded before an upgrade, or amend it between two servers."""


@command.command("verify", short_help="Say who signed FILE; refuse it if it was changed.")
@click.argument("file", type=click.Path())
@options.state
def verify(file: str, state: str | None) -> None:
    """Say of what FILE speaks and who signed it; refuse it if it was changed since."""
    from pathlib import Path

    from engine.app.baseline import judged
    from engine.app.wiring import state_folder

    for line in judged(Path(file), state_folder(state)):
        click.echo(line)


@command.command("amend", short_help="Say that one server was upgraded.")
@click.argument("file", type=click.Path())
@click.option("--completed", "server", required=True, metavar="HOST", help="The server whose upgrade was completed.")
@click.option("--to", "version", required=True, metavar="VERSION", help="The version that it was upgraded to.")
@click.option("--out", required=True, type=click.Path(), help="The file to write; it must not be there yet.")
@click.option(
    "--database",
    "databases",
    multiple=True,
    metavar="NAME",
    help="A database that its upgrade changed, besides those that its registry named (repeatable).",
)
@options.state
def amend(file: str, server: str, version: str, out: str, databases: tuple[str, ...], state: str | None) -> None:
    """Say that the upgrade of one server was completed, before that of the next one begins.

    The data warehouse is upgraded first. Compared with a baseline from before that, it looks as if the upgrade of the
    management server had changed it. The amended baseline has its new versions; everything else stays as recorded.
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from engine.app import baseline_amend
    from engine.app.wiring import operator_name, state_folder

    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = baseline_amend.amend(
        Path(file), server, version, databases, Path(out), state_folder(state), by=operator_name(), at=at
    )
    for line in (*lines, f"{out} was written and signed"):
        click.echo(line)
