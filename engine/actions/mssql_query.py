"""``mssql.query``: one query that only reads, sent on the SQL Server host itself as the account of the session.

The text is checked before it is sent: anything but a single SELECT is refused. Values go in as parameters.
"""

from collections.abc import Mapping

from engine.actions.base import BuiltIn, describe, maps, script
from engine.actions.tsql_select import NotASelect, check_select
from engine.model.command import Argument, Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


class MssqlQuery(BuiltIn):
    """One look, no change."""

    info = describe(
        "mssql.query",
        summary="The rows of one SELECT, read on the SQL Server host itself",
        effect=Effect.OBSERVE,
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Ask once; a text that is no single SELECT is not sent."""
        del host
        return None if seen or _mistake(args) else script("mssql_query.observe.ps1", _payload_arguments(args))

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The rows; none is a failure unless the step expects that."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(why=mistake, remedy="Send one SELECT; changes need an action that declares its effect.")
        value = value_map(seen[0])
        rows = maps(value.get("rows"))
        result: JsonMap = {
            "rows": list(rows),
            "count": len(rows),
            "columns": list(maps(value.get("columns"))),
            "truncated": value.get("truncated") is True,
            "first": rows[0] if rows else None,
        }
        told = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} from {args.get('database', 'master')} on {host.name}"
        wrong = _unexpected(args, len(rows), truncated=result["truncated"] is True)
        if wrong:
            return Refuse(why=f"{told}, {wrong}", remedy="Look at the rows in the step's result.", result=result)
        return Unchanged(
            why=told, result=result, examined=len(rows) if "expect_rows" not in args else max(1, len(rows))
        )


def _mistake(args: Arguments) -> str | None:
    try:
        check_select(str(args["query"]))
    except NotASelect as problem:
        return str(problem)
    return None


def _unexpected(args: Arguments, count: int, *, truncated: bool) -> str | None:
    """What is wrong with the number of rows, if the step says how many there must be."""
    expected = args.get("expect_rows")
    if isinstance(expected, int) and not isinstance(expected, bool):
        expected = {"at_least": expected, "at_most": expected}
    if not isinstance(expected, Mapping):
        return None
    low, high = expected.get("at_least", 0), expected.get("at_most")
    if isinstance(low, int) and count < low:
        return f"and at least {low} are expected"
    if isinstance(high, int) and (count > high or (truncated and count >= high)):
        return f"and at most {high} are expected"
    return None


def _payload_arguments(args: Arguments) -> dict[str, Argument]:
    given = args.get("params")
    return {
        "query": str(args["query"]),
        "database": str(args.get("database", "master")),
        "instance": str(args.get("instance", "")),
        "params": dict(given) if isinstance(given, Mapping) else {},
        "max_rows": args.get("max_rows", 1000),
        "timeout_s": args.get("timeout_s", 60),
    }
