"""What ``windows_host.observe.ps1`` sees of a machine."""

from engine.lab.clock import iso
from engine.lab.machine import Machine
from engine.model.data import JsonMap, JsonValue


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Identity, operating system, boot and clock."""
    del arguments
    name = machine.computer_name
    return {
        "computer_name": name,
        "fqdn": f"{name}.{machine.domain}".lower() if machine.domain else name.lower(),
        "domain_joined": bool(machine.domain),
        "os_caption": machine.os_caption,
        "os_version": machine.os_version,
        "boot_id": iso(machine.booted_at),
        "uptime_s": int(machine.clock.now()) - int(machine.booted_at),
        "powershell_version": machine.powershell_version,
        "clock": iso(machine.clock.now()),
    }
