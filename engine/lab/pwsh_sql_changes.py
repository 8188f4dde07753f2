"""Changes that a real PowerShell sends to a machine's SQL Server: its test host takes the statements the lab knows, and
what it took is then carried out by the model.

The test host cannot know whether the model would complain: a statement that it would refuse is taken and changes
nothing, so that the next look finds nothing done.
"""

import contextlib
import json
from collections.abc import Mapping

from engine.lab.behaviours.mssql_statements import PATTERNS, execute
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap


def taken() -> list[JsonMap]:
    """A rule for every statement of the lab, in the words of .NET."""
    return [{"match": f"^{pattern.replace('(?P<', '(?<')};?$", "affected": -1} for pattern in PATTERNS]


def carry_out(machine: Machine, log: str) -> bool:
    """Carry out what the log of the test host says was taken; true if there was anything."""
    assert machine.sql is not None
    entries = [json.loads(line) for line in log.splitlines()]
    sent = [one for one in entries if one["kind"] == "ExecuteNonQuery" and one["outcome"] == "ok"]
    for one in sent:
        with contextlib.suppress(PayloadError):
            execute(machine.sql, str(one["database"]), str(one["text"]), _params(one))
    return bool(sent)


def _params(entry: Mapping[str, JsonMap]) -> JsonMap:
    return {name.removeprefix("@"): value for name, value in entry.get("params", {}).items()}
