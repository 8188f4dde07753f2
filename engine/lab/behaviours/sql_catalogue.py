"""What a machine's SQL Server answers to the shipped queries about itself, its databases and their files."""

from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine_sql import Database, SqlInstance
from engine.model.data import JsonMap, JsonValue

SYSTEM = ("master", "tempdb", "model", "msdb")
_PAGE = 8192
_FILES = ("database_name", "file_id", "name", "physical_name", "type_desc", "size_bytes")
_DATABASES = {
    "name": "nvarchar",
    "database_id": "int",
    "state_desc": "nvarchar",
    "user_access_desc": "nvarchar",
    "is_read_only": "bit",
    "is_broker_enabled": "bit",
    "compatibility_level": "tinyint",
    "recovery_model_desc": "nvarchar",
    "collation_name": "nvarchar",
    "owner": "nvarchar",
    "snapshot_of": "nvarchar",
}


def all_databases(sql: SqlInstance) -> list[Database]:
    """The system's databases first, in the order of their numbers."""
    known = {name.lower() for name in SYSTEM}
    own = [
        next((one for one in sql.databases.values() if one.name.lower() == name), None)
        or Database(name=name, recovery_model="SIMPLE", collation=sql.collation)
        for name in SYSTEM
    ]
    return [*own, *(one for one in sql.databases.values() if one.name.lower() not in known)]


def databases(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """One row a database."""
    del database, params
    rows: tuple[tuple[JsonValue, ...], ...] = tuple(
        (
            one.name,
            number,
            one.state,
            one.user_access,
            one.read_only,
            one.broker_enabled,
            one.compatibility_level,
            one.recovery_model,
            one.collation,
            one.owner,
            one.snapshot_of or None,
        )
        for number, one in enumerate(all_databases(sql), 1)
    )
    return Rows(columns=tuple(_DATABASES.items()), rows=rows)


def files(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """One row a file; the server counts whole pages."""
    del database, params
    kinds = ("nvarchar", "int", "nvarchar", "nvarchar", "nvarchar", "bigint")
    rows: tuple[tuple[JsonValue, ...], ...] = tuple(
        (one.name, number, file.name, file.path, file.kind, file.size // _PAGE * _PAGE)
        for one in all_databases(sql)
        for number, file in enumerate(one.files, 1)
    )
    return Rows(columns=tuple(zip(_FILES, kinds, strict=True)), rows=rows)


def properties(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """One row."""
    del database, params
    told: dict[str, JsonValue] = {
        "version": sql.version,
        "level": sql.level,
        "edition": sql.edition,
        "collation": sql.collation,
        "full_text": int(sql.full_text),
    }
    return Rows(columns=tuple((name, "sql_variant") for name in told), rows=(tuple(told.values()),))


def options(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """The two options, by name."""
    del database, params
    wanted = [(name, value) for name, value in sorted(sql.options.items()) if name in ("allow updates", "clr enabled")]
    return Rows(columns=(("name", "nvarchar"), ("value_in_use", "sql_variant")), rows=tuple(wanted))
