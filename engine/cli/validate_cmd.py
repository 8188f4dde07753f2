"""``runbook validate``."""

import click

from engine.cli import complete, options
from engine.model.diagnostic import has_errors
from engine.model.exit_code import ExitCode


@click.command("validate")
@click.argument("paths", nargs=-1, metavar="FILE|FOLDER...", shell_complete=complete.runbooks)
@options.inventory(required=False)
@click.option("--explain", metavar="CODE", default=None, help="Print the page of a diagnostic code, as R402.")
@options.as_json
@options.no_color_needed
def command(paths: tuple[str, ...], inventory: str | None, explain: str | None, as_json: bool) -> int:
    """Check runbooks, triages, inventories and other documents; no host is touched.

    With an inventory, also whether the runbooks' host patterns fit it.
    """
    from engine.reporting.diagnostics import diagnostics_json, render_diagnostics

    if explain is not None:
        from engine.app.explain import explanation

        click.echo(explanation(explain))
        return int(ExitCode.DONE)
    if not paths:
        raise click.UsageError("name at least one document or folder")
    from engine.app.validate import validate

    result = validate(paths, inventory)
    rejected = has_errors(result.diagnostics)
    if as_json:
        import json

        data = {"files": list(result.files), **diagnostics_json(result.diagnostics)}
        click.echo(json.dumps(data, indent=1))
    else:
        if result.diagnostics:
            click.echo(render_diagnostics(result.diagnostics), err=True)
        if not rejected:
            count = len(result.files)
            click.echo(f"{count} document{'' if count == 1 else 's'} valid")
    return int(ExitCode.DOCUMENTS_REJECTED if rejected else ExitCode.DONE)
