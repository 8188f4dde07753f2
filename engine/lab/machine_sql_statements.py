"""The statements that restore, drop and check databases, as operations of a lab's SQL Server."""

import re

from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql_jobs import Operation, register
from engine.lab.machine_sql_restore import BYTES_A_SECOND, Request, begin, database_named, drop
from engine.lab.machine_sql_sequence import ONLINE
from engine.model.data import JsonMap

_DEVICES = r"DISK = @\w+(?:, DISK = @\w+)*"
_MOVE = r", MOVE @(\w+) TO @(\w+)"
_RESTORE = (
    rf"RESTORE (?P<what>DATABASE|LOG) @(?P<name>\w+) FROM (?P<devices>{_DEVICES}) WITH FILE = (?P<file>\d+)"
    rf"(?P<moves>(?:{_MOVE})*), (?P<recovery>(?:NO)?RECOVERY)(?P<replace>, REPLACE)?, STATS = \d+"
)
_DROP = r"DROP DATABASE \[(?P<name>(?:[^\]]|\]\])+)\]"
_CHECK = r"DBCC CHECKDB \(\[(?P<name>(?:[^\]]|\]\])+)\]\) WITH NO_INFOMSGS(?:, PHYSICAL_ONLY)?"
_DROP_S = 1.0


def _restore(machine: Machine, found: "re.Match[str]", params: JsonMap) -> Operation:
    def value(name: str) -> str:
        if name not in params:
            raise PayloadError(f'Must declare the scalar variable "@{name}".', "NotSpecified")
        return str(params[name])

    request = Request(
        database=value(found["name"]),
        paths=[value(name) for name in re.findall(r"@(\w+)", found["devices"])],
        log=found["what"].upper() == "LOG",
        position=int(found["file"]),
        moves={value(name): value(path) for name, path in re.findall(_MOVE, found["moves"], re.IGNORECASE)},
        recovery=found["recovery"].upper() == "RECOVERY",
        replace=found["replace"] is not None,
    )
    restoring = begin(machine, request)
    return Operation(duration_s=restoring.duration_s, finish=restoring.finish, abort=restoring.abort)


def _drop(machine: Machine, found: "re.Match[str]", params: JsonMap) -> Operation:
    del params
    name = found["name"].replace("]]", "]")
    return Operation(duration_s=_DROP_S, finish=lambda: drop(machine, name))


def _check(machine: Machine, found: "re.Match[str]", params: JsonMap) -> Operation:
    del params
    sql, name = machine.sql, found["name"].replace("]]", "]")
    assert sql is not None
    database = database_named(sql, name)
    if database is None or database.state != ONLINE:
        raise PayloadError(f"Could not find database '{name}'. The database either does not exist, or is not online.")

    def finish() -> None:
        if database.damaged_pages:
            raise PayloadError(
                f"CHECKDB found 0 allocation errors and {database.damaged_pages} consistency errors in database "
                f"'{database.name}'."
            )

    size = sum(one.size for one in database.files if one.kind == "ROWS")
    return Operation(duration_s=1.0 + size / BYTES_A_SECOND, finish=finish)


register(_RESTORE, _restore)
register(_CHECK, _check)
register(_DROP, _drop)
