"""What ``windows_reboot.restart.ps1`` does."""

from engine.lab.behaviours import PayloadError
from engine.lab.machine import Machine
from engine.model.data import JsonMap, JsonValue

SHUTDOWN_SCHEDULED = 1190


def restart(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Schedule the restart; a second request is refused as Windows does."""
    if machine.restart_pending:
        raise PayloadError(f"shutdown.exe ended with exit code {SHUTDOWN_SCHEDULED}.")
    machine.restart(float(str(arguments["delay_s"])), str(arguments["comment"]))
    return {"requested": True}
