"""What the payloads about data warehouse jobs see and do. Switching a schedule leaves a running job at work."""

from engine.lab.behaviours.plain import texts
from engine.lab.behaviours.service_manager_module import connected, module
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Jobs and schedules."""
    module(machine, arguments)
    jobs, now = connected(machine).jobs.values(), machine.clock.now()
    return {
        "jobs": [{"name": one.name, "status": one.status(now)} for one in jobs],
        "schedules": [{"name": one.name, "enabled": one.scheduled} for one in jobs if one.scheduled is not None],
    }


def schedules(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Switch the schedules of the named jobs, one after the other."""
    module(machine, arguments)
    names, on = texts(arguments["names"]), arguments["enabled"] is True
    jobs = {name.lower(): one for name, one in connected(machine).jobs.items()}
    for name in names:
        job = jobs.get(name.lower())
        if job is None or job.scheduled is None:
            raise PayloadError(f"There is no schedule of a job {name}.")
        job.scheduled = on
    return {"switched": len(names)}
