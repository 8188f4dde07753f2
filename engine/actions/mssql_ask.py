"""Fixed questions to a SQL Server instance, sent by the payload of ``mssql.query``, and the versions in the answers."""

import re
from typing import TypeAlias

from engine.actions.base import maps, script, whole
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.packaged import payload
from engine.model.result import CommandResult, value_map
from engine.ports.action import Arguments

PAYLOAD = "mssql_query.observe.ps1"
Version: TypeAlias = tuple[int, int, int, int]


def ask(
    args: Arguments,
    query: str,
    params: JsonMap | None = None,
    *,
    database: str = "master",
    max_rows: int = 1000,
    timeout_s: int = 60,
) -> Script:
    """A look that sends this text to the step's instance."""
    return script(
        PAYLOAD,
        {
            "query": query,
            "database": database,
            "instance": str(args.get("instance", "")),
            "params": dict(params or {}),
            "max_rows": max_rows,
            "timeout_s": timeout_s,
        },
    )


def ask_shipped(
    args: Arguments,
    name: str,
    params: JsonMap | None = None,
    *,
    database: str = "master",
    max_rows: int = 1000,
) -> Script:
    """A look that sends the packaged query of that file name."""
    return ask(args, payload(name), params, database=database, max_rows=max_rows)


def rows_of(result: CommandResult) -> tuple[JsonMap, ...]:
    """The rows of an answer."""
    return maps(value_map(result).get("rows"))


def first_row(result: CommandResult) -> JsonMap:
    """The first row, or nothing."""
    return next(iter(rows_of(result)), {})


def text_of(row: JsonMap, name: str) -> str:
    """A text in a row, else the empty one."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def number_of(row: JsonMap, name: str) -> int:
    """A whole number in a row, else 0; decimals come as texts."""
    value = row.get(name)
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[0-9]{1,38}", value) else 0
    return whole(value)


def version_of(text: object) -> Version | None:
    """A build as four whole numbers, for ``10.00.2531`` and ``10.0.2531.0`` are one; None for anything else."""
    found = re.fullmatch(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", str(text).strip())
    if found is None:
        return None
    major, minor, build, revision = (int(one or 0) for one in found.groups())
    return (major, minor, build, revision)


def version_words(version: Version) -> str:
    """The version as text."""
    return ".".join(str(one) for one in version)
