"""The statements that a lab's SQL Server carries out, with its own complaints where a real one would complain.

Each is a pattern and a function. A text that matches none is refused with a sentence: what the lab does not know must
never seem to have been done.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.lab.behaviours.mssql_settings import STATIC
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_principals import WINDOWS_LOGIN, Login
from engine.model.data import JsonMap

_NAME = r"\[(?P<{}>(?:[^\]]|\]\])+)\]"
_UPDATES = "allow updates"
SINGLE = "SINGLE_USER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement as a session in ``database`` sends it."""

    sql: SqlInstance
    database: str
    found: re.Match[str]
    params: JsonMap

    def name(self, group: str) -> str:
        """A name between brackets."""
        return self.found[group].replace("]]", "]")

    def text(self, name: str) -> str:
        """The value of a parameter."""
        if name not in self.params:
            raise PayloadError(f'Must declare the scalar variable "@{name}".')
        return str(self.params[name])

    def at(self) -> Database:
        """The database of the session."""
        return find(self.sql, self.database)


def find(sql: SqlInstance, name: str) -> Database:
    """The database of that name, without case."""
    database = next((one for one in sql.databases.values() if one.name.lower() == name.lower()), None)
    if database is None:
        raise PayloadError(
            f"User does not have permission to alter database '{name}', the database does not exist, or the database "
            "is not in a state that allows access checks."
        )
    return database


def execute(sql: SqlInstance, database: str, text: str, params: JsonMap) -> None:
    """Carry out one statement, or complain."""
    plain = re.sub(r"\s+", " ", text).strip().rstrip("; ")
    for pattern, carry_out in _STATEMENTS.items():
        found = re.fullmatch(pattern, plain, re.IGNORECASE)
        if found:
            carry_out(Statement(sql=sql, database=database, found=found, params=params))
            return
    raise PayloadError(f"The lab does not carry out this statement: {plain[:200]}")


def _open_database(one: Statement) -> Database:
    """Options are set in a database that is online, and by nobody else while another session is its single user."""
    database = find(one.sql, one.name("database"))
    if database.state != "ONLINE":
        raise PayloadError(
            f"ALTER DATABASE is not permitted while a database is in the {database.state.title()} state."
        )
    own = database.name.lower() == one.database.lower()
    if database.user_access == SINGLE and not own and one.sql.sessions(database.name):
        raise PayloadError(
            f"Changes to the state or options of database '{database.name}' cannot be made at this time. The database "
            "is in single-user mode, and a user is currently connected to it."
        )
    return database


def _access(one: Statement) -> None:
    _open_database(one).user_access = one.found["access"].upper()


def _broker(one: Statement) -> None:
    """On a real server this waits for as long as others work in the database; here it complains at once."""
    database = _open_database(one)
    others = one.sql.sessions(database.name)
    if database.user_access != SINGLE and others:
        raise PayloadError(f"The database '{database.name}' could not be locked, as others work in it: {others[0]}.")
    database.broker_enabled = one.found["switch"].upper() == "ENABLE"


def _configure(one: Statement) -> None:
    name = one.text("option")
    if name not in one.sql.options:
        raise PayloadError(f"The configuration option '{name}' does not exist, or it may be an advanced option.")
    one.sql.configured[name] = int(one.text("value"))


def _reconfigure(one: Statement) -> None:
    waiting, override = one.sql.configured, one.found["override"] is not None
    if waiting.get(_UPDATES, one.sql.options.get(_UPDATES, 0)) and not override:
        raise PayloadError("Ad hoc update to system catalogs is not supported.")
    one.sql.options.update({name: value for name, value in waiting.items() if name not in STATIC})
    one.sql.configured = {name: value for name, value in waiting.items() if name in STATIC}


