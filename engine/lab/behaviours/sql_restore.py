"""What a machine's SQL Server reads in backup files: HEADERONLY, FILELISTONLY and VERIFYONLY.

The files on the machine decide, not the history in ``msdb``. VERIFYONLY finds spoilt pages only in sets with sums, as
on a real server: without them it reads the set to its end and is content.
"""

import re
from collections.abc import Sequence

from engine.lab.behaviours.sql_history import declared
from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import SqlInstance
from engine.lab.machine_sql_devices import (
    BackupSet,
    open_media,
    pages_are_sound,
    refuse_incomplete,
    refuse_missing_sums,
    refuse_newer,
    set_at,
)
from engine.lab.machine_sql_media import Media, volume_of
from engine.model.data import JsonMap, JsonValue

_TEXT = re.compile(
    r"RESTORE (?P<verb>HEADERONLY|FILELISTONLY|VERIFYONLY) FROM (?P<devices>DISK = @\w+(?:, DISK = @\w+)*)"
    r"(?: WITH FILE = (?P<file>\d+)(?P<sums>, CHECKSUM)?)?",
    re.IGNORECASE,
)
_TYPES = {"D": 1, "L": 2, "I": 5}
_NUMBERS = {"BackupType", "Position", "DeviceType", "Flags", "CompatibilityLevel"}
_LSN = {"FirstLSN", "LastLSN", "ForkPointLSN", "DifferentialBaseLSN", "BackupSize"}
# Column of the header: column of the history.
_HEADER = {
    "BackupName": "name",
    "Position": "position",
    "ServerName": "server_name",
    "DatabaseName": "database_name",
    "BackupSize": "backup_size",
    "FirstLSN": "first_lsn",
    "LastLSN": "last_lsn",
    "BackupStartDate": "backup_start_date",
    "BackupFinishDate": "backup_finish_date",
    "CompatibilityLevel": "compatibility_level",
    "SoftwareVersionMajor": "software_major_version",
    "SoftwareVersionMinor": "software_minor_version",
    "SoftwareVersionBuild": "software_build_version",
    "Collation": "collation_name",
    "IsSnapshot": "is_snapshot",
    "HasBackupChecksums": "has_backup_checksums",
    "IsDamaged": "is_damaged",
    "IsCopyOnly": "is_copy_only",
    "FirstRecoveryForkID": "first_recovery_fork_guid",
    "ForkPointLSN": "fork_point_lsn",
    "RecoveryForkID": "last_recovery_fork_guid",
    "RecoveryModel": "recovery_model",
    "DifferentialBaseLSN": "differential_base_lsn",
    "DifferentialBaseGUID": "differential_base_guid",
    "BackupSetGUID": "backup_set_uuid",
    "FamilyGUID": "family_guid",
}
_WITH_SUMS, _WRITTEN_DAMAGED = 16, 32


def read_backups(machine: Machine, sql: SqlInstance, text: str, params: JsonMap) -> Rows | None:
    """The rows of one of the three statements; None for any other text."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    paths = [declared(params, name) for name in re.findall(r"@(\w+)", found["devices"])]
    media = [open_media(machine, sql, path) for path in paths]
    match found["verb"].upper():
        case "HEADERONLY":
            return _headers([set_at(media[0], paths[0], int(found["file"]))] if found["file"] else media[0].sets)
        case "FILELISTONLY":
            return _files(set_at(media[0], paths[0], int(found["file"] or 1)))
        case _:
            one = set_at(media[0], paths[0], int(found["file"] or 1))
            _verify(machine, sql, one, media, with_sums=found["sums"] is not None)
            return Rows(columns=(), rows=())


def _headers(sets: Sequence[BackupSet]) -> Rows:
    columns = ("BackupType", "DeviceType", "Flags", *_HEADER)
    rows = tuple(tuple(_header(one, column) for column in columns) for one in sets)
    return Rows(columns=tuple((name, _kind(name)) for name in columns), rows=rows)


def _kind(column: str) -> str:
    if column in _LSN:
        return "numeric"
    if column.endswith("Date"):
        return "datetime"
    if column.endswith(("GUID", "ForkID")):
        return "uniqueidentifier"
    if column.startswith(("Is", "Has")):
        return "bit"
    return "int" if column in _NUMBERS or column.startswith("SoftwareVersion") else "nvarchar"


def _header(one: BackupSet, column: str) -> JsonValue:
    told = one["header"]
    match column:
        case "BackupType":
            return _TYPES[told["type"]]
        case "DeviceType":
            return 2
        case "Flags":
            return _WITH_SUMS * bool(told["has_backup_checksums"]) + _WRITTEN_DAMAGED * bool(told["is_damaged"])
    value: JsonValue = told.get(_HEADER[column])
    return str(value) if column in _LSN and value is not None else value


def _files(one: BackupSet) -> Rows:
    columns = (
        ("LogicalName", "nvarchar"),
        ("PhysicalName", "nvarchar"),
        ("Type", "char"),
        ("Size", "numeric"),
        ("FileId", "bigint"),
        ("BackupSizeInBytes", "bigint"),
        ("IsPresent", "bit"),
    )
    rows = tuple(
        (file["name"], file["path"], file["kind"][0].replace("R", "D"), str(file["size"]), number, file["size"], True)
        for number, file in enumerate(one["files"], 1)
    )
    return Rows(columns=columns, rows=rows)


def _verify(machine: Machine, sql: SqlInstance, one: BackupSet, media: Sequence[Media], *, with_sums: bool) -> None:
    """What keeps the server from saying that the set is valid."""
    refuse_incomplete(media)
    header = one["header"]
    if with_sums:
        refuse_missing_sums(header)
    sound = not header["has_backup_checksums"] or pages_are_sound(media, int(header["position"]))
    if header["is_damaged"] or not sound:
        raise PayloadError("Damage to the backup set was detected.", "NotSpecified")
    refuse_newer(sql, header)
    _no_space(machine, sql, one)


def _no_space(machine: Machine, sql: SqlInstance, one: BackupSet) -> None:
    """The restore would put the files where they were; what lies there already gives its space back."""
    database = sql.databases.get(str(one["header"]["database_name"]))
    there = {file.path.lower(): file.size for file in database.files} if database else {}
    for volume in machine.volumes.values():
        own = [file for file in one["files"] if volume_of(machine, str(file["path"])) is volume]
        need = sum(int(file["size"]) - there.get(str(file["path"]).lower(), 0) for file in own)
        if need > volume.free:
            raise PayloadError(
                f"There is insufficient free space on disk volume '{volume.name}' to create the database. The database "
                f"requires {need} additional free bytes, while only {volume.free} bytes are available.",
                "NotSpecified",
            )
