"""``runbook lab``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.model.exit_code import ExitCode

if TYPE_CHECKING:
    from engine.app.lab import Lab

RUNBOOK = "configuration-service-timeout"


@click.group("lab")
def command() -> None:
    """The built-in estate: five machines with causes, on loopback, over true WinRM and SSH. No Windows is needed."""


@command.command("up")
@click.option(
    "--estate", "variant", default="upgrade-failed", show_default=True, help="Which estate: see `lab estates`."
)
@click.option("--speed", type=click.FloatRange(1, 200), default=20.0, show_default=True, help="Lab seconds per second.")
@click.option(
    "--interpreter",
    type=click.Choice(["emulated", "pwsh"]),
    default="emulated",
    show_default=True,
    help="What answers a PowerShell command line: the model, or the PowerShell that RUNBOOK_PWSH names.",
)
@click.option("--jump-host", is_flag=True, help="Add a POSIX host behind SSH, in the group jump_hosts.")
@options.state
def up(variant: str, speed: float, interpreter: str, jump_host: bool, state: str | None) -> None:  # fmt: skip
    """Bring the estate up and keep it up until Ctrl-C.

    Commands at its prompt: `retry` presses Retry in the setup wizard, `state` tells which hosts are up,
    `fault HOST NAME=VALUE` puts a host into trouble (`fault HOST` lists the troubles), `quit` ends it.
    """
    from engine.app import lab as use_case
    from engine.app.triage_live import LiveRequest, triage_command
    from engine.app.wiring import state_folder
    from engine.cli.lab_prompt import listen

    folder = state_folder(state) / "lab"
    lab = use_case.up(folder, variant=variant, speed=speed, interpreter=interpreter, jump_host=jump_host)
    try:
        click.echo(f"the lab is up: {', '.join(lab.endpoints.hosts)}", err=True)
        click.echo(f"inventory: {lab.inventory}", err=True)
        seen = LiveRequest(inventory=str(lab.inventory), folder=folder, baseline=str(lab.baseline), state=folder.parent)
        click.echo(f"try:       {triage_command(seen)}", err=True)
        listen(lab)
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        lab.stop()
        click.echo("the lab is down", err=True)


@command.command("estates")
def estates() -> None:
    """List the estates that the lab knows."""
    from engine.lab.estate import VARIANTS

    for name, spec in VARIANTS.items():
        click.echo(
            f"{name:<18} OMCFG needs {spec.start_s:g} s, with the config-file cure {spec.start_unverified_s:g} s"
        )


@command.command("demo", short_help="Watch a recovery on the estate.")
@click.option("--estate", "variant", default="slow", show_default=True, help="Which estate: see `lab estates`.")
@click.option("--speed", type=click.FloatRange(1, 200), default=20.0, show_default=True, help="Lab seconds per second.")
@options.state
@options.no_color
def demo(variant: str, speed: float, state: str | None, no_color: bool) -> int:
    """Watch a failed upgrade being diagnosed and cured: lab up, triage, the runbook, its report."""
    from engine.app import lab as use_case
    from engine.app.wiring import state_folder

    folder = state_folder(state)
    lab = use_case.up(folder / "lab", variant=variant, speed=speed)
    try:
        click.echo(f"1. The lab is up: {', '.join(lab.endpoints.hosts)} on loopback.\n", err=True)
        return _triage(lab, folder) or _cure(lab, folder, no_color)
    finally:
        lab.stop()


def _triage(lab: "Lab", folder: Path) -> int:
    from shutil import get_terminal_size

    from engine.app.triage_live import LiveRequest, fresh_folder, triage_command, triage_live
    from engine.reporting.triage_text import triage_text

    request = LiveRequest(
        inventory=str(lab.inventory),
        folder=fresh_folder(folder),
        baseline=str(lab.baseline),
        state=folder,
        answers={"retry_button": "no"},
        upgrade={name: str(value) for name, value in lab.estate.upgrade().items()},
    )
    click.echo(f"2. {triage_command(request)}\n", err=True)
    result = triage_live(request, lambda line: click.echo(f"  {line}", err=True))
    click.echo(f"\n{triage_text(result, get_terminal_size((80, 24)).columns)}", err=True)
    return int(ExitCode.DONE) if result.verdict == RUNBOOK else int(ExitCode.EXPECTATIONS_MISSED)


def _cure(lab: "Lab", folder: Path, no_color: bool) -> int:
    from engine.app import plan as planning
    from engine.app import run as use_case
    from engine.app.lab import LabOperator
    from engine.app.request import PlanRequest, RunRequest, run_command
    from engine.app.wiring import operator_name
    from engine.cli.running import LastWords, Manner, conclude

    source = PlanRequest(runbook=RUNBOOK, inventory=str(lab.inventory), baseline=str(lab.baseline))
    click.echo(f"\n3. {run_command(source, state=folder)}\n", err=True)
    planned = planning.make(source)
    operator = LabOperator(estate=lab.estate)
    manner = Manner(
        operator=operator_name(),
        answers=(),
        approve_all=True,
        verbose=0,
        no_color=no_color,
        as_json=False,
        person=operator,
    )
    last = LastWords()
    request = RunRequest(state=folder, operator=manner.operator)
    return conclude(use_case.start(planned, request, manner.listeners(last), source), last)
