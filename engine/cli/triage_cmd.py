"""``runbook triage``."""

from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.model.exit_code import ExitCode

if TYPE_CHECKING:
    from engine.model.triage import TriageResult


@click.command("triage")
@click.option(
    "--evidence",
    "evidence",
    multiple=True,
    type=click.Path(),
    metavar="DIR",
    help="A folder or zip that somebody brought; may be given several times. No host is contacted.",
)
@options.inventory(required=False)
@click.option(
    "--collect",
    type=click.Path(),
    metavar="DIR",
    help="With -i: the folder that the live estate's evidence is written to; else one in the state folder.",
)
@click.option("-l", "--limit", default=None, help="With -i: only these hosts (a host pattern, or @FILE).")
@click.option("--baseline", type=click.Path(), default=None, help="With -i: the baseline recorded before the upgrade.")
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="NAME=VALUE",
    help="With -i: what a person saw: retry_button=yes|no|unknown, exit_code=N, prerequisite_page=TEXT.",
)
@click.option(
    "--from", "from_version", default=None, metavar="VERSION", help="With -i: the version before the upgrade."
)
@click.option("--to", "to_version", default=None, metavar="VERSION", help="With -i: the version upgraded to.")
@click.option("--started-at", default=None, metavar="TIME", help="With -i: when the upgrade started, with its offset.")
@click.option("-f", "--forks", type=click.IntRange(1, 500), default=10, show_default=True, help="Hosts at once.")
@click.option("--table", type=click.Path(), metavar="FILE", help="Another triage document than the shipped one.")
@options.state
@options.as_json
@options.no_color
def command(
    evidence: tuple[str, ...],
    inventory: str | None,
    collect: str | None,
    limit: str | None,
    baseline: str | None,
    answers: tuple[str, ...],
    from_version: str | None,
    to_version: str | None,
    started_at: str | None,
    forks: int,
    table: str | None,
    state: str | None,
    as_json: bool,
    no_color: bool,
) -> int:
    """Name the phase in which an upgrade of Service Manager failed, and the runbook that treats it.

    \b
    runbook triage --evidence DIR                     from what somebody brought; no host is contacted
    runbook triage -i INVENTORY --collect DIR         from the live estate; DIR keeps what was seen

    Any answer, also "undetermined", is exit code 0.
    """
    del no_color  # the screen uses no colour
    if bool(evidence) == bool(inventory):
        raise click.UsageError("name either evidence with --evidence DIR, or the estate with -i INVENTORY")
    if evidence:
        _refuse_live_options()
        from engine.app.triage import triage_evidence, triage_spec
        from engine.app.triage_next import brought_baseline, ready

        result = triage_evidence(evidence, triage_spec(table))
        result = ready(result, baseline=brought_baseline(result, evidence))
    else:
        from pathlib import Path

        from engine.app.triage_live import LiveRequest, fresh_folder, triage_live
        from engine.app.wiring import state_folder
        from engine.cli.person import parse_answers

        upgrade = {"from": from_version, "to": to_version, "started_at": started_at}
        request = LiveRequest(
            inventory=inventory or "",
            folder=Path(collect) if collect else fresh_folder(state_folder(state)),
            limit=limit,
            baseline=baseline,
            forks=forks,
            answers=parse_answers(answers),
            upgrade={name: value for name, value in upgrade.items() if value},
            table=table,
            state=state_folder(state),
        )
        result = triage_live(request, lambda line: click.echo(line, err=True))
        click.echo(f"evidence: {request.folder}\n", err=True)
    _show(result, as_json=as_json)
    return int(ExitCode.DONE)


def _refuse_live_options() -> None:
    """What is known of brought evidence stands in the evidence; an option that nobody reads would mislead."""
    context = click.get_current_context()
    places = {
        "collect": "--collect writes what the live estate gives: it needs -i INVENTORY",
        "limit": "--limit chooses among the hosts of an inventory: it needs -i INVENTORY",
        "forks": "--forks counts hosts asked at once: it needs -i INVENTORY",
        "baseline": "--baseline needs -i INVENTORY; put the file into the evidence as baseline.yaml",
        "answers": "--answer needs -i INVENTORY; write it into evidence.yaml, under answers",
        "from_version": "--from needs -i INVENTORY; write it into evidence.yaml, as upgrade.from",
        "to_version": "--to needs -i INVENTORY; write it into evidence.yaml, as upgrade.to",
        "started_at": "--started-at needs -i INVENTORY; write it into evidence.yaml, as upgrade.started_at",
    }
    given = click.core.ParameterSource.COMMANDLINE
    for name, sentence in places.items():
        if context.get_parameter_source(name) is given:
            raise click.UsageError(sentence)


def _show(result: "TriageResult", *, as_json: bool) -> None:
    if as_json:
        import json

        from engine.reporting.triage_text import triage_json

        click.echo(json.dumps(triage_json(result), indent=1))
        return
    import shutil

    from engine.reporting.triage_text import triage_text

    click.echo(triage_text(result, shutil.get_terminal_size().columns))
