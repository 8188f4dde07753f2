"""Backup devices as the lab's SQL Server opens them: what a file holds, and what keeps the server from reading it."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_files import parent
from engine.lab.machine_sql import SqlInstance
from engine.lab.machine_sql_media import Media, is_sound, read_media

BackupSet = Mapping[str, Any]


def open_media(machine: Machine, sql: SqlInstance, path: str) -> Media:
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


def set_at(media: Media, path: str, position: int) -> BackupSet:
    """The set at a position of a device."""
    if not 1 <= position <= len(media.sets):
        raise PayloadError(f"Cannot find file ID {position} on device '{path}'.", "NotSpecified")
    return media.sets[position - 1]


def refuse_incomplete(media: Sequence[Media]) -> None:
    """All families of one media set are needed, each once."""
    families = media[0].families
    if len(media) != families:
        told = f"The media set has {families} media families but only {len(media)} are provided"
        raise PayloadError(f"{told}. All members must be provided.", "NotSpecified")
    if len({(each.guid, each.family) for each in media}) != families or len({each.guid for each in media}) != 1:
        raise PayloadError("The volume does not belong to the media set that is being processed.", "NotSpecified")


def refuse_missing_sums(header: BackupSet) -> None:
    """Sums that were not written cannot be checked."""
    if not header["has_backup_checksums"]:
        raise PayloadError(
            "RESTORE WITH CHECKSUM cannot be specified because the backup set does not contain checksum information.",
            "NotSpecified",
        )


def refuse_newer(sql: SqlInstance, header: BackupSet) -> None:
    """A server reads no backup of a newer one."""
    made_by = (header["software_major_version"], header["software_minor_version"])
    server = tuple(int(part) for part in sql.version.split(".")[:2])
    if made_by > server:
        version = f"{made_by[0]:02}.{made_by[1]:02}.{header['software_build_version']}"
        raise PayloadError(
            f"The database was backed up on a server running version {version}. That version is incompatible with "
            f"this server, which is running version {sql.version}.",
            "NotSpecified",
        )


def pages_are_sound(media: Sequence[Media], position: int) -> bool:
    """True if in no family a page of the set was changed."""
    return all(is_sound(each.sets[position - 1]) for each in media if len(each.sets) >= position)
