"""``runbook baseline``."""

import click

from engine.cli import options


@click.group("baseline")
def command() -> None:
    """Judge a baseline that was recorded before an upgrade."""


@command.command("verify")
@click.argument("file", type=click.Path())
@options.state
def verify(file: str, state: str | None) -> None:
    """Say of what FILE speaks and who signed it; refuse it if it was changed since."""
    from pathlib import Path

    from engine.app.baseline import judged
    from engine.app.wiring import state_folder

    for line in judged(Path(file), state_folder(state)):
        click.echo(line)
