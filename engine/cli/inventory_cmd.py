"""``runbook inventory``."""

import click

from engine.cli import options


@click.command("inventory")
@options.inventory()
@options.limit_option()
@options.as_json
@options.no_color_needed
def command(inventory: str, limit: str | None, as_json: bool) -> None:
    """Show the hosts that an inventory gives: how each is reached, its groups and variables. No secret is opened."""
    from engine.app.inventory import listing

    hosts = listing(inventory, limit)
    if as_json:
        import json

        click.echo(json.dumps({"hosts": hosts}, indent=1))
        return
    from engine.reporting.plain import one_line

    for host in hosts:
        click.echo(
            one_line(f"{host['name']:<16} {host['connection']:<6} {host['endpoint']:<28} {', '.join(host['groups'])}")
        )
