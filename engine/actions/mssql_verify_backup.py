"""``mssql.verify_backup``: are the files of backup sets there, whole and of this database, and has a restore the space?

SQL Server itself opens the files, so it is its service account that must be able to. The header must be that of the
set in the history; VERIFYONLY reads the whole set, with its sums where it has any, as a job that outlives the session.
That a database can be restored and is sound inside is proven only by restoring it under another name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.actions.base import BuiltIn, as_list, describe, script, whole
from engine.actions.mssql_ask import ask, ask_shipped, first_row, number_of, rows_of, text_of, version_of
from engine.actions.mssql_instance import PROPERTIES
from engine.actions.mssql_job import forget, job
from engine.actions.restore_plan import key_of
from engine.model.command import Command
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

PROOF = "backup-verified"
_LOOKS = 4  # a set: header, list of files, room for the job that reads it, that job
_EVERY_S = 2.0  # many sets are small
_STALE = "what an earlier reading left could not be removed"
_DAMAGED = 32
_Space: TypeAlias = "dict[str, int]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One set to verify, out of the arguments."""

    database: str
    devices: tuple[str, ...]
    position: int
    guid: str
    self_checking: bool | None

    @property
    def words(self) -> str:
        """Where it is."""
        return f"{self.database}, set {self.position} in {', '.join(self.devices)}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a set: what is wrong with it, what is worth a word, and the bytes its restore needs."""

    wrong: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    data_bytes: int = 0
    log_bytes: int = 0
    self_checking: bool = False


