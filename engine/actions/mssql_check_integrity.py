"""``mssql.check_integrity``: DBCC CHECKDB on databases, one after the other, each as a job that outlives the session.

It reads and repairs nothing. A check that is still at work is waited for; one that ended is done anew, as only what is
on the disks now counts. It may take hours, in check mode too; a step that is not to says `when: not run.check`.
"""

from engine.actions.base import BuiltIn, as_list, describe
from engine.actions.mssql_apply import bracketed
from engine.actions.mssql_job import forget, job
from engine.actions.restore_plan import key_of
from engine.model.command import Command
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

PROOF = "sound"
_LOOKS = 2  # a database: room for its job, then the job
_FIRST = 20
_LEFT = "what an earlier check left could not be removed"


class MssqlCheckIntegrity(BuiltIn):
    """A job for each database."""

    info = describe(
        "mssql.check_integrity",
        summary="DBCC CHECKDB: is the structure of databases sound inside",
        effect=Effect.OBSERVE,
        yields=(PROOF,),
        about="databases",
        within="instance",
        timeout_s=43200.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """A database that fails does not keep the others from being checked."""
        del host
        names, place = as_list(args["databases"]), len(seen)
        if place >= len(names) * _LOOKS:
            return None
        name = names[place // _LOOKS]
        text = check_text(name, physical_only=args.get("physical_only") is True)
        key = key_of("check", name, "physical" if args.get("physical_only") is True else "whole")
        return job(args, key, text, {}, changing=False) if place % _LOOKS else forget(key, changing=False)

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """What the server found is an answer."""
        del args, host
        return bool(failed.errors)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Every database is sound, or what the server says of each that is not."""
        names = as_list(args["databases"])
        checks = dict(zip(names, seen[1::_LOOKS], strict=False))
        stale = {name: _errors(one) for name, one in zip(names, seen[::_LOOKS], strict=False) if not one.ok}
        errors = {name: _errors(one) for name, one in checks.items() if not one.ok}
        # A job that could not be removed may answer with the end of a check of another day.
        errors |= {name: [f"{_LEFT}: {lines[0]}", *lines[1:]] for name, lines in stale.items()}
        result: JsonMap = {
            "databases": {
                name: {"sound": name not in errors, "errors": errors.get(name, []), "seconds": round(one.duration_s, 3)}
                for name, one in checks.items()
            },
            "count": len(names),
        }
        if errors:
            told = "; ".join(f"{name}: {lines[0]}" for name, lines in errors.items())
            return Refuse(
                why=f"CHECKDB on {host.name} does not find all databases sound: {told}",
                remedy="Take an older chain of backups if this is a copy. Repair is the last resort.",
                result=result,
            )
        why = f"{', '.join(names)} on {host.name} {'is' if len(names) == 1 else 'are'} sound"
        return Unchanged(why=why, result=result, examined=len(names), proofs=(PROOF,))


def check_text(name: str, *, physical_only: bool) -> str:
    """The statement for one database."""
    return f"DBCC CHECKDB ({bracketed(name)}) WITH NO_INFOMSGS{', PHYSICAL_ONLY' if physical_only else ''};"


def _errors(one: CommandResult) -> list[str]:
    """The first lines of what the server said, without their full stops."""
    lines = [line.strip().rstrip(".") for error in one.errors for line in error.message.splitlines() if line.strip()]
    return lines[:_FIRST] or ["it failed and gave no reason"]
