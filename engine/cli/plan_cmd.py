"""``runbook plan``."""

from pathlib import Path

import click

from engine.cli import complete, options


@click.command("plan")
@click.argument("runbook", shell_complete=complete.runbooks)
@options.inventory()
@options.selection
@click.option(
    "--out", type=click.Path(), default=None, help="Save the plan; `runbook run --plan FILE` runs exactly it."
)
@options.as_json
@options.no_color_needed
def command(
    runbook: str,
    inventory: str,
    limit: str | None,
    params: tuple[str, ...],
    tags: str | None,
    start_at: str | None,
    baseline: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Show what a run of RUNBOOK would do: steps, hosts, effects, proofs, and where the point of no return lies."""
    from engine.app import plan as use_case
    from engine.app.request import PlanRequest, run_command
    from engine.reporting.diagnostics import render_diagnostics

    request = PlanRequest(
        runbook=runbook,
        inventory=inventory,
        limit=limit,
        params=params,
        tags=tags,
        start_at=start_at,
        baseline=baseline,
    )
    planned = use_case.make(request)
    if planned.diagnostics:
        click.echo(render_diagnostics(planned.diagnostics), err=True)
    if out is not None:
        use_case.save(planned.plan, Path(out))
        click.echo(f"saved to {out}", err=True)
    if as_json:
        import json

        from engine.planning.plan_json import plan_to_json

        click.echo(json.dumps(plan_to_json(planned.plan), indent=1))
        return
    from shutil import get_terminal_size

    from engine.reporting.plan_text import plan_text

    columns = get_terminal_size((80, 24)).columns
    click.echo(plan_text(planned.plan, columns=columns, command=run_command(request, plan_file=out)))
