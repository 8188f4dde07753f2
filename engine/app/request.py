"""What a person asked for, before anything was read."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.app.documents import read_text
from engine.app.wiring import state_option
from engine.model.command_line import command_line
from engine.model.errors import UsageMistake


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Which runbook, where, with which inputs; ``tags`` is comma-separated."""

    runbook: str
    inventory: str
    limit: str | None = None
    params: tuple[str, ...] = ()
    tags: str | None = None
    start_at: str | None = None
    baseline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """How a plan is to be carried out. A run that another run asks for has that one as ``parent``, the one a person
    started as ``root``, and an id made of both; ``held`` are the hosts that the runs above it hold.
    """

    state: Path
    operator: str
    check: bool = False
    forks: int = 10
    inventory: str = ""
    parent: str | None = None
    root: str | None = None
    run_id: str | None = None
    held: frozenset[str] = frozenset()


def run_command(request: PlanRequest, *, plan_file: str | None = None, state: Path | None = None) -> str:
    """The command that runs what was asked for, to be typed as it stands."""
    options = [("-i", request.inventory), ("-l", request.limit), *(("-e", one) for one in request.params)]
    options += [("-t", request.tags), ("--start-at", request.start_at), ("--baseline", request.baseline)]
    words = [word for name, value in options if value for word in (name, value)]
    if plan_file is not None:
        words += ["--plan", plan_file]
    return command_line("runbook", "run", request.runbook, *words) + ("" if state is None else state_option(state))


def parse_params(given: Iterable[str]) -> dict[str, Any]:
    """``NAME=VALUE`` pairs (values stay text), JSON objects, and ``@FILE`` with a JSON object; later ones win."""
    values: dict[str, Any] = {}
    for one in given:
        values.update(_parsed(one))
    return values


def _parsed(one: str) -> dict[str, Any]:
    if one.startswith("@"):
        return _object(_text(one[1:], "a file of inputs"), one)
    if one.lstrip().startswith("{"):
        return _object(one, one)
    name, equals, value = one.partition("=")
    if not equals or not name.strip():
        raise UsageMistake(f"`{one}` is no input", remedy="write -e NAME=VALUE, a JSON object, or @FILE")
    return {name.strip(): value}


def _object(text: str, shown: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # also: nested too deeply, a number of too many digits
        raise UsageMistake(f"`{shown}`: not JSON: {error}", remedy='write a JSON object, as {"name": 5}') from error
    if not isinstance(value, dict):
        raise UsageMistake(f'`{shown}`: a JSON object is needed, as {{"name": 5}}')
    return value


def _text(name: str, what: str) -> str:
    try:
        return read_text(Path(name), what).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageMistake(f"{name} is not UTF-8 (byte {error.start})", remedy=f"save {what} as UTF-8") from error


def parse_limit(limit: str | None) -> str | None:
    """A host pattern; ``@FILE`` reads one pattern a line."""
    if limit is None or not limit.startswith("@"):
        return limit
    lines = _text(limit[1:], "a file of hosts").splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not names:
        raise UsageMistake(f"{limit[1:]} names no host", remedy="write one host or pattern a line")
    return ",".join(names)
