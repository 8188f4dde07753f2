"""``windows.reboot``: restart the machine and wait until it has really booted anew, by boot identity, not by port.

Whether a lost restart happened is a person's to say unless ``unless_booted_since`` lets the machine say it.
"""

from engine.actions.base import BuiltIn, describe, script
from engine.actions.windows_host import probe
from engine.model.boot import is_same_boot
from engine.model.command import Command, Reboot
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged, value_map
from engine.model.secret import Secret
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen


class WindowsReboot(BuiltIn):
    """One look at the boot identity, a restart, another look."""

    info = describe(
        "windows.reboot",
        summary="Restart a Windows machine and wait for its next boot",
        effect=Effect.REVERSIBLE,
        rerun=Rerun.NEVER,
        disruptive=True,
        timeout_s=900.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Read the boot identity once."""
        del host
        return None if seen or _mistake(args) else probe()

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Restart, unless a boot since the given time is enough."""
        mistake = _mistake(args)
        if mistake:
            return mistake
        before = str(value_map(seen[0]).get("boot_id") or "")
        since = args.get("unless_booted_since")
        if not before:
            return Refuse(why=f"{host.name} does not tell when it was booted; a restart could not be verified")
        if since is not None and before > str(since):
            unneeded: JsonMap = {"rebooted": False, "boot_id_before": before, "boot_id": before}
            return Unchanged(why=f"{host.name} was booted at {before}, after {since}", result=unneeded, examined=1)
        restart = script(
            "windows_reboot.restart.ps1",
            {"delay_s": args.get("delay_s", 5), "comment": args.get("comment", "Recovery runbook")},
            changing=True,
        )
        return Change(
            why=f"{host.name} is up since {before} and is to be restarted",
            before=f"up since {before}",
            after="restarted",
            commands=(Reboot(script=restart, probe=probe(), before=before),),
            result={"rebooted": True, "boot_id_before": before, "boot_id": ""},
        )

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """The boot identity must be another one."""
        del args, applied
        first, second = (str(value_map(one[0]).get("boot_id") or "") for one in (before, after))
        result: JsonMap = {"rebooted": True, "boot_id_before": first, "boot_id": second}
        if not second or is_same_boot(first, second):
            return Refuse(why=f"{host.name} is still up since {first}: it did not restart", result=result)
        return Unchanged(why=f"{host.name} was restarted and is up since {second}", result=result, examined=1)


def _mistake(args: Arguments) -> Refuse | None:
    if not isinstance(args.get("comment"), Secret):
        return None
    return Refuse(
        why="A secret cannot be the comment of a restart, which everybody on the host can read",
        remedy="Write the reason of the restart.",
    )
