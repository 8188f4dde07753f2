"""``mssql.user_messages``: how many messages of products the instance has; a database moved without them misbehaves."""

from engine.actions.base import BuiltIn, describe, whole
from engine.actions.mssql_ask import ask_shipped, first_row, number_of
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

COUNT = "mssql_user_messages.count.sql"


class MssqlUserMessages(BuiltIn):
    """One look."""

    info = describe(
        "mssql.user_messages",
        summary="Count the messages that products added to a SQL Server instance",
        effect=Effect.OBSERVE,
        timeout_s=60.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Count them."""
        del host
        return None if seen else ask_shipped(args, COUNT)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """As many as expected, at the least."""
        row, least = first_row(seen[0]), whole(args["minimum"])
        found = number_of(row, "messages")
        result: JsonMap = {"count": found, "entries": number_of(row, "entries")}
        told = f"{host.name} has {found} messages with a number above 50000"
        if found < least:
            return Refuse(
                why=f"{told}, expected at least {least}",
                remedy="Add them as they are on the old instance, with sp_addmessage, before the services start.",
                result=result,
            )
        return Unchanged(why=told, result=result, examined=found)
