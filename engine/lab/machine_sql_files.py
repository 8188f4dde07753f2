"""The files of a lab's databases: where a restore may put them, and the space that they take and give back."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_files import parent
from engine.lab.machine_sql import DatabaseFile, SqlInstance
from engine.lab.machine_sql_media import volume_of


def planned_files(
    machine: Machine,
    sql: SqlInstance,
    name: str,
    listed: Sequence[Mapping[str, Any]],
    moves: Mapping[str, str],
    *,
    replace: bool,
) -> list[DatabaseFile]:
    """The files of a restore at their places; raises what the server would raise about the places."""
    known = {str(one["name"]).lower() for one in listed}
    for logical in moves:
        if logical.lower() not in known:
            raise PayloadError(
                f"Logical file '{logical}' is not part of database '{name}'. Use RESTORE FILELISTONLY to list the "
                "logical file names."
            )
    moved = {logical.lower(): path for logical, path in moves.items()}
    files = [
        DatabaseFile(
            name=str(one["name"]),
            path=moved.get(str(one["name"]).lower(), str(one["path"])),
            kind=str(one["kind"]),
            size=int(one["size"]),
        )
        for one in listed
    ]
    _refuse_places(machine, sql, name, files, replace=replace)
    return files


def _refuse_places(
    machine: Machine, sql: SqlInstance, name: str, files: Sequence[DatabaseFile], *, replace: bool
) -> None:
    own = {one.path.lower() for db in sql.databases.values() if db.name.lower() == name.lower() for one in db.files}
    used = {
        one.path.lower(): db.name
        for db in sql.databases.values()
        if db.name.lower() != name.lower()
        for one in db.files
    }
    folders = {parent(path).lower() for path in (*own, *used)}
    claimed: dict[str, str] = {}
    for one in files:
        path = one.path.lower()
        if path in claimed:
            raise PayloadError(
                f"File '{one.path}' is claimed by '{one.name}' and '{claimed[path]}'. The WITH MOVE clause can be used "
                "to relocate one or more files."
            )
        claimed[path] = one.name
        if path in used:
            raise PayloadError(
                f"The file '{one.path}' cannot be overwritten. It is being used by database '{used[path]}'."
            )
        if machine.files.get(one.path) is not None and path not in own and not replace:
            raise PayloadError(
                f"The file '{one.path}' already exists. Use WITH REPLACE to overwrite pre-existing files."
            )
        if _is_nowhere(machine, parent(one.path), folders):
            raise PayloadError(
                f'Directory lookup for the file "{one.path}" failed with the operating system error 3(The system '
                "cannot find the path specified.)."
            )


def _is_nowhere(machine: Machine, folder: str, known: set[str]) -> bool:
    """A folder that nobody made; those of databases that were there from the beginning are not listed anywhere else."""
    if not machine.volumes:
        return False
    if volume_of(machine, folder.rstrip("\\") + "\\") is None:
        return True
    is_root = folder.endswith(":\\")
    return not (is_root or machine.files.is_folder(folder) or folder.lower() in known)


def allocate(machine: Machine, files: Sequence[DatabaseFile], instead_of: Sequence[DatabaseFile]) -> None:
    """Take the space for files in the place of others; without enough of it nothing is taken."""
    needed: dict[str, int] = {}
    for sign, some in ((1, files), (-1, instead_of)):
        for one in some:
            volume = volume_of(machine, one.path)
            if volume is not None:
                needed[volume.name] = needed.get(volume.name, 0) + sign * one.size
    for name, need in needed.items():
        free = machine.volumes[name].free
        if need > free:
            raise PayloadError(
                f"There is insufficient free space on disk volume '{name}' to create the database. The database "
                f"requires {need} additional free bytes, while only {free} bytes are available."
            )
    for name, need in needed.items():
        machine.volumes[name].free -= need


def release(machine: Machine, files: Sequence[DatabaseFile]) -> None:
    """Give the space of files back."""
    allocate(machine, (), files)
