"""``mssql.backup_copy_only``: a safety copy of each database, which leaves its chain of backups as it is.

Each copy is a file of its own, ``DATABASE_LABEL.bak``, with sums of its pages. Nothing is ever written over: a file
that is there is either our copy under this label, which then counts, or it stops the step. A copy counts once SQL
Server has read it to its end. It stays where it is whatever becomes of the run, as it is the way back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.actions.base import BuiltIn, as_list, describe, script, whole
from engine.actions.mssql_ask import ask, ask_shipped, first_row, number_of, rows_of, text_of
from engine.actions.mssql_database import FILES, ROWS
from engine.actions.mssql_job import forget, job
from engine.actions.mssql_verify_backup import header_text, verify_text
from engine.actions.restore_plan import key_of
from engine.actions.stage_room import Room, rooms
from engine.actions.staged_copy import ONLINE, folder
from engine.model.command import Command
from engine.model.data import JsonMap, JsonValue, text_digest
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

PROOF = "safety-copied"
TEXT = (
    "BACKUP DATABASE @database TO DISK = @device1 WITH COPY_ONLY, CHECKSUM, NOFORMAT, NOINIT, NAME = @name, STATS = 5;"
)
MAKE_FOLDER = "mssql_backup_copy_only.folder.ps1"
CLOCK = "SELECT GETDATE() AS server_time;"
_FIXED = 4  # states, files, the server's clock, volume
_CLOCK, _VOLUME = 2, 3
_AHEAD = timedelta(hours=2)  # what setting a clock back for the winter may cost
_FULL, _MANY = 1, 10000
_UNFIT = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """One database and its copy. ``wrong`` says why it cannot be copied, or why the file there is not its copy."""

    name: str
    path: str
    size: int
    there: bool
    finished: str | None
    wrong: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looks:
    """What was seen so far: at every path, in every file that is there, and of every copy that seems to be ours."""

    files: dict[str, CommandResult]
    headers: dict[str, CommandResult]
    ours: tuple[str, ...]
    read: dict[str, CommandResult]


class MssqlBackupCopyOnly(BuiltIn):
    """States, files and room; what lies at each path; the headers there; what reading each copy to its end finds."""

    info = describe(
        "mssql.backup_copy_only",
        summary="Safety copies of databases in new files, beside their chains of backups",
        effect=Effect.REVERSIBLE,
        rerun=Rerun.PROBE,
        yields=(PROOF,),
        about="databases",
        within="instance",
        timeout_s=43200.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Only a copy that seems to be ours is read to its end."""
        del host
        if _mistake(args):
            return None
        if len(seen) < _CLOCK:
            return ask_shipped(args, (ROWS, FILES)[len(seen)], max_rows=_MANY)
        if len(seen) == _CLOCK:
            return ask(args, CLOCK)
        if len(seen) == _VOLUME:
            return script("windows_volume_space.observe.ps1", {"path": f"{folder(args['folder'])}\\"})
        return _next(args, seen) if all(one.ok for one in seen[:_FIXED]) else None

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """What the server says of a file it cannot read is an answer."""
        del args, host
        return bool(failed.errors)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """All copies are there and whole, or what is to be copied, or what stands in the way."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(why=mistake, remedy="Give other databases, or another label.")
        lost = [one for one in seen[:_FIXED] if not one.ok]
        if lost:
            return Refuse(why=f"{host.name} cannot be looked at: {_said(lost[0])}", remedy="Start the instance.")
        copies = _copies(args, seen)
        todo = [one for one in copies if not one.there]
        room = _room(args, todo, seen[_VOLUME]) if todo else ()
        result = _result(args, copies, room)
        wrong = [f"{one.name}: {one.wrong}" for one in copies if one.wrong]
        if wrong:
            return Refuse(
                why=f"{host.name} cannot make these copies: {'; '.join(wrong)}",
                remedy="Take another label or folder, or raise max_age_hours; nothing that is there is written over.",
                result=result,
            )
        if any(one.lacks for one in room):
            return Refuse(
                why=f"{host.name} cannot make these copies: {'; '.join(one.words for one in room if one.lacks)}",
                remedy="Free or extend the volume, or name a folder on another one.",
                result=result,
            )
        if todo:
            return _change(args, host, copies, todo, result)
        why = f"copies of {', '.join(one.name for one in copies)} lie on {host.name} and were read to their end"
        return Unchanged(why=why, result=result, examined=len(copies), proofs=(PROOF,))


def path_of(args: Arguments, name: str) -> str:
    """The file of a database's copy."""
    return f"{folder(args['folder'])}\\{name}_{args['label']}.bak"


