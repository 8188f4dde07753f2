"""Restores of a lab's SQL Server: what they need, what they take away before they end, and what they leave behind.

A restore takes space and the old contents as soon as it begins, and gives the new ones when it ends; broken off in
between it leaves a database that is RESTORING and that nobody can use. What can be put together follows from the
numbers and paths of the log alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import FULL, LOG, local_time, media_in_history, new_guid
from engine.lab.machine_sql_devices import (
    BackupSet,
    open_media,
    pages_are_sound,
    refuse_incomplete,
    refuse_missing_sums,
    refuse_newer,
    set_at,
)
from engine.lab.machine_sql_files import allocate, planned_files, release
from engine.lab.machine_sql_log import Rolling, TransactionLog
from engine.lab.machine_sql_media import Media
from engine.lab.machine_sql_principals import principals_from
from engine.lab.machine_sql_sequence import ONLINE, RESTORING, is_of, refuse_gap, refuse_snapshots, refuse_to_overwrite

BYTES_A_SECOND = 200 * 1024 * 1024
_SYSTEM = ("master", "model", "msdb", "tempdb")
_LEAST_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One RESTORE statement. ``log`` is true for RESTORE LOG; ``moves`` maps logical names to paths."""

    database: str
    paths: Sequence[str]
    log: bool = False
    position: int = 1
    moves: Mapping[str, str] = field(default_factory=dict)
    recovery: bool = True
    replace: bool = False
    sums: bool = False


@dataclass(slots=True, kw_only=True)
class Restoring:
    """A restore at work; it has taken what it needs and ends with ``finish``, unless it is broken off."""

    machine: Machine
    request: Request
    one: BackupSet
    media: Sequence[Media]
    database: Database
    before: Rolling | None
    started: float

    @property
    def duration_s(self) -> float:
        """In proportion to the bytes that are read and written."""
        header = self.one["header"]
        size = int(header["backup_size"]) if self.request.log else sum(int(one["size"]) for one in self.one["files"])
        return _LEAST_S + size / BYTES_A_SECOND

    def finish(self) -> None:
        """The set is in; damage that sums show ends it instead."""
        self.database.being_restored = False
        header = self.one["header"]
        sound = pages_are_sound(self.media, int(header["position"]))
        if not sound and header["has_backup_checksums"]:
            self.abort()
            raise PayloadError(
                f'RESTORE detected an error on page (1:153) in database "{self.database.name}" as read from the '
                "backup set.",
                "NotSpecified",
            )
        contents = self.one["contents"]
        self.database.damaged_pages += 0 if sound else 1
        self.database.rolling = Rolling(
            guid=str(header["backup_set_uuid"]),
            log=TransactionLog(**contents["log"]),
            contents=contents,
            full_only=is_of(header, FULL),
        )
        self._write_history(header)
        if self.request.recovery:
            recover(self.machine, self.database)

    def abort(self) -> None:
        """Broken off: a log can be applied again, of a database half written nothing can be used."""
        self.database.being_restored = False
        self.database.rolling = self.before if self.request.log else None

    def _write_history(self, header: BackupSet) -> None:
        sql = self.machine.sql
        assert sql is not None
        sql.history.restorehistory.append(
            {
                "restore_history_id": len(sql.history.restorehistory) + 1,
                "restore_date": local_time(sql, self.started),
                "destination_database_name": self.database.name,
                "user_name": "CONTOSO\\recovery",
                "backup_set_id": _id_in_history(sql, header, self.media[0], self.request.paths),
                "restore_type": header["type"],
                "replace": self.request.replace,
                "recovery": self.request.recovery,
                "stop_at": None,
                "stop_at_mark_name": None,
                "device_count": len(self.request.paths),
            }
        )


