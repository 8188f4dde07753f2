"""What ``windows_process.observe.ps1`` sees."""

from engine.lab.clock import iso
from engine.lab.machine import Machine
from engine.model.data import JsonMap, JsonValue


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """The processes of the given names."""
    names = arguments["names"]
    assert isinstance(names, (list, tuple))
    wanted = {str(name).lower() for name in names}
    running = machine.running()
    found: list[JsonValue] = [
        {"name": one.name, "process_id": one.process_id, "started": iso(one.started)}
        for one in running
        if one.name.lower() in wanted
    ]
    return {"examined": len(running), "processes": found}
