"""What may be restored on what: over which database, and on which set that was brought in before."""

from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import DIFFERENTIAL
from engine.lab.machine_sql_devices import BackupSet

ONLINE, RESTORING = "ONLINE", "RESTORING"


def is_of(header: BackupSet, kind: str) -> bool:
    """True for a set of that kind."""
    return str(header["type"]) == kind


def refuse_to_overwrite(sql: SqlInstance, existing: Database | None, header: BackupSet, *, replace: bool) -> None:
    """Whatever keeps a full backup from taking the place of a database."""
    if existing is None:
        return
    name = existing.name
    refuse_snapshots(sql, name)
    if existing.state == ONLINE and sql.sessions(name):
        raise PayloadError("Exclusive access could not be obtained because the database is in use.")
    if replace:
        return
    if str(header["database_name"]).lower() != name.lower():
        raise PayloadError(
            f"The backup set holds a backup of a database other than the existing '{name}' database.", "NotSpecified"
        )
    start = existing.log.log_start
    if (
        existing.state == ONLINE
        and existing.recovery_model != "SIMPLE"
        and start is not None
        and start < existing.log.lsn
    ):
        raise PayloadError(
            f'The tail of the log for the database "{name}" has not been backed up. Use BACKUP LOG WITH NORECOVERY to '
            "backup the log if it contains work you do not want to lose. Use the WITH REPLACE or WITH STOPAT clause of "
            "the RESTORE statement to just overwrite the contents of the log.",
            "NotSpecified",
        )


def refuse_snapshots(sql: SqlInstance, name: str) -> None:
    """The database that a snapshot is of cannot be restored or dropped."""
    if any(one.snapshot_of.lower() == name.lower() for one in sql.databases.values()):
        raise PayloadError(f"The database '{name}' has database snapshots and cannot be restored or dropped.")


def refuse_gap(existing: Database | None, header: BackupSet) -> None:
    """A differential or log backup has to continue exactly what was brought in so far."""
    rolling = existing.rolling if existing is not None and existing.state == RESTORING else None
    if rolling is None:
        raise PayloadError(
            "The log or differential backup cannot be restored because no files are ready to rollforward.",
            "NotSpecified",
        )
    if is_of(header, DIFFERENTIAL):
        if not rolling.full_only or header["differential_base_guid"] != rolling.guid:
            raise PayloadError(
                "This differential backup cannot be restored because the database has not been restored to the correct "
                "earlier state.",
                "NotSpecified",
            )
        return
    first, last, at = int(header["first_lsn"]), int(header["last_lsn"]), rolling.log.lsn
    if first > at:
        raise PayloadError(
            f"The log in this backup set begins at LSN {first}, which is too recent to apply to the database. An "
            f"earlier log backup that includes LSN {at} can be restored.",
            "NotSpecified",
        )
    if last <= at:
        raise PayloadError(
            f"The log in this backup set terminates at LSN {last}, which is too early to apply to the database. A more "
            f"recent log backup that includes LSN {at} can be restored.",
            "NotSpecified",
        )
    if not _same_path(header, rolling.log.fork, at):
        raise PayloadError(
            "This backup set cannot be applied because it is on a recovery path that is inconsistent with the "
            "database.",
            "NotSpecified",
        )


def _same_path(header: BackupSet, fork: str, at: int) -> bool:
    """A log across a fork belongs to its first path up to the fork, and to its second from there on."""
    first, last, point = header["first_recovery_fork_guid"], header["last_recovery_fork_guid"], header["fork_point_lsn"]
    if first == last:
        return bool(fork == first)
    if point is None:
        return False
    return at <= int(point) if fork == first else fork == last and at >= int(point)
