"""Backups of a lab's SQL Server: what they write into the history in ``msdb`` and into files of the machine.

The two are apart as on a real server: a file can be deleted, damaged or written over while the history still tells of
it, and a history can be lost while the file is good. Which numbers a backup holds follows from ``machine_sql_log``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_log import Row, guid_of
from engine.lab.machine_sql_media import Media, read_media, volume_of, write_media
from engine.model.data import JsonValue

FULL, DIFFERENTIAL, LOG = "D", "I", "L"
UNKNOWN_ZONE = 127
_DISK = (2, 102)
QUARTER_S = 900
_HOUR_S, _DAY_S = 3600.0, 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a backup is taken. ``zone_known`` false leaves the time zone out of the history, as old servers do.
    ``ends_at`` is the moment of its end, now without one; ``name`` is the set's name in its header.
    """

    kind: str = FULL
    copy_only: bool = False
    self_checking: bool = True
    init: bool = False
    format: bool = False
    damaged: bool = False
    snapshot: bool = False
    incomplete: bool = False
    device_type: int = 2
    records: int = 1
    duration_s: float = 60.0
    zone_known: bool = True
    ends_at: float | None = None
    name: str | None = None


def back_up(machine: Machine, name: str, paths: Sequence[str], wish: Wish | None = None) -> Row:
    """Take a backup; its row of ``backupset``. Raises what the server would raise."""
    wish = wish or Wish()
    sql = machine.sql
    assert sql is not None
    database = sql.databases.get(name)
    if database is None or database.state != "ONLINE":
        raise PayloadError(f"Database '{name}' does not exist. Make sure that the name is entered correctly.")
    _refuse(database, wish)
    fresh = wish.format or wish.device_type not in _DISK or keeps_nothing(paths)
    found = None if fresh else _one_media(machine, paths)
    _take_space(machine, paths, _size(database, wish), wish)
    media = _media(machine, sql, paths, wish, found)
    ends_at = machine.clock.now() if wish.ends_at is None else wish.ends_at
    row = _row(sql, database, wish, media, ends_at=ends_at, guid=new_guid(machine.name, sql))
    sql.history.backupset.append(row)
    if wish.device_type in _DISK and not keeps_nothing(paths):
        write_media(machine, paths, media, {**row, "name": wish.name}, database, at=ends_at)
    return row


def _refuse(database: Database, wish: Wish) -> None:
    """What the server does not do."""
    if wish.kind == LOG and database.recovery_model == "SIMPLE":
        raise PayloadError("The statement BACKUP LOG is not allowed while the recovery model is SIMPLE.")
    if wish.kind == LOG and database.log.log_start is None:
        raise PayloadError("BACKUP LOG cannot be performed because there is no current database backup.")
    if wish.kind == DIFFERENTIAL and (database.log.base is None or wish.copy_only):
        raise PayloadError(
            f'Cannot perform a differential backup for database "{database.name}", because a current database backup '
            "does not exist."
        )


def _size(database: Database, wish: Wish) -> int:
    """A full backup is as big as the data, any other a twentieth of that."""
    size = sum(one.size for one in database.files if one.kind == "ROWS")
    return size if wish.kind == FULL else size // 20


def _take_space(machine: Machine, paths: Sequence[str], size: int, wish: Wish) -> None:
    """Each family takes its part of its volume; a full volume ends the backup before anything is on record."""
    if wish.device_type not in _DISK or keeps_nothing(paths):
        return
    part = size // len(paths)
    taken: dict[str, int] = {}
    for path in paths:
        volume = volume_of(machine, path)
        if volume is None:
            continue
        taken[volume.name] = taken.get(volume.name, 0) + part
        if taken[volume.name] > volume.free:
            raise PayloadError(f'Write on "{path}" failed: 112(There is not enough space on the disk.)')
    for name, bytes_taken in taken.items():
        machine.volumes[name].free -= bytes_taken


def keeps_nothing(paths: Sequence[str]) -> bool:
    """True for the device that Windows throws everything away on."""
    return any(path.rpartition("\\")[2].upper() in ("NUL", "NUL:") for path in paths)


def new_guid(machine_name: str, sql: SqlInstance) -> str:
    """A fresh identifier, the same ones in the same order on every run."""
    sql.history.made += 1
    return guid_of(f"{machine_name}/{sql.name}/{sql.history.made}")


def _media(machine: Machine, sql: SqlInstance, paths: Sequence[str], wish: Wish, found: Media | None) -> Media:
    """The media set the backup goes to: the one that the files belong to, else a new one."""
    if found is not None:
        return replace(found, sets=()) if wish.init else found
    media = Media(number=0, guid=new_guid(machine.name, sql), families=len(paths))
    return replace(media, number=media_in_history(sql, media, paths, device_type=wish.device_type))


