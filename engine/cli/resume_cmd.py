"""``runbook resume``."""

import click

from engine.cli import complete, options


@click.command("resume")
@click.argument("run_id", metavar="RUN", shell_complete=complete.runs)
@click.option("-i", "--inventory", default="", type=click.Path(), help="The inventory, if it moved since.")
@options.running
@options.state
@options.as_json
@options.no_color
def command(
    run_id: str,
    inventory: str,
    forks: int,
    yes: bool,
    answers: tuple[str, ...],
    verbose: int,
    state: str | None,
    as_json: bool,
    no_color: bool,
) -> int:
    """Take the run RUN up where it stopped: what was in flight is looked at again before anything else is done."""
    from engine.app import run as use_case
    from engine.app.request import RunRequest
    from engine.app.wiring import operator_name, state_folder
    from engine.cli.running import LastWords, Manner, conclude

    manner = Manner(
        operator=operator_name(),
        answers=answers,
        approve_all=yes,
        verbose=verbose,
        no_color=no_color,
        as_json=as_json,
    )
    last = LastWords()
    request = RunRequest(state=state_folder(state), operator=manner.operator, forks=forks, inventory=inventory)
    return conclude(use_case.resume(run_id, request, manner.listeners(last)), last)
