"""What a machine's SQL Server instance answers to the queries that the lab knows.

The shipped queries are recognised by their text; besides them, lists of columns of ``sys.databases`` and
``sys.configurations``, with one comparison or none, and ``SERVERPROPERTY``. Any other query is refused with a sentence:
a query the lab cannot answer must never seem to have no rows.
"""

import re
from collections.abc import Callable

from engine.lab.behaviours import mssql_settings as settings
from engine.lab.behaviours import sql_catalogue as catalogue
from engine.lab.behaviours.sql_copies import server_time
from engine.lab.behaviours.sql_history import history
from engine.lab.behaviours.sql_restore import read_backups
from engine.lab.behaviours.sql_restored import restored
from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_jobs import settle
from engine.model.data import JsonMap, JsonValue
from engine.model.packaged import payload

Row = dict[str, JsonValue]


def answer(machine: Machine, instance: str, database: str, query: str, params: JsonMap) -> Rows:
    """Rows, or ``PayloadError`` with the text of the server."""
    sql, at = session_at(machine, instance, database)
    text = plain(query)
    for name, reader in _SHIPPED.items():
        if text == plain(payload(name)):
            return reader(sql, at)
    for name, asked in _ASKED.items():
        if text == plain(payload(name)):
            return asked(sql, at, params)
    found = read_backups(machine, sql, text, params) or server_time(machine, sql, text) or _selected(sql, text, params)
    if found is None:
        raise PayloadError(f"The lab has no answer to this query: {text[:200]}", "NotSpecified")
    return found


def session_at(machine: Machine, instance: str, database: str) -> tuple[SqlInstance, Database | None]:
    """The instance and the database that a session begins in; the server's own complaint where it cannot."""
    sql = machine.sql_at_work
    if sql is None or sql.name.lower() != instance.lower():
        raise PayloadError(
            "A network-related or instance-specific error occurred while establishing a connection to SQL Server. "
            "The server was not found or was not accessible.",
            "NotSpecified",
        )
    settle(machine)
    known = {name.lower(): one for name, one in sql.databases.items()}
    at = known.get(database.lower())
    if database.lower() != "master" and (at is None or at.state != "ONLINE"):
        raise PayloadError(
            f'Cannot open database "{database}" requested by the login. The login failed.', "NotSpecified"
        )
    if at is not None and at.user_access == "SINGLE_USER" and sql.sessions(at.name):
        raise PayloadError(
            f"Database '{at.name}' is already open and can only have one user at a time.", "NotSpecified"
        )
    return sql, at


def plain(query: str) -> str:
    """The text without comments, with single blanks and without a semicolon at its end."""
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*|/\*.*?\*/", " ", query, flags=re.DOTALL)).strip().rstrip("; ")


def _names(sql: SqlInstance, database: Database | None) -> Rows:
    del database
    known = [one for one in sql.databases.values() if one.state == "ONLINE" and not one.snapshot_of]
    names = [one.name for one in known if one.product_version is not None]
    return Rows(columns=(("name", "nvarchar"),), rows=tuple((name,) for name in sorted(names)))


def _version(sql: SqlInstance, database: Database | None) -> Rows:
    del sql
    if database is None or database.product_version is None:
        raise PayloadError("Invalid object name 'dbo.__MOMManagementGroupInfo__'.", "NotSpecified")
    return Rows(columns=(("DBVersion", "nvarchar"),), rows=((database.product_version,),))


def _packs(sql: SqlInstance, database: Database | None) -> Rows:
    del sql
    if database is None or not database.management_packs:
        raise PayloadError("Invalid object name 'dbo.ManagementPack'.", "NotSpecified")
    version = database.management_packs.get("System.WorkItem.Library")
    return Rows(columns=(("MPVersion", "nvarchar"),), rows=((version,),) if version else ())


def _warehouses(sql: SqlInstance, database: Database | None) -> Rows:
    del sql
    if database is None or not database.management_packs:
        table = "dbo.MT_Microsoft$SystemCenter$ResourceAccessLayer$DwSdkResourceStore"
        raise PayloadError(f"Invalid object name '{table}'.", "NotSpecified")
    columns = (("DisplayName", "nvarchar"), ("Server", "nvarchar"))
    names = sorted(database.warehouses, key=str.lower)
    return Rows(columns=columns, rows=tuple((name, database.warehouses[name]) for name in names))


