"""One backup set as ``msdb`` records it, and whether it could be part of a restore at all.

Times in ``msdb`` are the server's local ones; ``time_zone`` counts quarters of an hour from UTC, and 127 means that
nobody knows. An unknown zone is never guessed: the set then counts as finished at the latest time it can mean.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.model.data import JsonMap

FULL, DIFFERENTIAL, LOG = "D", "I", "L"
WORDS: Mapping[str, str] = {
    FULL: "full backup",
    DIFFERENTIAL: "differential backup",
    LOG: "log backup",
    "F": "file backup",
    "G": "differential file backup",
    "P": "partial backup",
    "Q": "differential partial backup",
}
DISK = frozenset({2, 102})
DEVICES: Mapping[int, str] = {5: "a tape", 105: "a tape", 7: "a virtual device", 107: "a virtual device", 9: "a URL"}
# No zone is further from UTC; 127 means unknown.
_QUARTERS = 60
_LAST_YEAR = 9000
_QUARTER_S = 900
_NOWHERE = re.compile(r"(?:.*[\\/])?nul:?", re.IGNORECASE)
# The westernmost zone: a local time of an unknown zone is at the latest this much later in UTC.
_LATEST_S = 48 * _QUARTER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSet:
    """One row of ``backupset`` with the families of its media. ``started`` and ``finished`` are epoch seconds; where
    ``zone_known`` is false ``finished`` is the latest time it can mean. ``families`` is how many the media set has.
    ``elsewhere`` says why it is not of the database that has the name here now, as far as the server can tell.
    """

    id: int
    uuid: str
    kind: str
    position: int
    first_lsn: int
    last_lsn: int
    started: float
    finished: float
    zone_known: bool = True
    fork: str
    fork_after: str
    fork_point: int | None = None
    base: str | None = None
    families: int
    devices: tuple[str, ...]
    device_types: frozenset[int] = DISK
    copy_only: bool = False
    self_checking: bool = False
    damaged: bool = False
    snapshot: bool = False
    incomplete: bool = False
    overwritten: bool = False
    elsewhere: str | None = None
    size: int = 0
    server_version: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """What it is, for people."""
        word = WORDS.get(self.kind, f"backup of type {self.kind}")
        return f"copy-only {word}" if self.copy_only and self.kind in (FULL, LOG) else word


def unusable(one: BackupSet, before: float, server: Sequence[int] = ()) -> str | None:
    """Why this set can be no part of a restore that ends before ``before``, whatever else there is; None if it can."""
    if one.kind not in (FULL, DIFFERENTIAL, LOG):
        return f"a {one.words} does not hold the whole database"
    for wrong, why in (
        (one.damaged, "it is damaged: the server met errors while it wrote it"),
        (one.snapshot, "it is a snapshot, which RESTORE FROM DISK cannot read"),
        (one.incomplete, "its metadata are incomplete: the log's tail was saved after the database was lost"),
        (one.overwritten, "its place was written over by a later backup"),
        (one.first_lsn > one.last_lsn, "its log sequence numbers contradict each other"),
    ):
        if wrong:
            return why
    return _media(one) or _time(one, before) or _newer(one, server)


def _media(one: BackupSet) -> str | None:
    others = sorted(one.device_types - DISK)
    if others:
        return f"it lies on {DEVICES.get(others[0], f'a device of type {others[0]}')} and not in a file"
    if any(_NOWHERE.fullmatch(path) for path in one.devices):
        return "it was sent to the device NUL, which keeps nothing"
    if one.families < 1 or len(one.devices) != one.families:
        return f"{len(one.devices)} of the {one.families} families of its media are on record"
    return None


def _time(one: BackupSet, before: float) -> str | None:
    if one.zone_known and one.finished < one.started:
        return "its end lies before its start: the clock was set while it ran"
    if one.finished < before:
        return None
    if not one.zone_known:
        return "its time zone is unknown, so it may have finished too late"
    return "it finished too late"


def _newer(one: BackupSet, server: Sequence[int]) -> str | None:
    made_by, this = tuple(one.server_version[:2]), tuple(server[:2])
    if this and made_by > this:
        return f"it was made by SQL Server {'.'.join(map(str, one.server_version))}, which is newer than this one"
    return None


def sets_of(rows: Iterable[JsonMap], *, zone_minutes: int | None = None) -> tuple[BackupSet, ...]:
    """The sets of a history, one row a media family, in the order they were made. A row that is no set is left out.

    ``zone_minutes`` stands in for a zone that the history does not know.
    """
    grouped: dict[int, list[JsonMap]] = {}
    for row in rows:
        number = row.get("backup_set_id")
        if isinstance(number, int) and not isinstance(number, bool):
            grouped.setdefault(number, []).append(row)
    made = (_set(number, grouped[number], zone_minutes) for number in sorted(grouped))
    return tuple(one for one in made if one is not None)


def _set(number: int, rows: Sequence[JsonMap], zone_minutes: int | None) -> BackupSet | None:
    row = rows[0]
    started, finished = _local(row.get("backup_start_date")), _local(row.get("backup_finish_date"))
    first, last = _number(row.get("first_lsn")), _number(row.get("last_lsn"))
    if started is None or finished is None or first is None or last is None:
        return None
    offset = _offset(row.get("time_zone"), zone_minutes)
    devices = {_number(one.get("family_sequence_number")): one for one in rows if one.get("physical_device_name")}
    families = [devices[key] for key in sorted(key for key in devices if key is not None)]
    return BackupSet(
        id=number,
        uuid=_text(row, "backup_set_uuid").lower(),
        kind=_text(row, "type").strip().upper(),
        position=_number(row.get("position")) or 1,
        first_lsn=first,
        last_lsn=last,
        started=started - (offset or 0),
        finished=finished + _LATEST_S if offset is None else finished - offset,
        zone_known=offset is not None,
        fork=_text(row, "first_recovery_fork_guid").lower(),
        fork_after=_text(row, "last_recovery_fork_guid").lower(),
        fork_point=_number(row.get("fork_point_lsn")),
        base=_text(row, "differential_base_guid").lower() or None,
        families=_number(row.get("media_family_count")) or 0,
        devices=tuple(_text(one, "physical_device_name") for one in families),
        device_types=frozenset(_number(one.get("device_type")) or 0 for one in families),
        copy_only=_yes(row, "is_copy_only"),
        self_checking=_yes(row, "has_backup_checksums"),
        damaged=_yes(row, "is_damaged"),
        snapshot=_yes(row, "is_snapshot"),
        incomplete=_yes(row, "has_incomplete_metadata"),
        overwritten=any(_yes(one, "overwritten") for one in rows),
        elsewhere=_elsewhere(row),
        size=_number(row.get("backup_size")) or 0,
        server_version=tuple(_number(row.get(f"software_{one}_version")) or 0 for one in ("major", "minor", "build")),
    )


def _elsewhere(row: JsonMap) -> str | None:
    """What is unknown on either side says nothing."""
    made_on = _text(row, "server_name")
    here = {_text(row, name).lower() for name in ("server_known_as", "server_is")} - {""}
    if made_on and here and made_on.lower() not in here:
        return f"it was made on the server {made_on}"
    families = {_text(row, name).lower() for name in ("family_guid", "present_family")} - {""}
    return "it is of another database that had this name" if len(families) > 1 else None


def _offset(zone: object, zone_minutes: int | None) -> int | None:
    """Seconds east of UTC; None where nobody knows."""
    if isinstance(zone, int) and not isinstance(zone, bool) and -_QUARTERS <= zone <= _QUARTERS:
        return zone * _QUARTER_S
    return None if zone_minutes is None else zone_minutes * 60


def _local(value: object) -> float | None:
    """A local time as if it were UTC."""
    try:
        found = datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
        return found.timestamp() if found.year < _LAST_YEAR else None
    except (ValueError, OverflowError):
        return None


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,38}", value) else None


def _text(row: JsonMap, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _yes(row: JsonMap, name: str) -> bool:
    return row.get(name) in (True, 1)
