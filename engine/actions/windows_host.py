"""``windows.host``: who the machine is, what it runs, and since when. Looks only; its result joins the host's facts."""

from engine.actions.base import BuiltIn, describe, script
from engine.model.command import Script
from engine.model.inventory import HostView
from engine.model.result import Decision, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


def probe() -> Script:
    """The look whose ``boot_id`` tells one boot from another."""
    return script("windows_host.observe.ps1")


class WindowsHost(BuiltIn):
    """One look, no change."""

    info = describe(
        "windows.host",
        summary="Identity, operating system, boot time and clock of a Windows machine",
        effect=Effect.OBSERVE,
        facts=True,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Look once."""
        del args, host
        return None if seen else probe()

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The facts as seen."""
        del args
        facts = value_map(seen[0])
        why = f"{host.name} is {facts.get('fqdn')}, up since {facts.get('boot_id')}"
        return Unchanged(why=why, result=facts, examined=1)
