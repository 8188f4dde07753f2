"""What the shell offers after a tab: runbooks, hosts, groups, tags, steps, runs. Reads files only; never fails aloud.

A callback runs at every tab, so each imports what it needs and gives nothing where a document cannot be read.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

import click
from click.shell_completion import CompletionItem

Items = list[CompletionItem]
Callback = Callable[[click.Context, click.Parameter, str], Items]


def _offer(find: Callable[[click.Context], Iterable[tuple[str, str]]]) -> Callback:
    def callback(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        del param
        try:
            return [CompletionItem(value, help=about) for value, about in find(ctx) if value.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a tab must not print a traceback into the line being typed
            return []

    return callback


def _runbooks(ctx: click.Context) -> Iterable[tuple[str, str]]:
    """The shipped ones by name; files are completed by the shell as well."""
    del ctx
    from engine.model.packaged import root

    for path in sorted(root("runbooks").glob("*/*.yaml")):
        head = path.read_text(encoding="utf-8")[:2000]
        if "schema: runbook/" in head:
            title = next((line[6:].strip() for line in head.splitlines() if line.startswith("title:")), "")
            yield path.stem, title


def _hosts(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from engine.app import documents

    name = ctx.params.get("inventory")
    if not name:
        return
    inventory = documents.inventory(str(name))
    for host in inventory.hosts.values():
        yield host.name, f"{host.connection} {host.address}"
    for group, members in inventory.groups.items():
        yield group, f"group: {', '.join(members)}"


def _runbook_of(ctx: click.Context) -> str:
    """The runbook named so far: an option without its value yet keeps click from binding the argument."""
    return str(ctx.params.get("runbook") or ctx.args[0])


def _steps(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from engine.app import documents

    for step in documents.runbook(_runbook_of(ctx)).spec.steps:
        yield step.id, step.name


def _tags(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from engine.app import documents

    steps = documents.runbook(_runbook_of(ctx)).spec.steps
    for tag in sorted({tag for step in steps for tag in step.tags}):
        yield tag, f"{sum(tag in step.tags for step in steps)} steps"


def _params(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from engine.app import documents

    for param in documents.runbook(_runbook_of(ctx)).spec.params.values():
        yield f"{param.name}={'env:' if param.secret else ''}", param.description


def _runs(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from engine.app import wiring

    folder = wiring.state_folder(ctx.params.get("state"))
    if not (folder / "journal.sqlite").exists():
        return
    with closing(wiring.open_journal(folder)) as journal:
        for run in journal.runs():
            yield run.run_id, f"{run.runbook} {run.status}"


def _actions(ctx: click.Context) -> Iterable[tuple[str, str]]:
    del ctx
    from engine.app.actions import listed

    for row in listed():
        yield row["name"], row["summary"]


def _schemas(ctx: click.Context) -> Iterable[tuple[str, str]]:
    del ctx
    from engine.model.packaged import root

    folder = root("schemas")
    for path in sorted(folder.glob("**/*.schema.json")):
        yield path.relative_to(folder).as_posix().removesuffix(".schema.json"), ""


def _runbooks_and_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Names of shipped runbooks, and the shell's own files."""
    return [*_offer(_runbooks)(ctx, param, incomplete), CompletionItem(incomplete, type="file")]


def last_of_list(callback: Callback) -> Callback:
    """Completes the part after the last comma or colon of a list."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        cut = max(incomplete.rfind(","), incomplete.rfind(":")) + 1
        done, rest = incomplete[:cut], incomplete[cut:]
        return [CompletionItem(done + one.value, help=one.help) for one in callback(ctx, param, rest)]

    return complete


runbooks: Any = _runbooks_and_files
hosts: Any = last_of_list(_offer(_hosts))
steps: Any = _offer(_steps)
tags: Any = last_of_list(_offer(_tags))
params: Any = _offer(_params)
runs: Any = _offer(_runs)
actions: Any = _offer(_actions)
schemas: Any = _offer(_schemas)