def media_in_history(sql: SqlInstance, media: Media, paths: Sequence[str], *, device_type: int = 2) -> int:
    """The number of a media set in this history, which gets it if it is not there."""
    for row in sql.history.backupmediaset:
        if row["media_uuid"] == media.guid:
            return int(str(row["media_set_id"]))
    number = 1 + max((int(str(row["media_set_id"])) for row in sql.history.backupmediaset), default=0)
    sql.history.backupmediaset.append(
        {"media_set_id": number, "media_uuid": media.guid, "media_family_count": media.families}
    )
    for place, path in enumerate(paths, 1):
        sql.history.backupmediafamily.append(
            {
                "media_set_id": number,
                "family_sequence_number": place,
                "device_type": device_type,
                "physical_device_name": path,
                "mirror": 0,
            }
        )
    return number


def _one_media(machine: Machine, paths: Sequence[str]) -> Media | None:
    """The media set that exactly these files make up, in this order; None if they are all new."""
    found = [read_media(machine, path) for path in paths]
    first = found[0]
    for place, (path, one) in enumerate(zip(paths, found, strict=True), 1):
        told = one and (one.guid, one.family, one.families)
        if told != (first and (first.guid, place, len(paths))):
            raise PayloadError(f"The volume on device '{path}' is a member of another media set.")
    return first


def _row(sql: SqlInstance, database: Database, wish: Wish, media: Media, *, ends_at: float, guid: str) -> Row:
    numbers = _numbers(database, wish, guid)
    major, minor, build = ([int(one) for one in sql.version.split(".")] + [0, 0, 0])[:3]
    return {
        "backup_set_id": len(sql.history.backupset) + 1,
        "backup_set_uuid": guid,
        "media_set_id": media.number,
        "position": len(media.sets) + 1,
        "type": wish.kind,
        "is_copy_only": wish.copy_only,
        "has_backup_checksums": wish.self_checking,
        "is_damaged": wish.damaged,
        "is_snapshot": wish.snapshot,
        "has_incomplete_metadata": wish.incomplete,
        "backup_start_date": local_time(sql, ends_at - wish.duration_s),
        "backup_finish_date": local_time(sql, ends_at),
        "time_zone": sql.zone if wish.zone_known else UNKNOWN_ZONE,
        **numbers,
        "backup_size": _size(database, wish),
        "software_major_version": major,
        "software_minor_version": minor,
        "software_build_version": build,
        "database_name": database.name,
        "server_name": sql.server_name,
        "family_guid": database.family,
        "collation_name": database.collation,
        "compatibility_level": database.compatibility_level,
        "recovery_model": database.recovery_model,
    }


def _numbers(database: Database, wish: Wish, guid: str) -> Mapping[str, JsonValue]:
    """The range of the log that the backup holds; taking it moves the log on."""
    log = database.log
    first = log.lsn
    log.work(wish.records)
    forks: tuple[str, str, int | None] = (log.fork, log.fork, None)
    base = None
    if wish.kind == LOG:
        assert log.log_start is not None
        first = log.log_start
        forks = (log.fork_since or log.fork, log.fork, log.fork_point)
        if not wish.copy_only:
            log.log_start, log.fork_since, log.fork_point = log.lsn, None, None
    elif wish.kind == DIFFERENTIAL:
        base = log.base
    elif log.log_start is None and database.recovery_model != "SIMPLE":
        log.log_start = first
    if wish.kind == FULL and not wish.copy_only:
        log.base, log.base_lsn = guid, first
    return {
        "first_lsn": first,
        "last_lsn": log.lsn,
        "fork_point_lsn": forks[2],
        "differential_base_guid": base,
        "differential_base_lsn": log.base_lsn if base else None,
        "first_recovery_fork_guid": forks[0],
        "last_recovery_fork_guid": forks[1],
    }


def local_time(sql: SqlInstance, at: float) -> str:
    """A moment as the server's clock shows it, in the form of the answers."""
    shown = datetime.fromtimestamp(at + sql.zone * QUARTER_S, UTC)
    return shown.strftime("%Y-%m-%dT%H:%M:%S.") + f"{shown.microsecond // 1000:03}"


def copy_aside(machine: Machine, name: str, path: str) -> None:
    """A safety copy as a recovery makes it: copy-only, named by the label in its file's name."""
    label = path.rpartition("\\")[2].rpartition(".")[0].removeprefix(f"{name}_")
    back_up(machine, name, [path], Wish(copy_only=True, name=f"safety copy {label}"))


def usual_backups(machine: Machine, names: Sequence[str], *, days: int = 2, folder: str = "D:\\Backup") -> None:
    """What a maintenance plan left behind by now: of each day a full backup, twelve hours later the log, and the log of
    the last hour.
    """
    now = machine.clock.now()
    for name in names:
        for day in range(days, 0, -1):
            _at(machine, name, FULL, now - day * _DAY_S + _HOUR_S, folder)
            _at(machine, name, LOG, now - day * _DAY_S + 13 * _HOUR_S, folder)
        _at(machine, name, LOG, now - _HOUR_S / 2, folder)


def _at(machine: Machine, name: str, kind: str, ends_at: float, folder: str) -> None:
    stamp = datetime.fromtimestamp(ends_at, UTC).strftime("%Y%m%d%H%M")
    path = f"{folder}\\{name}_{stamp}.{'trn' if kind == LOG else 'bak'}"
    back_up(machine, name, [path], Wish(kind=kind, records=40, ends_at=ends_at))
