"""What the payloads of long SQL operations do on a machine."""

from collections.abc import Mapping

from engine.lab import machine_sql_jobs as jobs
from engine.lab import machine_sql_statements as _statements  # noqa: F401 - its statements are registered by this import
from engine.lab.behaviours import sql_copies as _copies  # noqa: F401 - likewise
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue


def start(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Begin a job, or find it begun."""
    data = arguments["data"]
    assert isinstance(data, Mapping)
    params, instance = data.get("params"), str(data.get("instance") or "")
    if machine.sql_at_work is None or machine.sql_at_work.name.lower() != instance.lower():
        raise PayloadError("A network-related or instance-specific error occurred.", "NotSpecified")
    begun = jobs.start(
        machine,
        str(arguments["key"]),
        str(arguments["digest"]),
        str(data["text"]),
        params if isinstance(params, Mapping) else {},
    )
    return {"begun": begun}


def poll(machine: Machine, arguments: JsonMap) -> JsonValue:
    """How far it is."""
    one = jobs.told(machine, str(arguments["key"]))
    if one is None:
        return {"state": jobs.UNKNOWN, "percent": None, "message": jobs.NO_JOB}
    return {"state": one.state, "percent": one.percent(machine.clock.now()), "message": one.message}


def forget(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Remove an ended job."""
    return {"forgotten": jobs.forget(machine, str(arguments["key"]))}
