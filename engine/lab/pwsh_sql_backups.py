"""Rules for the SQL Server of a real PowerShell about backups: each database's history, and each set in its files."""

import re
from collections.abc import Iterator, Mapping

from engine.lab.behaviours import sql_answers
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue
from engine.model.packaged import payload

_FOREVER = "1900-01-01T00:00:00"


def backup_rules(machine: Machine) -> list[JsonMap]:
    """Whatever the actions may ask of backups that are on record; a history is answered from its beginning on."""
    sql = machine.sql
    assert sql is not None
    history = payload("mssql_backup_chain.history.sql")
    rules = [_rule(machine, history, {"database": name}, {"since": _FOREVER}) for name in sql.databases]
    restores = payload("mssql_restore_database.history.sql")
    known = {str(row["destination_database_name"]) for row in sql.history.restorehistory}
    rules += [_rule(machine, restores, {"database": name}, {}) for name in sorted(known)]
    rules.append(
        {**_rule(machine, restores, {"database": ""}, {}), "params": {}}
    )  # into any other nothing was restored
    asked: set[str] = set()
    for text, devices in _statements(machine):
        if repr((text, devices)) not in asked:
            asked.add(repr((text, devices)))
            rules.append(_rule(machine, text, devices, {}))
    return rules


def _statements(machine: Machine) -> Iterator[tuple[str, Mapping[str, str]]]:
    assert machine.sql is not None
    history = machine.sql.history
    for row in history.backupset:
        families = [one for one in history.backupmediafamily if one["media_set_id"] == row["media_set_id"]]
        devices = {f"device{place}": str(one["physical_device_name"]) for place, one in enumerate(families, 1)}
        if not devices:
            continue
        first = {"device1": devices["device1"]}
        named = ", ".join(f"DISK = @{name}" for name in devices)
        yield "RESTORE HEADERONLY FROM DISK = @device1", first
        yield f"RESTORE HEADERONLY FROM DISK = @device1 WITH FILE = {row['position']}", first
        yield f"RESTORE FILELISTONLY FROM DISK = @device1 WITH FILE = {row['position']}", first
        for sums in ("", ", CHECKSUM"):
            yield f"RESTORE VERIFYONLY FROM {named} WITH FILE = {row['position']}{sums}", devices


def _rule(machine: Machine, query: str, params: Mapping[str, str], more: Mapping[str, str]) -> JsonMap:
    assert machine.sql is not None
    rule: dict[str, JsonValue] = {"match": f"^{re.escape(sql_answers.plain(query))};?$", "params": dict(params)}
    try:
        rows = sql_answers.answer(machine, machine.sql.name, "master", query, {**params, **more})
    except PayloadError as problem:
        return {**rule, "error": {"number": 50000, "class": 16, "state": 1, "line": 1, "message": problem.message}}
    if not rows.columns:
        return {**rule, "messages": ["The backup set is valid."]}
    columns = [{"name": name, "type": kind} for name, kind in rows.columns]
    return {**rule, "results": [{"columns": columns, "rows": [list(row) for row in rows.rows]}]}
