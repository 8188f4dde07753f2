"""The options that several commands share, and their help."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from engine.cli import complete

F = TypeVar("F", bound=Callable[..., Any])


def inventory(*, required: bool = True) -> Callable[[F], F]:
    """``-i``."""
    return click.option(
        "-i",
        "--inventory",
        "inventory",
        required=required,
        type=click.Path(),
        help="The inventory file (Ansible's YAML layout).",
    )


def state(function: F) -> F:
    """``--state``."""
    return click.option(
        "--state",
        type=click.Path(),
        default=None,
        help="Folder of the journal and of the runs; else RUNBOOK_STATE, else .runbook in this folder.",
    )(function)


def as_json(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Give JSON on standard output.")(function)


def no_color(function: F) -> F:
    """``--no-color``."""
    return click.option("--no-color", is_flag=True, help="No colours (also: the variable NO_COLOR).")(function)


def no_color_needed(function: F) -> F:
    """``--no-color`` where nothing is coloured: whoever says it to every command is not refused."""
    text = "Taken, and without effect: nothing is coloured here."
    return click.option("--no-color", is_flag=True, expose_value=False, help=text)(function)


def limit_option() -> Callable[[F], F]:
    """``-l``."""
    return click.option(
        "-l",
        "--limit",
        default=None,
        shell_complete=complete.hosts,
        help="Only these hosts (a host pattern, or @FILE).",
    )


def selection(function: F) -> F:
    """What of a runbook to do, and where."""
    for option in reversed(
        (
            limit_option(),
            click.option(
                "-e",
                "--param",
                "--extra-vars",
                "params",
                multiple=True,
                metavar="NAME=VALUE",
                shell_complete=complete.params,
                help="An input; typed by its declaration. Also a JSON object, or @FILE with one.",
            ),
            click.option(
                "-t",
                "--tags",
                default=None,
                shell_complete=complete.tags,
                help="Only steps with one of these tags (comma-separated).",
            ),
            click.option(
                "--start-at",
                default=None,
                metavar="STEP",
                shell_complete=complete.steps,
                help="Begin at this step; its gates still hold.",
            ),
            click.option(
                "--baseline", default=None, type=click.Path(), help="The baseline recorded before the upgrade."
            ),
        )
    ):
        function = option(function)
    return function


def running(function: F) -> F:
    """How a run is carried out and answered."""
    for option in reversed(
        (
            click.option("-f", "--forks", type=click.IntRange(1, 500), default=10, show_default=True,
                         help="At most this many hosts at once."),
            click.option("--yes", is_flag=True, help="Approve every approval; recorded as given by this option."),
            click.option(
                "--answer",
                "answers",
                multiple=True,
                metavar="STEP=ANSWER",
                help="Answer a question (its key) or an approval (approve, deny) of that step without a terminal.",
            ),
            click.option("-v", "--verbose", count=True, help="Tell more; twice: still more."),
        )
    ):  # fmt: skip
        function = option(function)
    return function


def wants_color(no_color_flag: bool) -> bool:
    """False if asked for by flag or variable, or if standard error is no terminal."""
    import os

    return (
        not no_color_flag
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
        and sys.stderr.isatty()
    )
