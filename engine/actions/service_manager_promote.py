"""``service_manager.promote``: hand the workflows to another management server, by the product's own procedure.

The look asks the database who runs them. Promoting a server that already runs them changes nothing.
"""

from engine.actions.base import BuiltIn, describe
from engine.actions.mssql_apply import Statement, apply
from engine.actions.mssql_ask import ask_shipped, rows_of, text_of
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

WORKFLOW = "service_manager_promote.workflow.sql"
PROMOTE = "EXECUTE dbo.p_PromoteActiveWorkflowServer @server;"


class ServiceManagerPromote(BuiltIn):
    """One look at who runs the workflows; one call."""

    info = describe(
        "service_manager.promote",
        summary="Let another Service Manager management server run the workflows",
        effect=Effect.PERMANENT,
        rerun=Rerun.PROBE,
        disruptive=True,
        consumes=("safety-copied(about)",),
        about="databases",
        within="instance",
        changes_with=("server",),
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Ask the database."""
        del host
        return None if seen else ask_shipped(args, WORKFLOW, database=_database(args))

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Exactly one server runs the workflows, and it is to be the named one."""
        names = [text_of(row, "DisplayName") for row in rows_of(seen[0])]
        database = _database(args)
        if len(names) != 1 or not names[0]:
            told = ", ".join(name or "one without a name" for name in names) or "no server"
            return Refuse(
                why=f"{database} on {host.name} names {told} for its workflows, and there has to be exactly one",
                remedy="Check that this is a database of Service Manager and that it is whole.",
                result={"server": "", "before": ""},
            )
        now, wanted = names[0], args.get("server")
        if wanted is None or is_same_server(now, str(wanted)):
            return Unchanged(why=f"{now} runs the workflows", result={"server": now, "before": now}, examined=1)
        return _change(args, database, now, str(wanted))


def _database(args: Arguments) -> str:
    names = args["databases"]
    return str(names[0]) if isinstance(names, (list, tuple)) and names else ""


def is_same_server(shown: str, wanted: str) -> bool:
    """A database shows a server's full name, or only its computer name."""
    one, other = shown.lower(), wanted.lower()
    return one == other or ("." not in one and one == other.partition(".")[0])


def _change(args: Arguments, database: str, now: str, wanted: str) -> Change:
    result: JsonMap = {"server": wanted, "before": now}
    return Change(
        why=f"{now} runs the workflows, wanted {wanted}",
        before=now,
        after=wanted,
        commands=(apply(args, [Statement(text=PROMOTE, params={"server": wanted})], database=database, timeout_s=240),),
        result=result,
    )
