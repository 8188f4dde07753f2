"""What a machine's SQL Server answers to the query for the backup history of a database."""

from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_log import History, Row
from engine.model.data import JsonMap, JsonValue

_TYPES = {
    "backup_set_id": "int", "backup_set_uuid": "uniqueidentifier", "media_set_id": "int", "position": "int",
    "type": "char", "is_copy_only": "bit", "has_backup_checksums": "bit", "is_damaged": "bit", "is_snapshot": "bit",
    "has_incomplete_metadata": "bit", "backup_start_date": "datetime", "backup_finish_date": "datetime",
    "time_zone": "smallint", "first_lsn": "numeric", "last_lsn": "numeric", "fork_point_lsn": "numeric",
    "differential_base_guid": "uniqueidentifier", "first_recovery_fork_guid": "uniqueidentifier",
    "last_recovery_fork_guid": "uniqueidentifier", "backup_size": "numeric", "server_name": "nvarchar",
    "server_known_as": "nvarchar", "server_is": "nvarchar", "family_guid": "uniqueidentifier",
    "present_family": "uniqueidentifier", "software_major_version": "tinyint",
    "software_minor_version": "tinyint", "software_build_version": "smallint", "media_family_count": "tinyint",
    "family_sequence_number": "tinyint", "device_type": "tinyint", "physical_device_name": "nvarchar",
    "overwritten": "int"
}  # fmt: skip


def history(sql: SqlInstance, database: Database | None, params: JsonMap) -> Rows:
    """One row a set and family; a set without a family still has one."""
    del database
    name, since = declared(params, "database").lower(), declared(params, "since")
    present = next((one for one in sql.databases.values() if one.name.lower() == name), None)
    here: JsonMap = {
        "server_known_as": sql.server_name,
        "server_is": sql.server_name,
        "present_family": present.family if present is not None and present.state == "ONLINE" else None,
    }
    rows = [
        {**one, **_media(sql.history, one), **family, **here, "overwritten": _overwritten(sql.history, one, family)}
        for one in sorted(sql.history.backupset, key=lambda row: int(str(row["backup_set_id"])))
        if str(one["database_name"]).lower() == name and str(one["backup_finish_date"]) >= since
        for family in _families(sql.history, one) or [{}]
    ]
    return Rows(
        columns=tuple(_TYPES.items()),
        rows=tuple(tuple(_shown(kind, row.get(column)) for column, kind in _TYPES.items()) for row in rows),
    )


def declared(params: JsonMap, name: str) -> str:
    """The value of a parameter; the server's own complaint without one."""
    if name not in params:
        raise PayloadError(f'Must declare the scalar variable "@{name}".', "NotSpecified")
    return str(params[name])


def _families(history: History, one: Row) -> list[Row]:
    found = [row for row in history.backupmediafamily if row["media_set_id"] == one["media_set_id"]]
    return sorted((row for row in found if row["mirror"] == 0), key=lambda row: int(str(row["family_sequence_number"])))


def _media(history: History, one: Row) -> Row:
    return next((row for row in history.backupmediaset if row["media_set_id"] == one["media_set_id"]), {})


def _overwritten(history: History, one: Row, family: Row) -> int:
    """1 if a later set took the position, or a later media set the file."""
    media, number, position = (int(str(one[name])) for name in ("media_set_id", "backup_set_id", "position"))
    for row in history.backupset:
        same = int(str(row["media_set_id"])) == media and int(str(row["backup_set_id"])) > number
        if same and int(str(row["position"])) <= position:
            return 1
    file = str(family.get("physical_device_name")).lower()
    later = (row for row in history.backupmediafamily if int(str(row["media_set_id"])) > media)
    return int(bool(family) and any(str(row["physical_device_name"]).lower() == file for row in later))


def _shown(kind: str, value: JsonValue) -> JsonValue:
    """Decimals come as texts, as the payload sends them."""
    return str(value) if kind == "numeric" and value is not None else value
