"""Backup files of the lab: what stands in them, and what becomes of it when somebody cuts or changes their bytes.

A file holds one family of a media set and, for each set on it, a header, the list of the database's files, what the
database held, and pages with their sum. Every family holds every header.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.lab.machine import Machine, Volume
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database
from engine.model.data import JsonMap

_MARK = b"TAPE\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One media set as one of its files tells it. ``sets`` are the backup sets in the order of their positions."""

    number: int
    guid: str
    families: int
    family: int = 1
    sets: tuple[Mapping[str, Any], ...] = ()


def read_media(machine: Machine, path: str) -> Media | None:
    """What a file says of itself; None where there is no file. Raises what the server would raise."""
    file = machine.files.get(path)
    if file is None:
        return None
    try:
        told = json.loads(file.content.removeprefix(_MARK))
        return Media(
            number=told["number"],
            guid=told["guid"],
            families=told["families"],
            family=told["family"],
            sets=tuple(told["sets"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PayloadError(
            f"The media family on device '{path}' is incorrectly formed. SQL Server cannot process this media family."
        ) from None


def write_media(
    machine: Machine, paths: Sequence[str], media: Media, row: Mapping[str, Any], database: Database, *, at: float
) -> None:
    """Add a set to all files of the media."""
    pages = f"{row['backup_set_uuid']}:{row['last_lsn']}"
    one: JsonMap = {
        "header": dict(row),
        "files": [one.plain() for one in database.files],
        "contents": database.contents(),
        "pages": pages,
        "sum": _sum(pages),
    }
    for family, path in enumerate(paths, 1):
        told = {"number": media.number, "guid": media.guid, "families": media.families, "family": family}
        text = json.dumps({**told, "sets": [*media.sets, one]}, sort_keys=True)
        machine.files.write(path, _MARK + text.encode(), modified=at)


def volume_of(machine: Machine, path: str) -> Volume | None:
    """The volume that holds a path: the one with the longest mount point."""
    holding = [one for one in machine.volumes.values() if path.lower().startswith(one.name.lower())]
    return max(holding, key=lambda one: len(one.name), default=None)


def is_sound(one: Mapping[str, Any]) -> bool:
    """True if the pages are those that were written."""
    return _sum(str(one.get("pages"))) == one.get("sum")


def change_contents(machine: Machine, path: str, **contents: Any) -> None:
    """Let every set in a file be of a database that held something else."""
    file = machine.files.get(path)
    assert file is not None
    told = json.loads(file.content[len(_MARK) :])
    for one in told["sets"]:
        one["contents"] |= contents
    content = _MARK + json.dumps(told, sort_keys=True).encode()
    machine.files.write(path, content, modified=machine.clock.now())


def spoil_pages(machine: Machine, path: str) -> None:
    """Change pages of every set in a file and leave its headers readable."""
    file = machine.files.get(path)
    assert file is not None
    told = json.loads(file.content[len(_MARK) :])
    for one in told["sets"]:
        one["pages"] = f"{one['pages']} spoilt"
    content = _MARK + json.dumps(told, sort_keys=True).encode()
    machine.files.write(path, content, modified=machine.clock.now())


def spoil_header(machine: Machine, path: str) -> None:
    """Cut a file off so that not even its headers can be read."""
    file = machine.files.get(path)
    assert file is not None
    machine.files.write(path, file.content[: len(file.content) // 2], modified=machine.clock.now())


def _sum(pages: str) -> str:
    return hashlib.sha256(pages.encode()).hexdigest()
