"""What ``windows_volume_space.observe.ps1`` measures."""

from engine.lab.machine import Machine
from engine.model.data import JsonMap, JsonValue

FIXED = 3


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """The fixed volume with the longest mount point that the path starts with."""
    path = str(arguments["path"]).lower()
    fixed = [one for one in machine.volumes.values() if one.drive_type == FIXED]
    holding = [one for one in fixed if path.startswith(one.name.lower())]
    if not holding:
        return {"found": False}
    best = max(holding, key=lambda one: len(one.name))
    return {
        "found": True,
        "volume": best.name,
        "label": best.label,
        "size_bytes": best.size,
        "free_bytes": best.free,
    }
