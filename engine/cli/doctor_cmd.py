"""``runbook doctor``."""

from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.model.exit_code import ExitCode

if TYPE_CHECKING:
    from engine.app.doctor import Check
    from engine.app.doctor_hosts import HostHealth


@click.command("doctor")
@options.inventory(required=False)
@options.limit_option()
@click.option("-f", "--forks", type=click.IntRange(1, 500), default=10, show_default=True,
              help="At most this many hosts at once.")  # fmt: skip
@click.option("-v", "--verbose", count=True, help="Also boot identity, times and notes of each host.")
@options.state
@options.as_json
@options.no_color_needed
def command(
    inventory: str | None, limit: str | None, forks: int, verbose: int, state: str | None, as_json: bool
) -> int:
    """Check this machine; with an inventory, also the way to every host, as a run would use it.

    Nothing is changed anywhere. Exit code 1 if this machine is not fit, 4 if a host cannot be used.
    """
    from engine.app.doctor import Health, machine
    from engine.app.wiring import state_folder
    from engine.model.errors import UsageMistake

    if limit is not None and inventory is None:
        raise UsageMistake("--limit selects hosts of an inventory", remedy="name one with -i")
    checks = machine(state_folder(state))
    if not as_json:
        _show_checks(checks)
    hosts = _hosts(inventory, limit, forks, verbose, as_json) if inventory is not None else ()
    if as_json:
        import json

        click.echo(json.dumps(_data(checks, hosts), indent=1))
    if any(one.health is Health.FAILED for one in hosts):
        return int(ExitCode.UNREACHABLE)
    return int(ExitCode.STEP_FAILED if any(one.health is Health.FAILED for one in checks) else ExitCode.DONE)


def _hosts(inventory: str, limit: str | None, forks: int, verbose: int, as_json: bool) -> tuple["HostHealth", ...]:
    from engine.app import documents
    from engine.app.clock import SystemClock
    from engine.app.doctor_hosts import examine
    from engine.app.inventory import selected
    from engine.secrets import open_box

    found = documents.inventory(inventory)
    hosts = [found.hosts[name] for name in selected(found, limit)]
    width = max(len(host.name) for host in hosts)

    def tell(one: "HostHealth") -> None:
        if not as_json:
            _show_host(one, width, verbose)

    if not as_json:
        click.echo("")
    box = open_box()
    return examine(hosts, box.open, SystemClock(), forks=forks, tell=tell, mask=box.masker.text)


def _show_checks(checks: "tuple[Check, ...]") -> None:
    from engine.reporting.plain import one_line

    for one in checks:
        click.echo(f"  {_word(one.health):<8}  {one.name:<13}  {one_line(one.says)}")
        if one.remedy:
            click.echo(f"{'':27}remedy: {one_line(one.remedy)}")


def _show_host(one: "HostHealth", width: int, verbose: int) -> None:
    from engine.reporting.plain import one_line

    how = [one.connection, one.endpoint.partition("://")[2].partition("/")[0] or one.endpoint]
    facts = [one.interpreter, one.mode if one.open_s is not None else ""]
    if one.skew_s is not None:
        facts.append(f"clock {one.skew_s:+.0f} s")
    if one.certificate_days is not None:
        facts.append(f"certificate {one.certificate_days} days")
    said = ", ".join(fact for fact in facts if fact) if one.open_s is not None else ""
    indent = " " * (14 + width)
    click.echo(f"  {_word(one.health):<8}  {one.host:<{width}}  {' '.join(how):<28}  {one_line(said)}".rstrip())
    if one.says != "reached":
        click.echo(f"{indent}{one_line(one.says)}")
    if one.remedy:
        click.echo(f"{indent}remedy: {one_line(one.remedy)}")
    why = [f"note: {note}" for note in one.notes] if one.mode == "a process per command" else []
    for line in _details(one) if verbose else why:
        click.echo(f"{indent}{one_line(line)}")


def _details(one: "HostHealth") -> list[str]:
    lines = [one.system] if one.system else []
    if one.boot_id:
        lines.append(f"boot {one.boot_id}")
    if one.open_s is not None:
        lines.append(f"open {one.open_s:.2f} s, one look {one.look_s or 0:.2f} s")
    return [*lines, *(f"note: {note}" for note in one.notes)]


def _word(health: str) -> str:
    return "FAILED" if health == "failed" else health


def _data(checks: "tuple[Check, ...]", hosts: "tuple[HostHealth, ...]") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "schema": "doctor/v1",
        "machine": [asdict(one) for one in checks],
        "hosts": [asdict(one) for one in hosts],
    }
