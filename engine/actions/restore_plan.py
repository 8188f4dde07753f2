"""From verified backup sets to RESTORE statements, and from the history of restores to what is still to be done.

The statements hold no name: database, devices and files go in as parameters. Every set but the last leaves the
database waiting for more; a set whose restore is on record is not restored again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.actions.base import as_list, whole
from engine.actions.mssql_ask import text_of
from engine.model.data import JsonMap, text_digest
from engine.ports.action import Arguments

FULL, DIFFERENTIAL, LOG = "full backup", "differential backup", "log backup"
_COPY_ONLY = "copy-only "
_STATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One backup set of a chain, as ``mssql.backup_chain`` tells of it. ``finished`` is in UTC."""

    database: str
    guid: str
    kind: str
    position: int
    devices: tuple[str, ...]
    finished: str
    size: int

    @property
    def base_kind(self) -> str:
        """Full, differential or log, whether copy-only or not."""
        return self.kind.removeprefix(_COPY_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One RESTORE with its parameters; ``key`` is the same whenever this set is to be brought into this database."""

    key: str
    text: str
    params: Mapping[str, str]
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the history of restores says of a database: the newest set, whether it was recovered then, and the sets
    that were brought in since the last full one without a recovery. ``at`` is the newest restore's start in the
    server's local time, ``zone_minutes`` how far that is ahead of UTC now; ``origin`` the database that was backed up.
    """

    newest: str = ""
    origin: str = ""
    recovered: bool = False
    at: str = ""
    zone_minutes: int = 0
    number: int = 0
    pending: tuple[str, ...] = ()


def sources(args: Arguments) -> tuple[Source, ...]:
    """The sets of the argument ``sets``."""
    given = args.get("sets")
    rows = [one for one in given if isinstance(one, Mapping)] if isinstance(given, Sequence) else []
    return tuple(
        Source(
            database=str(one.get("database", "")),
            guid=str(one.get("guid") or "").lower(),
            kind=str(one.get("kind") or ""),
            position=max(1, whole(one.get("position"))),
            devices=as_list(one.get("devices")),
            finished=str(one.get("finished") or ""),
            size=whole(one.get("size_bytes")),
        )
        for one in rows
    )


def chain_of(sets: Sequence[Source], database: str) -> tuple[Source, ...]:
    """The sets of one database, in the order in which they were given; case does not count."""
    return tuple(one for one in sets if one.database.lower() == database.lower())


def named_twice(databases: Sequence[str]) -> str | None:
    """SQL Server sees no difference between the letter cases of a name, where it does not tell them apart."""
    known: set[str] = set()
    for name in databases:
        if name.lower() in known:
            return f"{name} is named twice"
        known.add(name.lower())
    return None


def wrong_with(database: str, chain: Sequence[Source]) -> str | None:
    """Why these sets are no chain; None if they are one. Whether their numbers fit is the server's to check."""
    if not chain:
        return f"{database}: no set of it was given"
    kinds = [one.base_kind for one in chain]
    if kinds[0] != FULL:
        return f"{database}: a chain begins with a full backup and not with a {chain[0].kind or 'set of no kind'}"
    rest = kinds[2:] if kinds[1:2] == [DIFFERENTIAL] else kinds[1:]
    if any(kind != LOG for kind in rest):
        return f"{database}: after the full backup come one differential backup at most, and then only log backups"
    if any(not one.guid for one in chain):
        return f"{database}: a set without its guid cannot be found in the history of restores"
    if len({one.guid for one in chain}) != len(chain):
        return f"{database}: a set was given twice"
    return None


def statement(
    source: Source, target: str, *, moves: Mapping[str, str] | None = None, last: bool, replace: bool = False
) -> Statement:
    """Bring one set into ``target``; ``moves`` puts files by their logical names at other paths."""
    params = {"database": target}
    devices = []
    for number, path in enumerate(source.devices, 1):
        devices.append(f"DISK = @device{number}")
        params[f"device{number}"] = path
    options = [f"FILE = {source.position:d}"]
    for number, (name, path) in enumerate((moves or {}).items(), 1):
        options.append(f"MOVE @name{number} TO @path{number}")
        params[f"name{number}"], params[f"path{number}"] = name, path
    options += ["RECOVERY" if last else "NORECOVERY", *(["REPLACE"] if replace else []), f"STATS = {_STATS}"]
    what = "LOG" if source.base_kind == LOG else "DATABASE"
    text = f"RESTORE {what} @database FROM {', '.join(devices)} WITH {', '.join(options)};"
    return Statement(key=key_of("restore", target, source.guid), text=text, params=params, source=source)


def key_of(verb: str, target: str, number: str) -> str:
    """A key that a folder can have as its name, whatever the database is called."""
    return f"{verb}-{text_digest(target.lower())[:12]}-{number}"


def progress(rows: Sequence[JsonMap]) -> Progress:
    """Out of the rows of the history, the newest first."""
    newest = rows[0] if rows else {}
    pending: list[str] = []
    for row in rows:
        if row.get("recovery") in (True, 1):
            break
        pending.insert(0, _whole_set(row))
        if text_of(row, "restore_type").strip().upper() == "D":
            break
    return Progress(
        newest=_whole_set(newest),
        origin=text_of(newest, "source_database"),
        recovered=newest.get("recovery") in (True, 1),
        at=text_of(newest, "restore_date"),
        zone_minutes=_minutes(newest.get("zone_minutes")),
        number=whole(newest.get("restore_history_id")),
        pending=tuple(pending),
    )


def _whole_set(row: JsonMap) -> str:
    """The set that was brought in; none where its restore was stopped before the set's end."""
    return "" if row.get("stopped_early") in (True, 1) else text_of(row, "backup_set_uuid").lower()


def _minutes(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def remaining(chain: Sequence[Source], state: str, known: Progress) -> tuple[Source, ...]:
    """The sets that are still to be brought in: all of them, unless the database waits for the rest of this chain."""
    guids = tuple(one.guid for one in chain)
    count = len(known.pending)
    if state == "RESTORING" and 0 < count < len(guids) and known.pending == guids[:count]:
        return tuple(chain[count:])
    return tuple(chain)