_SHIPPED: dict[str, Callable[[SqlInstance, Database | None], Rows]] = {
    "service_manager_versions.names.sql": _names,
    "service_manager_versions.version.sql": _version,
    "service_manager_versions.packs.sql": _packs,
    "service_manager_warehouse_source.registered.sql": _warehouses,
}
# Shipped queries with parameters.
_ASKED: dict[str, Callable[[SqlInstance, Database | None, JsonMap], Rows]] = {
    "mssql_backup_chain.history.sql": history,
    "mssql_database.files.sql": catalogue.files,
    "mssql_database.rows.sql": catalogue.databases,
    "mssql_instance.options.sql": catalogue.options,
    "mssql_instance.properties.sql": catalogue.properties,
    "mssql_role_members.logins.sql": settings.logins,
    "mssql_role_members.members.sql": settings.members,
    "mssql_role_members.principals.sql": settings.principals,
    "mssql_server_option.rows.sql": settings.options,
    "mssql_user_messages.count.sql": settings.messages,
    "service_manager_promote.workflow.sql": settings.workflow,
    "mssql_restore_database.history.sql": restored,
}
_SYSTEM = ("master", "tempdb", "model", "msdb")
_TYPES = {"database_id": "int", "is_broker_enabled": "bit", "compatibility_level": "tinyint", "value_in_use": "int"}
_SELECT = re.compile(
    r"SELECT (?P<columns>[\w, ]+) FROM (?P<table>sys\.databases|sys\.configurations)"
    r"(?: WHERE (?P<column>\w+) = (?:@(?P<param>\w+)|N?'(?P<text>[^']*)'))?(?: ORDER BY name)?",
    re.IGNORECASE,
)
_PROPERTY = re.compile(r"SERVERPROPERTY\('(\w+)'\)(?: AS (\w+))?", re.IGNORECASE)


def _selected(sql: SqlInstance, text: str, params: JsonMap) -> Rows | None:
    if text.upper().startswith("SELECT SERVERPROPERTY("):
        return _properties(sql, text[len("SELECT ") :])
    found = _SELECT.fullmatch(text)
    if found is None:
        return None
    rows = _configurations(sql) if found["table"].lower() == "sys.configurations" else _databases(sql)
    columns = [one.strip() for one in found["columns"].split(",")]
    asked = [*columns, *([found["column"]] if found["column"] else [])]
    if any(column not in rows[0] for column in asked):
        return None
    if found["column"]:
        wanted = str(params.get(found["param"]) if found["param"] else found["text"])
        rows = [row for row in rows if str(row[found["column"]]).lower() == wanted.lower()]
    kinds = tuple((column, _TYPES.get(column, "nvarchar")) for column in columns)
    return Rows(columns=kinds, rows=tuple(tuple(row[column] for column in columns) for row in rows))


def _properties(sql: SqlInstance, text: str) -> Rows | None:
    values = {
        "productversion": sql.version,
        "productlevel": sql.level,
        "edition": sql.edition,
        "collation": sql.collation,
    }
    parts = [_PROPERTY.fullmatch(one.strip()) for one in text.split(",")]
    row: list[JsonValue] = []
    columns: list[tuple[str, str]] = []
    for part in parts:
        if part is None or part[1].lower() not in values:
            return None
        row.append(values[part[1].lower()])
        columns.append((part[2] or "", "nvarchar"))
    return Rows(columns=tuple(columns), rows=(tuple(row),))


def _databases(sql: SqlInstance) -> list[Row]:
    own = [Database(name=name, recovery_model="SIMPLE", collation=sql.collation) for name in _SYSTEM]
    rows: list[Row] = [
        {
            "name": one.name,
            "database_id": number,
            "state_desc": one.state,
            "user_access_desc": one.user_access,
            "is_broker_enabled": one.broker_enabled,
            "compatibility_level": one.compatibility_level,
            "recovery_model_desc": one.recovery_model,
            "collation_name": one.collation,
        }
        for number, one in enumerate([*own, *sql.databases.values()], 1)
    ]
    return sorted(rows, key=lambda row: str(row["name"]).lower())


def _configurations(sql: SqlInstance) -> list[Row]:
    return [{"name": name, "value_in_use": value} for name, value in sorted(sql.options.items())]
