"""``windows.process``: are processes of these names running. With ``expect`` it is a gate.

Expecting all of setup's processes absent yields the proof ``setup-not-running``.
"""

from engine.actions.base import BuiltIn, as_list, describe, maps, script, whole
from engine.model.command import Command
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

SETUP_PROCESSES = frozenset({"setup.exe", "setupwizard.exe", "msiexec.exe"})
SETUP_NOT_RUNNING = "setup-not-running"


class WindowsProcess(BuiltIn):
    """One look at all processes."""

    info = describe(
        "windows.process",
        summary="Look for running processes by name; expect them absent or present",
        effect=Effect.OBSERVE,
        yields=(SETUP_NOT_RUNNING,),
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Look once."""
        del host
        return None if seen else script("windows_process.observe.ps1", {"names": as_list(args["names"])})

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Compare with what is expected."""
        value = value_map(seen[0])
        found, examined = list(maps(value.get("processes"))), whole(value.get("examined"))
        result: JsonMap = {"found": bool(found), "count": len(found), "examined": examined, "processes": found}
        names, expect = as_list(args["names"]), args.get("expect", "any")
        if expect == "absent" and found:
            running = ", ".join(f"{one.get('name')} ({one.get('process_id')})" for one in found)
            return Refuse(
                why=f"{running} still runs on {host.name}",
                remedy="wait until it has ended, or end it there, then run the step again",
                result=result,
            )
        if expect == "present" and not found:
            return Refuse(why=f"None of {', '.join(names)} runs on {host.name}", result=result)
        gate = expect == "absent" and {name.lower() for name in names} >= SETUP_PROCESSES
        return Unchanged(
            why=f"{len(found)} of {examined} processes on {host.name} match {', '.join(names)}",
            result=result,
            examined=examined,
            proofs=(SETUP_NOT_RUNNING,) if gate and examined else (),
        )