def _mistake(args: Arguments) -> str | None:
    """Names that no file can have; the label is held by the schema."""
    names = as_list(args["databases"])
    unfit = [one for one in names if _UNFIT.search(one)]
    if unfit:
        return f"{', '.join(unfit)} cannot be part of a file's name"
    return "a database was given twice" if len({one.lower() for one in names}) != len(names) else None


def _next(args: Arguments, seen: Seen) -> Command | None:
    names, place, looks = as_list(args["databases"]), len(seen) - _FIXED, _arranged(args, seen)
    if place < len(names):
        return script("windows_file.observe.ps1", {"path": path_of(args, names[place])})
    place -= len(names)
    if place < len(present := _present(looks.files)):
        return ask(args, header_text(), {"device1": path_of(args, present[place])}, timeout_s=300)
    number, step = divmod(place - len(present), 2)
    if number >= len(looks.ours):
        return None
    path = path_of(args, looks.ours[number])
    key = key_of("verify", path, "copy")
    text = verify_text(1, 1, with_sums=True)
    return job(args, key, text, {"device1": path}, changing=False) if step else forget(key, changing=False)


def _arranged(args: Arguments, seen: Seen) -> _Looks:
    names, rest = as_list(args["databases"]), list(seen[_FIXED:])
    files = dict(zip(names, rest, strict=False))
    present = _present(files)
    headers = dict(zip(present, rest[len(names) :], strict=False))
    ours = tuple(name for name, answer in headers.items() if _wrong_header(args, name, answer) is None)
    jobs = rest[len(names) + len(present) :]
    # Where the earlier reading could not be removed, what follows may be its end, of another day.
    read = {name: end if room.ok else room for name, room, end in zip(ours, jobs[::2], jobs[1::2], strict=False)}
    return _Looks(files=files, headers=headers, ours=ours, read=read)


def _present(files: dict[str, CommandResult]) -> list[str]:
    """Where something lies; what could not be looked at counts, as nothing may be written over."""
    return [name for name, one in files.items() if not one.ok or value_map(one).get("found") is not False]


def _copies(args: Arguments, seen: Seen) -> list[_Copy]:
    states = {text_of(row, "name").lower(): text_of(row, "state_desc") for row in rows_of(seen[0])}
    sizes: dict[str, int] = {}
    for row in rows_of(seen[1]):
        owner = text_of(row, "database_name").lower()
        sizes[owner] = sizes.get(owner, 0) + number_of(row, "size_bytes")
    now = _moment(first_row(seen[_CLOCK]), "server_time")
    found, looks = [], _arranged(args, seen)
    present = _present(looks.files)
    for name in as_list(args["databases"]):
        there = name in present
        header = next(iter(rows_of(looks.headers[name])), {}) if name in looks.ours else {}
        found.append(
            _Copy(
                name=name,
                path=path_of(args, name),
                size=sizes.get(name.lower(), 0),
                there=there,
                finished=text_of(header, "BackupFinishDate") or None,
                wrong=_wrong_file(args, name, looks) or _wrong_age(args, name, header, now)
                if there
                else _wrong_database(name, states, sizes),
            )
        )
    return found


def _wrong_database(name: str, states: dict[str, str], sizes: dict[str, int]) -> str | None:
    state = states.get(name.lower(), "")
    if state != ONLINE:
        return f"it is {state} and cannot be copied" if state else "there is no such database"
    return None if sizes.get(name.lower()) else "the sizes of its files are not known"


