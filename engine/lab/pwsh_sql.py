"""A machine's SQL Server for a real PowerShell: the shipped queries with the answers of the machine's own databases.

The test host's ``SqlClient`` answers from a file of rules; the rules are made from the one model of the answers.
"""

import re

from engine.lab.behaviours import sql_answers
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.pwsh_sql_backups import backup_rules
from engine.lab.pwsh_sql_changes import taken
from engine.model.data import JsonMap, JsonValue
from engine.model.packaged import payload, payloads


def rules(machine: Machine) -> JsonMap:
    """The file's content; a machine without SQL Server at work has none that could be reached."""
    if machine.sql_at_work is None:
        return {"servers": ["-"], "rules": []}
    assert machine.sql is not None
    names = ["master", *machine.sql.databases]
    found = [
        _rule(machine, database, payload(query)) for query in payloads() if query.endswith(".sql") for database in names
    ]
    return {"rules": [*backup_rules(machine), *(one for one in found if one is not None), *taken()]}


def _rule(machine: Machine, database: str, query: str) -> JsonMap | None:
    assert machine.sql is not None
    text = sql_answers.plain(query)
    rule: dict[str, JsonValue] = {"match": f"^{re.escape(text)};?$", "database": database}
    try:
        rows = sql_answers.answer(machine, machine.sql.name, database, query, {})
    except PayloadError as problem:
        return {**rule, "error": {"number": 50000, "class": 16, "state": 1, "line": 1, "message": problem.message}}
    columns = [{"name": name, "type": kind} for name, kind in rows.columns]
    return {**rule, "results": [{"columns": columns, "rows": [list(row) for row in rows.rows]}]}
