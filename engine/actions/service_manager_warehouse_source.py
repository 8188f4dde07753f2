"""``service_manager.warehouse_source``: whether Service Manager is registered with a warehouse, by its own database.

One row tells, which the wizard of the console writes. Whether the warehouse knows the source is another question.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, describe
from engine.actions.mssql_ask import ask_shipped, rows_of, text_of
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

QUERY = "service_manager_warehouse_source.registered.sql"


class ServiceManagerWarehouseSource(BuiltIn):
    """One look, no change."""

    info = describe(
        "service_manager.warehouse_source",
        summary="Whether Service Manager is registered with a data warehouse, by the row in its database",
        effect=Effect.OBSERVE,
        yields=("warehouse-registered",),
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """One query in the named database."""
        del host
        return None if seen else ask_shipped(args, QUERY, database=str(args["database"]))

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Registered, and with the server that is expected."""
        found = [
            {"name": text_of(row, "DisplayName"), "server": text_of(row, "Server")}
            for row in rows_of(seen[0])
            if text_of(row, "Server")
        ]
        servers = [one["server"] for one in found]
        result: JsonMap = {
            "database": str(args["database"]),
            "examined": len(found),
            "registered": bool(found),
            "sources": found,
        }
        place, wanted = f"{args['database']} on {host.name}", args.get("server")
        if not found:
            return Refuse(
                why=f"{place} says that Service Manager is registered with no data warehouse",
                remedy="register it in the console: Administration, Register with Service Manager Data Warehouse",
                result=result,
            )
        if wanted is not None and not _names(servers, str(wanted)):
            return Refuse(
                why=f"{place} is registered with {', '.join(servers)}, expected {wanted}",
                remedy="look whether the baseline or the database is of another time",
                result=result,
            )
        return Unchanged(
            why=f"{place} is registered with {', '.join(servers)}",
            result=result,
            examined=len(found),
            proofs=("warehouse-registered",),
        )


def _names(servers: Sequence[str], wanted: str) -> bool:
    """True if one of them is that computer; a name without its domain means the computer of that name."""
    known, one = {name.lower() for name in servers}, wanted.lower()
    return one in known or ("." not in one and one in {name.partition(".")[0] for name in known})
