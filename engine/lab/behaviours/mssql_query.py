"""What ``mssql_query.observe.ps1`` gets from a machine's SQL Server."""

from collections.abc import Mapping

from engine.lab.behaviours.plain import number
from engine.lab.behaviours.sql_answers import answer
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Columns, typed rows, and whether there were more than asked for."""
    params = arguments.get("params")
    found = answer(
        machine,
        str(arguments.get("instance") or ""),
        str(arguments["database"]),
        str(arguments["query"]),
        params if isinstance(params, Mapping) else {},
    )
    names = [name or f"column_{place}" for place, (name, _) in enumerate(found.columns, 1)]
    for place, name in enumerate(names):
        if name.lower() in (one.lower() for one in names[:place]):
            raise PayloadError(f"The query has two columns named {name}.")
    limit = number(arguments["max_rows"])
    return {
        "columns": [{"name": name, "type": kind} for name, (_, kind) in zip(names, found.columns, strict=True)],
        "rows": [dict(zip(names, row, strict=True)) for row in found.rows[:limit]],
        "truncated": len(found.rows) > limit,
    }
