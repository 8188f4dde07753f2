"""What a machine's SQL Server answers to the query for the restores of a database, the newest first."""

from engine.lab.behaviours.sql_history import declared
from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine_sql import Database, SqlInstance
from engine.model.data import JsonMap

_QUARTER_MINUTES = 15
_TYPES = {
    "restore_history_id": "int",
    "restore_date": "datetime",
    "restore_type": "char",
    "recovery": "bit",
    "backup_set_uuid": "uniqueidentifier",
    "source_database": "nvarchar",
    "zone_minutes": "int",
    "stopped_early": "int",
}
_VERIFIED = "V"


def restored(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """One row a restore; its set is told as far as the history of backups knows it. Reading a set is no restore."""
    del database
    name = declared(params, "database").lower()
    sets = {row["backup_set_id"]: row for row in sql.history.backupset}
    rows = []
    for row in reversed(sql.history.restorehistory):
        if str(row["destination_database_name"]).lower() != name or row["restore_type"] == _VERIFIED:
            continue
        one = sets.get(row["backup_set_id"], {})
        told = {
            **row,
            "backup_set_uuid": one.get("backup_set_uuid"),
            "source_database": one.get("database_name"),
            "zone_minutes": sql.zone * _QUARTER_MINUTES,
            "stopped_early": int(not (row["stop_at"] is None and row["stop_at_mark_name"] is None)),
        }
        rows.append(tuple(told[column] for column in _TYPES))
    return Rows(columns=tuple(_TYPES.items()), rows=tuple(rows))
