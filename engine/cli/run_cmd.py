"""``runbook run``."""

from pathlib import Path

import click

from engine.cli import complete, options


@click.command("run")
@click.argument("runbook", shell_complete=complete.runbooks)
@options.inventory()
@options.selection
@options.running
@click.option("-C", "--check", is_flag=True, help="Check mode: observe and decide, change nothing.")
@click.option("-D", "--diff", is_flag=True, help="Show before and after of every change.")
@click.option("--plan", "plan_file", type=click.Path(), default=None, help="Run exactly this saved plan.")
@options.state
@options.as_json
@options.no_color
def command(
    runbook: str,
    inventory: str,
    limit: str | None,
    params: tuple[str, ...],
    tags: str | None,
    start_at: str | None,
    baseline: str | None,
    forks: int,
    yes: bool,
    answers: tuple[str, ...],
    verbose: int,
    check: bool,
    diff: bool,
    plan_file: str | None,
    state: str | None,
    as_json: bool,
    no_color: bool,
) -> int:
    """Run RUNBOOK (a path, or the name of a shipped one) against an inventory.

    \b
    runbook run configuration-service-timeout -i inventory/production.yaml
    runbook run configuration-service-timeout -i inventory/production.yaml --check --diff
    """
    from engine.app import plan as planning
    from engine.app import run as use_case
    from engine.app.request import PlanRequest, RunRequest
    from engine.app.wiring import operator_name, state_folder
    from engine.cli.running import LastWords, Manner, conclude
    from engine.reporting.diagnostics import render_diagnostics

    source = PlanRequest(
        runbook=runbook,
        inventory=inventory,
        limit=limit,
        params=params,
        tags=tags,
        start_at=start_at,
        baseline=baseline,
    )
    planned = planning.saved(Path(plan_file), source) if plan_file else planning.make(source)
    if planned.diagnostics:
        click.echo(render_diagnostics(planned.diagnostics), err=True)
    manner = Manner(
        operator=operator_name(),
        answers=answers,
        approve_all=yes,
        verbose=verbose,
        no_color=no_color,
        as_json=as_json,
        diff=diff,
    )
    last = LastWords()
    request = RunRequest(state=state_folder(state), operator=manner.operator, check=check, forks=forks)
    return conclude(use_case.start(planned, request, manner.listeners(last), source), last)
