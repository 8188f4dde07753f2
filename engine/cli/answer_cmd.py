"""``runbook answer``."""

import click

from engine.cli import complete, options


@click.command("answer")
@click.argument("run_id", metavar="RUN", shell_complete=complete.runs)
@click.argument("given", nargs=-1, required=True, metavar="STEP=ANSWER...")
@click.option("--reason", default="", help="Why, for the record (a settled doubt, a denied approval).")
@options.running
@options.state
@options.as_json
@options.no_color
def command(
    run_id: str,
    given: tuple[str, ...],
    reason: str,
    forks: int,
    yes: bool,
    answers: tuple[str, ...],
    verbose: int,
    state: str | None,
    as_json: bool,
    no_color: bool,
) -> int:
    """Answer what the run RUN waits for, and go on with it.

    \b
    a question     runbook answer RUN retry_first=succeeded
    an approval    runbook answer RUN reboot=approve
    a doubt        runbook answer RUN reboot@SM01=changed --reason "the boot time is new"
    """
    from engine.app import run as use_case
    from engine.app.request import RunRequest
    from engine.app.settle import settle
    from engine.app.wiring import operator_name, state_folder
    from engine.cli.running import LastWords, Manner, conclude

    folder, operator = state_folder(state), operator_name()
    rest = settle(folder, run_id, given, operator, reason)
    manner = Manner(
        operator=operator,
        answers=rest + answers,
        approve_all=yes,
        reason=reason,
        verbose=verbose,
        no_color=no_color,
        as_json=as_json,
    )
    last = LastWords()
    request = RunRequest(state=folder, operator=operator, forks=forks)
    return conclude(use_case.resume(run_id, request, manner.listeners(last)), last)
