"""``service_manager.database_names``: whether every database that the servers' registries name was looked at.

A list of databases that somebody wrote down can leave one out, and a check over the others would prove nothing of it.
Nothing is sent to any host.
"""

from collections.abc import Mapping

from engine.actions.base import BuiltIn, describe, maps
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, RunsOn, Seen


class ServiceManagerDatabaseNames(BuiltIn):
    """Pure: registries and databases were looked at by the steps before."""

    info = describe(
        "service_manager.database_names",
        summary="Whether every database that the servers' registries name was looked at",
        effect=Effect.OBSERVE,
        runs_on=RunsOn.ENGINE,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> None:
        """Nothing to look at."""
        del args, host, seen

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """All of them, or those that nobody looked at."""
        del host, seen
        named = {name: one for name, one in _named(_of(args["installations"])).items() if one}
        looked = {name.lower() for one in _of(args["databases"]).values() for name in _of(_of(one).get("databases"))}
        left_out = sorted(
            f"{one} of {host}" for host, ones in named.items() for one in ones if one.lower() not in looked
        )
        silent = sorted(set(_of(args["installations"])) - set(named))
        count = len({one.lower() for ones in named.values() for one in ones})
        result: JsonMap = {"examined": count, "left_out": left_out, "silent": silent}
        if left_out:
            return Refuse(
                why=f"The registry names databases that were not looked at: {', '.join(left_out)}",
                remedy="Add them to the databases of the SQL Server that holds them.",
                result=result,
            )
        if silent:
            return Refuse(
                why=f"The registry of {', '.join(silent)} names no database",
                remedy="Look whether the server is one of the product, and whether its setup went through.",
                result=result,
            )
        words = "database that the registries name was" if count == 1 else "databases that the registries name were"
        return Unchanged(why=f"{count} {words} looked at", result=result, examined=count)


def _of(value: object) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}


def _named(installations: Mapping[str, JsonValue]) -> dict[str, list[str]]:
    """The names by host, as its registry spells them."""
    return {
        host: [str(row["name"]) for row in maps(_of(one).get("databases")) if row.get("name")]
        for host, one in installations.items()
    }