def _create_login(one: Statement) -> None:
    name = one.name("login")
    if name.lower() in one.sql.logins:
        raise PayloadError(f"The server principal '{name}' already exists.")
    if name.lower() in one.sql.unknown_accounts:
        raise PayloadError(f"Windows NT user or group '{name}' not found. Check the name again.")
    one.sql.logins[name.lower()] = Login(name=name, kind=WINDOWS_LOGIN)


def _login(one: Statement) -> Login:
    name = one.name("login")
    if name.lower() not in one.sql.logins:
        raise PayloadError(f"'{name}' is not a valid login or you do not have permission.")
    return one.sql.logins[name.lower()]


def _create_user(one: Statement) -> None:
    principals, name, login = one.at().principals, one.name("user"), _login(one)
    if name.lower() in {*principals.users, *principals.roles, "dbo"}:
        raise PayloadError(f"User, group, or role '{name}' already exists in the current database.")
    if principals.user_of(login):
        raise PayloadError("The login already has an account under a different user name.")
    principals.add_user(name, login)


def _join_user(one: Statement) -> None:
    principals, name, login = one.at().principals, one.name("user"), _login(one)
    user = principals.users.get(name.lower())
    if user is None:
        raise PayloadError(f"Cannot alter the user '{name}', because it does not exist or you do not have permission.")
    if user.kind.startswith("SQL") is not login.kind.startswith("SQL"):
        raise PayloadError("Cannot remap a user to a login of another kind.")
    if principals.user_of(login) not in (None, user):
        raise PayloadError("The login already has an account under a different user name.")
    user.sid = login.sid


def _drop_user(one: Statement) -> None:
    principals, name = one.at().principals, one.name("user")
    if name.lower() not in principals.users:
        raise PayloadError(f"Cannot drop the user '{name}', because it does not exist or you do not have permission.")
    principals.drop_user(name)


def _member(one: Statement) -> None:
    principals, role, user = one.at().principals, one.text("role"), one.text("member")
    if role.lower() not in principals.roles or role.lower() == "public":
        raise PayloadError(f"The role '{role}' does not exist in the current database.")
    if user.lower() == "dbo":
        raise PayloadError("Cannot use the special principal 'dbo'.")
    if user.lower() not in principals.users:
        raise PayloadError(f"User or role '{user}' does not exist in this database.")
    pair = (role.lower(), user.lower())
    if one.found["verb"].lower() == "add":
        principals.members.add(pair)
    else:
        principals.members.discard(pair)


def _promote(one: Statement) -> None:
    """The procedure knows the servers of its management group; it leaves everything as it is for any other name."""
    database, server = one.at(), one.text("server")
    if not database.management_servers:
        raise PayloadError("Could not find stored procedure 'dbo.p_PromoteActiveWorkflowServer'.")
    known = next((name for name in database.management_servers if name.lower() == server.lower()), None)
    database.workflow_server = known or database.workflow_server


_DATABASE, _USER, _LOGIN = (_NAME.format(name) for name in ("database", "user", "login"))
_STATEMENTS: dict[str, Callable[[Statement], None]] = {
    rf"ALTER DATABASE {_DATABASE} SET (?P<access>\w+_USER)(?: WITH ROLLBACK IMMEDIATE)?": _access,
    rf"ALTER DATABASE {_DATABASE} SET (?P<switch>ENABLE|DISABLE)_BROKER": _broker,
    r"EXECUTE sp_configure @option, @value": _configure,
    r"RECONFIGURE(?P<override> WITH OVERRIDE)?": _reconfigure,
    rf"CREATE LOGIN {_LOGIN} FROM WINDOWS": _create_login,
    rf"CREATE USER {_USER} FOR LOGIN {_LOGIN}": _create_user,
    rf"ALTER USER {_USER} WITH LOGIN = {_LOGIN}": _join_user,
    rf"DROP USER {_USER}": _drop_user,
    r"EXECUTE sp_(?P<verb>add|drop)rolemember @role, @member": _member,
    r"EXECUTE dbo\.p_PromoteActiveWorkflowServer @server": _promote,
}
PATTERNS = tuple(_STATEMENTS)
