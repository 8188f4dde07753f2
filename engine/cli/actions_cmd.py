"""``runbook actions``."""

import click

from engine.cli import complete, options


@click.command("actions")
@click.argument("name", required=False, shell_complete=complete.actions)
@options.as_json
def command(name: str | None, as_json: bool) -> None:
    """List the actions that a step may name; with NAME, its arguments, its result and what it may do."""
    from engine.app.actions import described, listed

    if name is None:
        rows = listed()
        if as_json:
            import json

            click.echo(json.dumps(rows, indent=1))
            return
        for row in rows:
            click.echo(f"{row['name']:<30} {row['effect']:<11} {row['summary']}")
        return
    found = described(name)
    if as_json:
        import json

        click.echo(json.dumps(found, indent=1))
        return
    from engine.reporting.action_text import action_text

    click.echo(action_text(found))
