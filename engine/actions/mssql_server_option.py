"""``mssql.server_option``: an option of the instance, set with ``sp_configure`` and put in use with ``RECONFIGURE``.

Only options on a list of this module can be set. ``RECONFIGURE`` puts every value in use that waits for it, so a step
refuses while an option that it does not name waits, unless ``allow_waiting`` lets it.
"""

from collections.abc import Mapping

from engine.actions.base import BuiltIn, describe, whole
from engine.actions.mssql_apply import Statement, apply
from engine.actions.mssql_ask import ask_shipped, rows_of, text_of
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

ROWS = "mssql_server_option.rows.sql"
UPDATES = "allow updates"
# Option: the values that a step may ask for. None of them is an advanced option, and none needs a restart.
ALLOWED: Mapping[str, tuple[int, ...]] = {
    UPDATES: (0,),
    "backup compression default": (0, 1),
    "clr enabled": (0, 1),
}
# The server raises this one by itself: its value in use differs for good.
_RAISED = "min server memory (MB)"


class MssqlServerOption(BuiltIn):
    """One look at all options; one change."""

    info = describe(
        "mssql.server_option",
        summary="Set an option of a SQL Server instance",
        effect=Effect.REVERSIBLE,
        changes_with=("value",),
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """The values configured and in use."""
        del host
        return None if seen else ask_shipped(args, ROWS)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The value in use counts."""
        name = str(args["option"])
        rows = {text_of(row, "name"): row for row in rows_of(seen[0])}
        row = rows.get(name)
        if row is None:
            return Refuse(
                why=f"The instance on {host.name} has no option {name}",
                remedy="Look at sys.configurations; older servers lack some options.",
            )
        now, result = whole(row.get("value_in_use")), _result(row, whole(row.get("value_in_use")))
        wanted = args.get("value")
        if wanted is None or (now == wanted and whole(row.get("value")) == wanted):
            return Unchanged(why=f"{name} is {now} on {host.name}", result=result, examined=1)
        if wanted not in ALLOWED.get(name, ()):
            told = ", ".join(str(one) for one in ALLOWED.get(name, ())) or "nothing"
            return Refuse(
                why=f"{name} may be set to {told}, not to {wanted}", remedy="Correct the value.", result=result
            )
        return _obstacle(args, rows, result) or _change(args, name, row, whole(wanted))


def _result(row: JsonMap, in_use: int) -> JsonMap:
    return {"option": text_of(row, "name"), "configured": whole(row.get("value")), "value": in_use}


def _obstacle(args: Arguments, rows: Mapping[str, JsonMap], result: JsonMap) -> Refuse | None:
    """What keeps RECONFIGURE from doing this one thing."""
    name = str(args["option"])
    if name != UPDATES and whole(rows.get(UPDATES, {}).get("value")):
        return Refuse(
            why=f"{UPDATES} is on, and the server then refuses to put any option in use",
            remedy=f"Set {UPDATES} to 0 first, with a step of this action.",
            result=result,
        )
    waiting = [other for other, row in rows.items() if _waits(other, name, row)]
    if waiting and args.get("allow_waiting") is not True:
        return Refuse(
            why=f"{', '.join(waiting)} was set but is not in use, and would come into use with {name}",
            remedy="Set that option to what it has to be first; allow_waiting: true where it may come into use.",
            result=result,
        )
    return None


def _waits(other: str, name: str, row: JsonMap) -> bool:
    """A dynamic option that the next RECONFIGURE changes; others wait for a restart and are left alone by it."""
    differs = whole(row.get("value")) != whole(row.get("value_in_use"))
    return other not in (name, _RAISED) and row.get("is_dynamic") in (1, True) and differs


def _configure(args: Arguments, name: str, value: int) -> Script:
    """The old value of ``allow updates`` is one that only an override puts back."""
    override = " WITH OVERRIDE" if name == UPDATES and value else ""
    statements = [
        Statement(text="EXECUTE sp_configure @option, @value;", params={"option": name, "value": value}),
        Statement(text=f"RECONFIGURE{override};"),
    ]
    return apply(args, statements)


def _change(args: Arguments, name: str, row: JsonMap, wanted: int) -> Change:
    now = whole(row.get("value_in_use"))
    return Change(
        why=f"{name} is {now}, wanted {wanted}",
        before={name: now},
        after={name: wanted},
        commands=(_configure(args, name, wanted),),
        undo=(_configure(args, name, now),),
        result=_result({**row, "value": wanted}, wanted),
    )
