"""``runbook schema``."""

import click

from engine.cli import complete


@click.command("schema")
@click.argument("kind", required=False, shell_complete=complete.schemas)
def command(kind: str | None) -> None:
    """Print the JSON Schema of KIND (runbook, inventory, triage, ..., or actions/NAME); without KIND, the kinds."""
    from engine.language.nearest import nearest
    from engine.model.errors import UsageMistake
    from engine.model.packaged import root, schema_text

    folder = root("schemas")
    kinds = sorted(
        one.relative_to(folder).as_posix().removesuffix(".schema.json") for one in folder.glob("**/*.schema.json")
    )
    if kind is None:
        click.echo("\n".join(kinds))
        return
    if kind not in kinds:
        near = nearest(kind, kinds)
        remedy = f"did you mean {near}?" if near else "runbook schema lists the kinds"
        raise UsageMistake(f"there is no schema {kind}", remedy=remedy)
    click.echo(schema_text(kind), nl=False)