def _wrong_file(args: Arguments, name: str, looks: _Looks) -> str | None:
    """Why what lies there is not our copy; None if it is."""
    file, path = looks.files[name], path_of(args, name)
    if not file.ok:
        return f"{path} cannot be looked at: {_said(file)}"
    if name not in looks.ours:
        return _wrong_header(args, name, looks.headers[name])
    read = looks.read[name]
    return None if read.ok else f"{path} cannot be read to its end: {_said(read)}"


def _moment(row: JsonMap, column: str) -> datetime | None:
    """In the server's local time, as its headers tell it too."""
    try:
        return datetime.fromisoformat(text_of(row, column)).replace(tzinfo=None)
    except ValueError:
        return None


def _wrong_age(args: Arguments, name: str, header: JsonMap, now: datetime | None) -> str | None:
    """A copy that an earlier run left holds what was in the database then."""
    finished = _moment(header, "BackupFinishDate")
    if finished is None or now is None:
        return f"nobody can tell how old {path_of(args, name)} is"
    if finished - now > _AHEAD:
        return f"{path_of(args, name)} was finished at {finished}, and it is {now} now"
    hours = whole(args.get("max_age_hours"))
    if now - finished > timedelta(hours=hours):
        return f"{path_of(args, name)} was finished at {finished} already, more than {hours} hours ago"
    return None


def _wrong_header(args: Arguments, name: str, answer: CommandResult) -> str | None:
    path, rows = path_of(args, name), rows_of(answer)
    if not answer.ok:
        return f"{path} is there and cannot be read: {_said(answer)}"
    if len(rows) != 1:
        return f"{path} holds {len(rows)} backup sets and not one"
    row = rows[0]
    ours = (
        text_of(row, "DatabaseName").lower() == name.lower()
        and text_of(row, "BackupName") == set_name(args)
        and number_of(row, "BackupType") == _FULL
        and row.get("IsCopyOnly") in (True, 1)
    )
    if not ours:
        return f"{path} is a backup that was not made here under this label"
    if row.get("HasBackupChecksums") not in (True, 1) or row.get("IsDamaged") not in (False, 0):
        return f"{path} was written damaged or without sums"
    return None


def set_name(args: Arguments) -> str:
    """The name that a copy has in its own header."""
    return f"safety copy {args['label']}"


def _room(args: Arguments, todo: Sequence[_Copy], look: CommandResult) -> tuple[Room, ...]:
    """A copy takes at most what the files of its database take."""
    need = sum(one.size for one in todo)
    return rooms([(folder(args["folder"]), need)], [value_map(look)], whole(args.get("keep_free_bytes")))


def _change(args: Arguments, host: HostView, copies: Sequence[_Copy], todo: Sequence[_Copy], result: JsonMap) -> Change:
    commands: list[Command] = [script(MAKE_FOLDER, {"folder": folder(args["folder"])}, changing=True)]
    for one in todo:
        key = key_of("copy", one.path, text_digest(str(args["label"]))[:8])
        params = {"database": one.name, "device1": one.path, "name": set_name(args)}
        commands += [forget(key), job(args, key, TEXT, params)]
    return Change(
        why=f"copy {', '.join(one.name for one in todo)} on {host.name} to {folder(args['folder'])}",
        before={one.name: one.path if one.there else "no copy" for one in copies},
        after={one.name: one.path for one in copies},
        commands=tuple(commands),
        result=result,
    )


def _result(args: Arguments, copies: Sequence[_Copy], room: Sequence[Room]) -> JsonMap:
    files: dict[str, JsonValue] = {
        one.name: {"file": one.path, "there": one.there, "finished": one.finished, "wrong": one.wrong} for one in copies
    }
    return {
        "databases": files,
        "label": str(args["label"]),
        "space": [one.plain() for one in room],
        "examined": len(copies),
    }


def _said(answer: CommandResult) -> str:
    """The first line of what the server said, without its full stop."""
    text = answer.errors[0].message.strip() if answer.errors else ""
    return text.splitlines()[0].rstrip(".") if text else "it gave no reason"
