"""What the payloads of ``windows.registry_value`` see and do."""

from engine.lab.machine import Machine
from engine.lab.machine_registry import RegistryData
from engine.model.data import JsonMap, JsonValue


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """The value with its kind."""
    key, name = str(arguments["key"]), str(arguments["name"])
    value = machine.registry.get(key, name)
    if value is None:
        return {"key_found": machine.registry.key(key) is not None, "found": False}
    return {"key_found": True, "found": True, "kind": value.kind, "value": _shown(value.data)}


def _shown(data: RegistryData) -> JsonValue:
    match data:
        case bytes():
            return data.hex()
        case tuple():
            return list(data)
        case _:
            return data


def write(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Write the value and the keys above it."""
    kind, value = str(arguments["kind"]), arguments["value"]
    data: RegistryData
    match kind:
        case "Binary":
            data = bytes.fromhex(str(value))
        case "MultiString":
            data = tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else (str(value),)
        case "DWord" | "QWord":
            data = int(str(value))
        case _:
            data = str(value)
    machine.registry.set(str(arguments["key"]), str(arguments["name"]), data, kind)
    return {"written": True}


def remove(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Delete the value if it is there."""
    return {"removed": machine.registry.remove(str(arguments["key"]), str(arguments["name"]))}
