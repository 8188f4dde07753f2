"""What ``service_manager_versions.databases.ps1`` reads from a machine's databases."""

from engine.lab.behaviours.plain import texts
from engine.lab.behaviours.sql_answers import answer
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue


def databases(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Each database's version and that of its management packs; what cannot be read is null, with the reason."""
    names = texts(arguments["databases"]) or tuple(_column(machine, arguments, "master", "names_query"))
    return {"databases": {name: _one(machine, arguments, name) for name in names}}


def _column(machine: Machine, arguments: JsonMap, database: str, query: str) -> list[str]:
    found = answer(machine, str(arguments.get("instance") or ""), database, str(arguments[query]), {})
    return [str(row[0]) for row in found.rows if row[0] is not None]


def _one(machine: Machine, arguments: JsonMap, name: str) -> JsonMap:
    version = packs = why = None
    try:
        values = _column(machine, arguments, name, "version_query")
        version, why = (values[0], None) if len(values) == 1 else (None, f"the table has {len(values)} rows")
    except PayloadError as problem:
        why = problem.message
    try:
        values = _column(machine, arguments, name, "packs_query")
        packs = values[0] if len(values) == 1 else None
    except PayloadError:
        packs = None
    return {"version": version, "management_packs": packs, "why": why}
