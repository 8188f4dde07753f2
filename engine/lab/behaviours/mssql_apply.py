"""What ``mssql_apply.ps1`` changes on a machine's SQL Server, statement by statement."""

from collections.abc import Mapping

from engine.lab.behaviours.mssql_statements import execute
from engine.lab.behaviours.plain import maps
from engine.lab.behaviours.sql_answers import session_at
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue


def send(machine: Machine, arguments: JsonMap) -> JsonValue:
    """In order until one fails; those at the end in any case. Complaints come together."""
    name = str(arguments["database"])
    sql, _ = session_at(machine, str(arguments.get("instance") or ""), name)
    sent, problems = 0, []
    try:
        for one in maps(arguments["statements"]):
            execute(sql, name, str(one["text"]), _params(one))
            sent += 1
    except PayloadError as problem:
        problems.append(problem.message)
    for one in maps(arguments.get("lastly")):
        try:
            execute(sql, name, str(one["text"]), _params(one))
            sent += 1
        except PayloadError as problem:
            problems.append(f"Afterwards: {problem.message}")
    if problems:
        raise PayloadError(" ".join(problems))
    return {"sent": sent}


def _params(statement: JsonMap) -> JsonMap:
    params = statement.get("params")
    return params if isinstance(params, Mapping) else {}
