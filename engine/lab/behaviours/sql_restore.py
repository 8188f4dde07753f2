"""What a machine's SQL Server reads in backup files: HEADERONLY, FILELISTONLY and VERIFYONLY.

The files on the machine decide, not the history in ``msdb``. VERIFYONLY finds spoilt pages only in sets with sums, as
on a real server: without them it reads the set to its end and is content.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.lab.behaviours.sql_history import declared
from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_files import parent
from engine.lab.machine_sql import SqlInstance
from engine.lab.machine_sql_media import Media, is_sound, read_media, volume_of
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
}
_WITH_SUMS, _WRITTEN_DAMAGED = 16, 32
Set = Mapping[str, Any]


def read_backups(machine: Machine, sql: SqlInstance, text: str, params: JsonMap) -> Rows | None:
    """The rows of one of the three statements; None for any other text."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    paths = [declared(params, name) for name in re.findall(r"@(\w+)", found["devices"])]
    media = [_open(machine, sql, path) for path in paths]
    match found["verb"].upper():
        case "HEADERONLY":
            return _headers(media[0])
        case "FILELISTONLY":
            return _files(_at(media[0], paths[0], int(found["file"] or 1)))
        case _:
            one = _at(media[0], paths[0], int(found["file"] or 1))
            _verify(machine, sql, one, media, with_sums=found["sums"] is not None)
            return Rows(columns=(), rows=())


def _open(machine: Machine, sql: SqlInstance, path: str) -> Media:
    """The media family in a file, as the service account can read it."""
    problem = None
    if path.lower() in {one.lower() for one in sql.unreadable}:
        problem = "5(Access is denied.)"
    elif not machine.files.is_folder(parent(path)):
        problem = "3(The system cannot find the path specified.)"
    media = None if problem else read_media(machine, path)
    if media is None:
        told = problem or "2(The system cannot find the file specified.)"
        raise PayloadError(f"Cannot open backup device '{path}'. Operating system error {told}.", "NotSpecified")
    return media


def _at(media: Media, path: str, position: int) -> Set:
    if not 1 <= position <= len(media.sets):
        raise PayloadError(f"Cannot find file ID {position} on device '{path}'.", "NotSpecified")
    return media.sets[position - 1]


def _headers(media: Media) -> Rows:
    columns = ("BackupType", "DeviceType", "Flags", *_HEADER)
    rows = tuple(tuple(_header(one, column) for column in columns) for one in media.sets)
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


def _header(one: Set, column: str) -> JsonValue:
    told = one["header"]
    match column:
        case "BackupType":
            return _TYPES[told["type"]]
        case "DeviceType":
            return 2
        case "Flags":
            return _WITH_SUMS * bool(told["has_backup_checksums"]) + _WRITTEN_DAMAGED * bool(told["is_damaged"])
    value: JsonValue = told[_HEADER[column]]
    return str(value) if column in _LSN and value is not None else value


def _files(one: Set) -> Rows:
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


def _verify(machine: Machine, sql: SqlInstance, one: Set, media: Sequence[Media], *, with_sums: bool) -> None:
    """What keeps the server from saying that the set is valid."""
    families = media[0].families
    if len(media) != families:
        told = f"The media set has {families} media families but only {len(media)} are provided"
        raise PayloadError(f"{told}. All members must be provided.", "NotSpecified")
    if len({(each.guid, each.family) for each in media}) != families or len({each.guid for each in media}) != 1:
        raise PayloadError("The volume does not belong to the media set that is being processed.", "NotSpecified")
    header = one["header"]
    if with_sums and not header["has_backup_checksums"]:
        raise PayloadError(
            "RESTORE WITH CHECKSUM cannot be specified because the backup set does not contain checksum information.",
            "NotSpecified",
        )
    position = int(header["position"])
    pages = [each.sets[position - 1] for each in media if len(each.sets) >= position]
    if header["is_damaged"] or (header["has_backup_checksums"] and not all(is_sound(each) for each in pages)):
        raise PayloadError("Damage to the backup set was detected.", "NotSpecified")
    _too_new(sql, header)
    _no_space(machine, sql, one)


def _too_new(sql: SqlInstance, header: Set) -> None:
    made_by = (header["software_major_version"], header["software_minor_version"])
    server = tuple(int(part) for part in sql.version.split(".")[:2])
    if made_by > server:
        version = f"{made_by[0]:02}.{made_by[1]:02}.{header['software_build_version']}"
        raise PayloadError(
            f"The database was backed up on a server running version {version}. That version is incompatible with "
            f"this server, which is running version {sql.version}.",
            "NotSpecified",
        )


def _no_space(machine: Machine, sql: SqlInstance, one: Set) -> None:
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