class MssqlVerifyBackup(BuiltIn):
    """The instance, four looks a set, then the volumes that the restore would go to."""

    info = describe(
        "mssql.verify_backup",
        summary="Backup sets read by SQL Server itself: header, files, page sums, and space for a restore",
        effect=Effect.OBSERVE,
        yields=(PROOF,),
        about="databases",
        within="instance",
        timeout_s=7200.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """A set that fails does not keep the others from being looked at; an instance that fails does."""
        del host
        if not seen:
            return ask_shipped(args, PROPERTIES)
        sets, place = _wanted(args), len(seen) - 1
        if not seen[0].ok:
            return None
        if place < len(sets) * _LOOKS:
            one = sets[place // _LOOKS]
            header = seen[1 + place // _LOOKS * _LOOKS] if place % _LOOKS else None
            return _look(args, one, place % _LOOKS, header)
        folders = _folders(args)
        place -= len(sets) * _LOOKS
        return script("windows_volume_space.observe.ps1", {"path": folders[place]}) if place < len(folders) else None

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """What the server says of a file it cannot read is an answer."""
        del args, host
        return bool(failed.errors)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Every set is good and there is space for all, or all that is wrong."""
        if not seen[0].ok:
            return Refuse(
                why=f"SQL Server on {host.name} does not answer: {_said(seen[0])}",
                remedy="Start the instance, or name the right one.",
            )
        sets = _wanted(args)
        instance = first_row(seen[0])
        found = [
            _verified(one, seen[1 + place * _LOOKS : 1 + (place + 1) * _LOOKS], instance)
            for place, one in enumerate(sets)
        ]
        space = _space(args, sets, found, seen[1 + len(sets) * _LOOKS :])
        wrong = [f"{one.words}: {why}" for one, told in zip(sets, found, strict=True) for why in told.wrong]
        wrong += [
            f"{one['volume'] or one['folder']} has {one['free_bytes']} bytes free and {one['need_bytes']} are needed"
            for one in space
            if whole(one["free_bytes"]) < whole(one["need_bytes"])
        ]
        result = _result(sets, found, space)
        given = {one.database.lower() for one in sets}
        wrong += [
            f"{name}: no set of it was given" for name in as_list(args.get("databases")) if name.lower() not in given
        ]
        if wrong:
            return Refuse(
                why=f"{host.name} cannot restore these backups: {'; '.join(wrong)}",
                remedy="Bring the files back or take another chain; free space where it is missing.",
                result=result,
            )
        told = f"{len(sets)} backup sets were read to their end on {host.name}"
        return Unchanged(why=told, result=result, examined=len(sets), proofs=(PROOF,))


def _wanted(args: Arguments) -> tuple[Wanted, ...]:
    given = args.get("sets")
    rows = [one for one in given if isinstance(one, Mapping)] if isinstance(given, Sequence) else []
    return tuple(
        Wanted(
            database=str(one.get("database", "")),
            devices=as_list(one.get("devices")),
            position=max(1, whole(one.get("position"))),
            guid=str(one.get("guid") or "").lower(),
            self_checking=value if isinstance(value := one.get("self_checking"), bool) else None,
        )
        for one in rows
    )


def _folders(args: Arguments) -> list[str]:
    """Where the restore would put data and log."""
    given = [args.get("data_folder"), args.get("log_folder") or args.get("data_folder")]
    return [str(one).replace("/", "\\").rstrip("\\") + "\\" for one in given if one]


def _look(args: Arguments, one: Wanted, step: int, header: CommandResult | None) -> Command:
    """Header and list of files are the same in every family, so the first device is asked."""
    devices = {f"device{number}": path for number, path in enumerate(one.devices, 1)}
    if step == 0:
        return ask(args, header_text(one.position), {"device1": one.devices[0]}, timeout_s=300)
    if step == 1:
        return ask(args, file_list_text(one.position), {"device1": one.devices[0]}, timeout_s=300)
    key = key_of("verify", "|".join(one.devices), str(one.position))
    if step == 2:  # noqa: PLR2004 - the third look
        return forget(key, changing=False)
    text = verify_text(len(devices), one.position, with_sums=_has_sums(one, header))
    return job(
        args, key, text, devices, timeout_s=whole(args.get("verify_timeout_s")), every_s=_EVERY_S, changing=False
    )


def header_text(position: int | None = None) -> str:
    """The header of one set on a device, or those of all: there can be thousands in a file that is appended to."""
    one = "" if position is None else f" WITH FILE = {position:d}"
    return f"RESTORE HEADERONLY FROM DISK = @device1{one};"


def file_list_text(position: int) -> str:
    """The database's files in one set."""
    return f"RESTORE FILELISTONLY FROM DISK = @device1 WITH FILE = {position:d};"


def verify_text(devices: int, position: int, *, with_sums: bool) -> str:
    """Read one set on all its devices to the end."""
    named = ", ".join(f"DISK = @device{number}" for number in range(1, devices + 1))
    return f"RESTORE VERIFYONLY FROM {named} WITH FILE = {position:d}{', CHECKSUM' if with_sums else ''};"


def _has_sums(one: Wanted, answer: CommandResult | None) -> bool:
    """What the header says; without one, what the history says."""
    header = _header(one, answer) if answer is not None else None
    if header is None:
        return one.self_checking is True
    return header.get("HasBackupChecksums") in (1, True)


def _header(one: Wanted, answer: CommandResult) -> JsonMap | None:
    if not answer.ok:
        return None
    return next((row for row in rows_of(answer) if row.get("Position") == one.position), None)


def _said(answer: CommandResult) -> str:
    """The first line of what the server said, without its full stop."""
    text = answer.errors[0].message if answer.errors else "it gave no answer that could be read"
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "it gave no reason"


def _verified(one: Wanted, looks: Sequence[CommandResult], instance: JsonMap) -> Verified:
    answer, listed, room, verified = looks
    if not answer.ok:
        return Verified((_said(answer),))
    header = _header(one, answer)
    if header is None:
        return Verified((f"there is no set at position {one.position}",))
    wrong = _wrong_header(one, header, instance)
    files = rows_of(listed) if listed.ok else ()
    if not listed.ok:
        wrong.append(_said(listed))
    elif not files:
        wrong.append("it lists no files")
    if not room.ok:
        # A job that could not be removed may answer with the end of a reading of another day.
        wrong.append(f"{_STALE}: {_said(room)}")
    elif not verified.ok:
        wrong.append(_said(verified))
    sums = header.get("HasBackupChecksums") in (1, True)
    log = sum(number_of(row, "Size") for row in files if row.get("Type") == "L")
    return Verified(
        tuple(dict.fromkeys(wrong)),
        () if sums else ("it has no page sums, so damage inside pages would not show",),
        sum(number_of(row, "Size") for row in files) - log,
        log,
        sums,
    )


def _wrong_header(one: Wanted, header: JsonMap, instance: JsonMap) -> list[str]:
    """Is it the set that the history tells of, and can this instance take it?"""
    wrong = []
    name, guid = text_of(header, "DatabaseName"), text_of(header, "BackupSetGUID").lower()
    if name.lower() != one.database.lower():
        wrong.append(f"it is a backup of {name or 'an unnamed database'}")
    if one.guid and guid != one.guid:
        wrong.append("another backup has taken the place of the one on record")
    if header.get("IsDamaged") in (1, True) or number_of(header, "Flags") & _DAMAGED:
        wrong.append("it was written damaged")
    parts = [header.get(f"SoftwareVersion{part}") for part in ("Major", "Minor", "Build")]
    made_by, server = version_of(".".join(str(part) for part in parts)), version_of(text_of(instance, "version"))
    if made_by is None or server is None:
        wrong.append("the version of the server that made it, or of this one, is unknown")
    elif made_by[:2] > server[:2]:
        wrong.append(f"SQL Server {made_by[0]}.{made_by[1]} made it and this one is {server[0]}.{server[1]}")
    collation = text_of(header, "Collation")
    if collation.lower() != text_of(instance, "collation").lower():
        wrong.append(f"its collation is {collation or 'unknown'} and not that of the instance")
    return wrong


def _space(args: Arguments, sets: Sequence[Wanted], found: Sequence[Verified], looks: Seen) -> list[JsonMap]:
    """For each volume what the restore of all databases needs; of each database the set that needs most counts."""
    data: _Space = {}
    log: _Space = {}
    for one, told in zip(sets, found, strict=True):
        data[one.database] = max(data.get(one.database, 0), told.data_bytes)
        log[one.database] = max(log.get(one.database, 0), told.log_bytes)
    volumes: dict[str, dict[str, JsonValue]] = {}
    for folder, need, look in zip(_folders(args), (sum(data.values()), sum(log.values())), looks, strict=False):
        value = value_map(look)
        volume = str(value.get("volume") or "")
        known = volumes.setdefault(
            volume.lower() or folder.lower(),
            {"folder": folder, "volume": volume, "need_bytes": 0, "free_bytes": whole(value.get("free_bytes"))},
        )
        known["need_bytes"] = whole(known["need_bytes"]) + need
    return list(volumes.values())


def _result(sets: Sequence[Wanted], found: Sequence[Verified], space: Sequence[JsonMap]) -> JsonMap:
    rows: list[JsonValue] = [
        {
            "database": one.database,
            "position": one.position,
            "devices": list(one.devices),
            "wrong": list(told.wrong),
            "self_checking": told.self_checking,
            "restored_bytes": told.data_bytes + told.log_bytes,
        }
        for one, told in zip(sets, found, strict=True)
    ]
    warnings = [f"{one.words}: {text}" for one, told in zip(sets, found, strict=True) for text in told.warnings]
    return {"sets": rows, "warnings": list(warnings), "space": list(space), "count": len(sets)}
