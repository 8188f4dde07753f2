"""Copies of whole databases, and reading a backup to its end, as long operations of a lab's SQL Server.

What keeps the server from beginning is told at once; a copy that is broken off leaves the part of a file that nobody
can read, and takes its space only when it is complete.
"""

import re

from engine.lab.behaviours.sql_history import declared
from engine.lab.behaviours.sql_restore import read_backups
from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_files import parent
from engine.lab.machine_sql import SqlInstance
from engine.lab.machine_sql_backups import Wish, back_up, local_time
from engine.lab.machine_sql_devices import open_media, set_at
from engine.lab.machine_sql_jobs import Operation, register
from engine.lab.machine_sql_media import read_media, volume_of
from engine.lab.machine_sql_restore import BYTES_A_SECOND, database_named
from engine.lab.machine_sql_sequence import ONLINE
from engine.model.data import JsonMap

_COPY = (
    r"BACKUP DATABASE @(?P<name>\w+) TO DISK = @(?P<path>\w+) WITH COPY_ONLY, CHECKSUM, NOFORMAT, NOINIT, "
    r"NAME = @(?P<label>\w+), STATS = \d+"
)
_READ = r"RESTORE VERIFYONLY FROM DISK = @(?P<path>\w+)(?:, DISK = @\w+)* WITH FILE = (?P<file>\d+)(?:, CHECKSUM)?"
_LEAST_S = 2.0


def server_time(machine: Machine, sql: SqlInstance, text: str) -> Rows | None:
    """The server's clock in its local time; None for any other text."""
    if text != "SELECT GETDATE() AS server_time":
        return None
    return Rows(columns=(("server_time", "datetime"),), rows=((local_time(sql, machine.clock.now()),),))


def _copy(machine: Machine, found: "re.Match[str]", params: JsonMap) -> Operation:
    sql = machine.sql
    assert sql is not None
    name, path, label = (declared(params, found[one]) for one in ("name", "path", "label"))
    database = database_named(sql, name)
    if database is None or database.state != ONLINE:
        raise PayloadError(f"Database '{name}' does not exist. Make sure that the name is entered correctly.")
    _refuse_device(machine, path)
    size = sum(one.size for one in database.files if one.kind == "ROWS")
    duration_s = _LEAST_S + size / BYTES_A_SECOND
    wish = Wish(copy_only=True, self_checking=True, duration_s=duration_s, name=label)

    def abort() -> None:
        if machine.files.get(path) is None:
            machine.files.write(path, b"TAPE\x00", modified=machine.clock.now())

    return Operation(duration_s=duration_s, finish=lambda: _finished(machine, database.name, path, wish), abort=abort)


def _finished(machine: Machine, name: str, path: str, wish: Wish) -> None:
    back_up(machine, name, [path], wish)


def _refuse_device(machine: Machine, path: str) -> None:
    """What the server says of a file that it cannot make or add to."""
    sql = machine.sql
    assert sql is not None
    problem = None
    if path.lower() in {one.lower() for one in sql.unreadable}:
        problem = "5(Access is denied.)"
    elif not machine.files.is_folder(parent(path)) or volume_of(machine, path) is None:
        problem = "3(The system cannot find the path specified.)"
    if problem is not None:
        raise PayloadError(f"Cannot open backup device '{path}'. Operating system error {problem}.", "NotSpecified")
    read_media(machine, path)


def _read(machine: Machine, found: "re.Match[str]", params: JsonMap) -> Operation:
    sql, path = machine.sql, declared(params, found["path"])
    assert sql is not None
    media = open_media(machine, sql, path)
    size = int(set_at(media, path, int(found["file"]))["header"]["backup_size"])

    def finish() -> None:
        read_backups(machine, sql, found[0], params)

    return Operation(duration_s=_LEAST_S + size / BYTES_A_SECOND, finish=finish)


register(_COPY, _copy)
register(_READ, _read)
