"""``runbook version``."""

import click

from engine import __version__
from engine.cli import options


@click.command("version")
@options.as_json
def command(as_json: bool) -> None:
    """Print the version of the engine, and of what it stands on."""
    if not as_json:
        click.echo(f"runbook {__version__}")
        return
    import json
    import platform
    from importlib.metadata import version

    parts = ("click", "jinja2", "jsonschema", "paramiko", "pywinrm", "pyyaml", "rich")
    libraries = {name: version(name) for name in parts}
    click.echo(json.dumps({"engine": __version__, "python": platform.python_version(), "libraries": libraries}))
