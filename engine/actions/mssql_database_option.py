"""``mssql.database_option``: Service Broker on or off, and who may use databases.

The broker is switched by the documented sequence: single user, the switch, then the access the database is to have.
That last statement is sent even if the switch failed. Should the session be lost between them, the access is owed.
"""

from collections.abc import Mapping, Sequence

from engine.actions.base import BuiltIn, as_list, describe
from engine.actions.mssql_apply import Statement, apply, bracketed
from engine.actions.mssql_ask import ask_shipped, rows_of, text_of
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Owed, Refuse, Unchanged
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

ROWS = "mssql_database.rows.sql"
SINGLE, MULTI = "SINGLE_USER", "MULTI_USER"
_SYSTEM = ("master", "model", "msdb", "tempdb")
_MANY = 10000
_BROKER = {True: "ENABLE_BROKER", False: "DISABLE_BROKER"}


class MssqlDatabaseOption(BuiltIn):
    """One look at the catalogue; one change for each database that differs."""

    info = describe(
        "mssql.database_option",
        summary="Turn the Service Broker of databases on or off, and set who may use them",
        effect=Effect.REVERSIBLE,
        rerun=Rerun.PROBE,
        disruptive=True,
        about="databases",
        within="instance",
        changes_with=("broker", "access"),
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """All databases of the instance in one look."""
        del host
        return None if seen else ask_shipped(args, ROWS, max_rows=_MANY)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Refuse what cannot be set; change what differs."""
        names = list({name.lower(): name for name in as_list(args["databases"])}.values())
        found = {text_of(row, "name").lower(): row for row in rows_of(seen[0])}
        rows = [found[name.lower()] for name in names if name.lower() in found]
        result = _result(rows)
        refusal = _refusal(names, found, host, result)
        if refusal:
            return refusal
        different = [row for row in rows if _differs(row, args)]
        if different:
            return _change(different, rows, args)
        told = ", ".join(f"{text_of(row, 'name')} {_words(row)}" for row in rows)
        open_again = tuple(_key(text_of(row, "name")) for row in rows if _access(row) != SINGLE)
        return Unchanged(why=told, result=result, examined=len(rows), pays=open_again)


def _broker(row: JsonMap) -> bool:
    return row.get("is_broker_enabled") in (1, True)


def _access(row: JsonMap) -> str:
    return text_of(row, "user_access_desc")


def _words(row: JsonMap) -> str:
    return f"has its broker {'on' if _broker(row) else 'off'} and is {_access(row)}"


def _key(name: str) -> str:
    return f"open-database({name})"


def _result(rows: Sequence[JsonMap]) -> JsonMap:
    databases: JsonMap = {
        text_of(row, "name"): {"broker_enabled": _broker(row), "user_access": _access(row)} for row in rows
    }
    return {"databases": databases, "count": len(rows)}


def _refusal(names: Sequence[str], found: Mapping[str, JsonMap], host: HostView, result: JsonMap) -> Refuse | None:
    system = [name for name in names if name.lower() in _SYSTEM]
    if system:
        return Refuse(
            why=f"{', '.join(system)} belongs to the server itself",
            remedy="Name databases of the product only.",
            result=result,
        )
    missing = [name for name in names if name.lower() not in found]
    if missing:
        return Refuse(
            why=f"{host.name} has no database {', '.join(missing)}",
            remedy="Correct the name, or restore the database first.",
            result=result,
        )
    states = [(name, text_of(found[name.lower()], "state_desc")) for name in names]
    closed = [f"{name} is {state}" for name, state in states if state != "ONLINE"]
    if closed:
        return Refuse(
            why=f"{', '.join(closed)} on {host.name}, and options are set in a database that is ONLINE",
            remedy="Bring it online first, as by ending its restore with RECOVERY.",
            result=result,
        )
    return None


def _wanted(row: JsonMap, args: Arguments) -> tuple[bool, str]:
    """The broker and the access that the database ends with. A step that switches brokers also opens a database that an
    earlier attempt of it left single-user.
    """
    broker = args["broker"] is True if args.get("broker") is not None else _broker(row)
    if args.get("access") is not None:
        return broker, str(args["access"]).upper()
    left_alone = args.get("broker") is not None and _access(row) == SINGLE
    return broker, MULTI if left_alone else _access(row)


def _differs(row: JsonMap, args: Arguments) -> bool:
    return _wanted(row, args) != (_broker(row), _access(row))


def _set(name: str, what: str) -> Statement:
    return Statement(text=f"ALTER DATABASE {bracketed(name)} SET {what};")


def _send(args: Arguments, name: str, access: str, *, broker: bool | None) -> Script:
    """The broker if it is to be switched, and the access at the end. Sent inside the database, so that the one place
    of a single user is this session's own and no service that comes back at once can take it.
    """
    alone = _set(name, f"{SINGLE} WITH ROLLBACK IMMEDIATE")
    if broker is not None:
        lastly = [] if access == SINGLE else [_set(name, _access_words(access))]
        return apply(args, [alone, _set(name, _BROKER[broker])], lastly=lastly, database=name)
    return apply(args, [_set(name, _access_words(access))], database=name)


def _access_words(access: str) -> str:
    """Whoever the new access shuts out is shut out at once."""
    return access if access == MULTI else f"{access} WITH ROLLBACK IMMEDIATE"


def _change(different: Sequence[JsonMap], rows: Sequence[JsonMap], args: Arguments) -> Change:
    commands, undo, owes, before, after = [], [], [], {}, {}
    for row in different:
        name, (broker, access) = text_of(row, "name"), _wanted(row, args)
        switches = broker is not _broker(row)
        commands.append(_send(args, name, access, broker=broker if switches else None))
        undo.append(_send(args, name, _access(row), broker=_broker(row) if switches else None))
        becomes: JsonMap = {**row, "is_broker_enabled": broker, "user_access_desc": access}
        before[name], after[name] = _words(row), _words(becomes)
        if switches or access == SINGLE:
            how = f"a step with mssql.database_option and access: multi_user, or ALTER DATABASE {bracketed(name)} SET"
            owes.append(Owed(key=_key(name), what=f"open {name} to more than one user", how=f"{how} MULTI_USER"))
    ends = [
        {**row, "is_broker_enabled": _wanted(row, args)[0], "user_access_desc": _wanted(row, args)[1]} for row in rows
    ]
    return Change(
        why=", ".join(f"{name} {words}, wanted: {after[name]}" for name, words in before.items()),
        before=before,
        after=after,
        commands=tuple(commands),
        undo=tuple(reversed(undo)),
        result=_result(ends),
        owes=tuple(owes),
    )
