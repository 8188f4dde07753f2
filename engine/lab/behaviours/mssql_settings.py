"""What a machine's SQL Server answers about its options, messages, logins, users, roles, and who runs the workflows."""

from collections.abc import Iterable

from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_principals import Principals
from engine.model.data import JsonMap, JsonValue

# Options that wait for a restart; RECONFIGURE puts the others in use.
STATIC = frozenset({"c2 audit mode", "locks", "open objects", "user connections"})
_ROLE = "DATABASE_ROLE"
_LAST_OWN_MESSAGE = 50000


def _rows(columns: dict[str, str], rows: Iterable[tuple[JsonValue, ...]], *, by: int = 1) -> Rows:
    """In the order of the first columns, without case."""
    ordered = sorted(rows, key=lambda row: [str(one).lower() for one in row[:by]])
    return Rows(columns=tuple(columns.items()), rows=tuple(ordered))


def options(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """Each option: what is set, and what is in use."""
    del database, params
    return _rows(
        {"name": "nvarchar", "value": "sql_variant", "value_in_use": "sql_variant", "is_dynamic": "bit"},
        ((name, sql.configured.get(name, in_use), in_use, name not in STATIC) for name, in_use in sql.options.items()),
    )


def messages(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """How many there are above the server's own, with and without their languages."""
    del database, params
    numbers = [number for number, _ in sql.messages if number > _LAST_OWN_MESSAGE]
    row = (len(numbers), len(set(numbers)))
    return Rows(columns=(("entries", "int"), ("messages", "int")), rows=(row,))


def logins(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """Each login."""
    del database, params
    return _rows(
        {"name": "nvarchar", "sid": "varbinary", "type_desc": "nvarchar", "is_disabled": "bit"},
        ((one.name, one.sid, one.kind, one.disabled) for one in sql.logins.values()),
    )


def _of(sql: SqlInstance, database: Database | None) -> Principals:
    """Those of the database; of master where the session is in no other."""
    master = sql.databases.get("master")
    return database.principals if database else master.principals if master else Principals()


def _all(sql: SqlInstance, database: Database | None) -> list[tuple[JsonValue, ...]]:
    """Users and roles; the owner of a database is its user dbo."""
    principals = _of(sql, database)
    owner = sql.logins.get(database.owner.lower()) if database else None
    dbo = ("dbo", owner.sid if owner else "0x01", "WINDOWS_USER" if owner and owner.kind != "SQL_LOGIN" else "SQL_USER")
    users = [(one.name, one.sid, one.kind) for one in principals.users.values()]
    return [dbo, *users, *((name, _role_sid(name), _ROLE) for name in principals.roles.values())]


def _role_sid(name: str) -> str:
    """Roles have numbers too, which no login has."""
    return "0x0109" + name.lower().encode("ascii", "replace").hex().upper()


def principals(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """Users and roles, by name."""
    del params
    return _rows({"name": "nvarchar", "sid": "varbinary", "type_desc": "nvarchar"}, _all(sql, database))


def members(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """Who is in which role; dbo is in the role of owners."""
    del params
    found = _of(sql, database)
    pairs = [(found.roles[role], found.users[user].name) for role, user in found.members]
    return _rows({"role_name": "nvarchar", "member_name": "nvarchar"}, [*pairs, ("db_owner", "dbo")], by=2)


def workflow(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """The server that runs the workflows; only a database of Service Manager has such tables."""
    del sql, params
    if database is None or not database.management_servers:
        raise PayloadError("Invalid object name 'dbo.ScopedInstanceTargetClass'.", "NotSpecified")
    rows = ((database.workflow_server,),) if database.workflow_server else ()
    return Rows(columns=(("DisplayName", "nvarchar"),), rows=rows)