def begin(machine: Machine, request: Request) -> Restoring:
    """Begin a restore; raises what the server would raise, and then nothing has changed."""
    sql = machine.sql
    assert sql is not None
    if request.database.lower() in _SYSTEM:
        raise PayloadError(
            f"The {request.database} database cannot be restored while the server is in multi-user mode."
        )
    media = [open_media(machine, sql, path) for path in request.paths]
    one = set_at(media[0], request.paths[0], request.position)
    refuse_incomplete(media)
    header = one["header"]
    if is_of(header, LOG) is not request.log:
        kind = "BACKUP LOG" if is_of(header, LOG) else "BACKUP DATABASE"
        raise PayloadError(
            f"The backup set in file '{request.paths[0]}' was created by {kind} and cannot be used for this restore "
            "operation."
        )
    refuse_newer(sql, header)
    if request.sums:
        refuse_missing_sums(header)
    if header["is_damaged"]:
        raise PayloadError("Damage to the backup set was detected.", "NotSpecified")
    existing = database_named(sql, request.database)
    before = existing.rolling if existing else None
    if existing is not None and existing.being_restored:
        raise PayloadError("Exclusive access could not be obtained because the database is in use.")
    if is_of(header, FULL):
        refuse_to_overwrite(sql, existing, header, replace=request.replace)
    else:
        refuse_gap(existing, header)
    database = _take(machine, sql, existing, one, request)
    return Restoring(
        machine=machine,
        request=request,
        one=one,
        media=media,
        database=database,
        before=before,
        started=machine.clock.now(),
    )


def drop(machine: Machine, name: str) -> None:
    """Remove a database and its files."""
    sql = machine.sql
    assert sql is not None
    if name.lower() in _SYSTEM:
        raise PayloadError(f"Cannot drop the database '{name}' because it is a system database.")
    database = database_named(sql, name)
    if database is None:
        raise PayloadError(
            f"Cannot drop the database '{name}', because it does not exist or you do not have permission."
        )
    if sql.sessions(database.name) or database.being_restored:
        raise PayloadError(f'Cannot drop database "{name}" because it is currently in use.')
    refuse_snapshots(sql, database.name)
    release(machine, database.files)
    del sql.databases[database.name]


def recover(machine: Machine, database: Database) -> None:
    """Bring what was restored online, on a recovery path of its own, with the broker off."""
    sql, rolling = machine.sql, database.rolling
    assert sql is not None
    assert rolling is not None
    contents = rolling.contents
    database.product_version = contents["product_version"]
    database.management_packs = dict(contents["management_packs"])
    database.warehouses = dict(contents["warehouses"])
    database.patches = [dict(one) for one in contents["patches"]]
    database.damaged_pages += contents["damaged_pages"]
    database.principals = principals_from(contents["principals"])
    database.management_servers = list(contents["management_servers"])
    database.workflow_server = contents["workflow_server"]
    database.log.rewind(rolling.log, new_guid(machine.name, sql))
    database.state, database.user_access, database.broker_enabled = ONLINE, "MULTI_USER", False
    database.rolling = None


def database_named(sql: SqlInstance, name: str) -> Database | None:
    """The database of that name; case does not count."""
    return next((one for one in sql.databases.values() if one.name.lower() == name.lower()), None)


def _take(machine: Machine, sql: SqlInstance, existing: Database | None, one: BackupSet, request: Request) -> Database:
    """The database as it is from now on: RESTORING, on its new files."""
    header = one["header"]
    files = planned_files(machine, sql, request.database, one["files"], request.moves, replace=request.replace)
    allocate(machine, files, existing.files if existing else ())
    database = existing or Database(name=request.database)
    if existing is None:
        sql.add(database)
    database.files, database.state, database.being_restored = files, RESTORING, True
    if is_of(header, FULL):
        database.rolling, database.broker_enabled, database.damaged_pages = None, False, 0
        database.recovery_model, database.family = str(header["recovery_model"]), str(header["family_guid"])
        database.collation = str(header["collation_name"])
        database.compatibility_level = int(header["compatibility_level"])
    return database


def _id_in_history(sql: SqlInstance, header: BackupSet, media: Media, paths: Sequence[str]) -> int:
    """The set's number in this history; a set that it does not know is added, with its media."""
    for row in sql.history.backupset:
        if row["backup_set_uuid"] == header["backup_set_uuid"]:
            return int(str(row["backup_set_id"]))
    number = 1 + max((int(str(row["backup_set_id"])) for row in sql.history.backupset), default=0)
    place = media_in_history(sql, media, paths)
    sql.history.backupset.append({**header, "backup_set_id": number, "media_set_id": place})
    return number
