"""Restores on a lab machine: what each needs, what stops it as the server would, and what is left behind."""

from collections.abc import Callable

import pytest

from engine.lab.clock import LabClock
from engine.lab.estate_sessions import connect_services
from engine.lab.machine import Machine, Volume
from engine.lab.machine_error import PayloadError
from engine.lab.machine_services import STOPPED, Service
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import Wish, back_up
from engine.lab.machine_sql_media import spoil_header, spoil_pages
from engine.lab.machine_sql_restore import Request, begin, drop

SM = "ServiceManager"
MIB = 1024 * 1024
FILE = "D:\\Backup\\sm.bak"
MOVES = {SM: "D:\\Staged\\c.mdf", f"{SM}_log": "L:\\Staged\\c.ldf"}


def new_machine(*, self_checking: bool = True) -> Machine:
    """A database with a full backup, a log, a differential and a log; then an upgrade changed it."""
    one = Machine("SQL01", LabClock(1362218400.0, speed=None))
    for name in ("D:\\", "L:\\"):
        one.volumes[name] = Volume(name=name, size=1000 * MIB, free=600 * MIB)
        one.files.make_folder(f"{name}Staged")
    one.sql = SqlInstance()
    database = Database(
        name=SM, product_version="7.5.1561.0", broker_enabled=True, management_packs={"System.Library": "7.5.1561.0"}
    )
    one.sql.add(database, Database(name="Other"))
    for kind in "DLIL":
        one.clock.advance(600.0)
        back_up(one, SM, [FILE], Wish(kind=kind, self_checking=self_checking))
    database.product_version, database.management_packs = "7.5.2905.0", {"System.Library": "7.5.2905.0"}
    database.log.work(5)
    one.volumes["D:\\"].free = 600 * MIB
    return one


def database(machine: Machine, name: str = SM) -> Database:
    assert machine.sql is not None
    return machine.sql.databases[name]


def full(name: str = SM, **more: object) -> Request:
    return Request(database=name, paths=[FILE], **{"replace": name == SM, **more})  # type: ignore[arg-type]


def chain(machine: Machine, name: str = SM, **more: object) -> None:
    """The full set, the differential and the last log."""
    begin(machine, full(name, recovery=False, **more)).finish()
    begin(machine, full(name, recovery=False, position=3, **more)).finish()
    begin(machine, full(name, log=True, position=4, **{**more, "replace": False})).finish()


def test_a_chain_gives_the_contents_back_and_turns_the_broker_off() -> None:
    machine = new_machine()
    fork = database(machine).log.fork
    chain(machine)
    found = database(machine)
    assert (found.state, found.product_version, found.broker_enabled) == ("ONLINE", "7.5.1561.0", False)
    assert found.management_packs == {"System.Library": "7.5.1561.0"}
    assert found.log.fork != fork
    assert machine.sql is not None
    told = machine.sql.history.restorehistory
    assert [(row["restore_type"], row["recovery"], row["replace"]) for row in told] == [
        ("D", False, True),
        ("I", False, True),
        ("L", True, False),
    ]
    assert machine.volumes["D:\\"].free == 600 * MIB


def test_time_is_in_proportion_and_the_database_is_restoring_meanwhile() -> None:
    machine = new_machine()
    database(machine).files[0].size = 400 * MIB
    back_up(machine, SM, ["D:\\Backup\\big.bak"], Wish())
    small, big = (
        begin(machine, full("Small", moves=MOVES)),
        Request(database=SM, paths=["D:\\Backup\\big.bak"], replace=True),
    )
    assert database(machine, "Small").state == "RESTORING"
    assert small.duration_s < begin(machine, big).duration_s
    assert database(machine).state == "RESTORING"


def test_a_copy_takes_its_space_and_gives_it_back() -> None:
    machine = new_machine()
    chain(machine, "Copy", moves=MOVES)
    assert database(machine, "Copy").product_version == "7.5.1561.0"
    assert database(machine).product_version == "7.5.2905.0"
    assert [volume.free for volume in machine.volumes.values()] == [536 * MIB, 536 * MIB]
    drop(machine, "copy")
    assert [volume.free for volume in machine.volumes.values()] == [600 * MIB, 600 * MIB]
    assert machine.sql is not None
    assert "Copy" not in machine.sql.databases


def test_what_was_broken_off_is_restoring_and_can_begin_anew() -> None:
    machine = new_machine()
    begin(machine, full()).abort()
    assert (database(machine).state, database(machine).rolling) == ("RESTORING", None)
    with pytest.raises(PayloadError, match="no files are ready to rollforward"):
        begin(machine, full(log=True, position=2))
    chain(machine)
    assert database(machine).state == "ONLINE"


def test_a_log_that_was_broken_off_can_be_applied_again() -> None:
    machine = new_machine()
    begin(machine, full(recovery=False)).finish()
    begin(machine, full(log=True, position=2, replace=False, recovery=False)).abort()
    begin(machine, full(log=True, position=2, replace=False)).finish()
    assert database(machine).state == "ONLINE"


def other_has_the_file(machine: Machine) -> None:
    database(machine, "Other").files[0].path = "d:\\staged\\C.mdf"


def newer(machine: Machine) -> None:
    assert machine.sql is not None
    machine.sql.version = "10.0.4000.0"


def closed(machine: Machine) -> None:
    assert machine.sql is not None
    machine.sql.unreadable.add(FILE)


def file_there(machine: Machine) -> None:
    machine.files.write("D:\\Staged\\c.mdf", b"somebody's", modified=0.0)


STOPPED_BY: dict[str, tuple[Callable[[Machine], None], dict[str, object], str]] = {
    "no file": (lambda one: one.files.delete(FILE), {}, "error 2(The system cannot find the file specified.)"),
    "closed": (closed, {}, "error 5(Access is denied.)"),
    "cut off": (lambda one: spoil_header(one, FILE), {}, "is incorrectly formed"),
    "no such set": (lambda _: None, {"position": 9}, "Cannot find file ID 9"),
    "newer server": (newer, {}, "which is running version 10.0.4000.0"),
    "a log as data": (lambda _: None, {"position": 2}, "was created by BACKUP LOG"),
    "data as a log": (lambda _: None, {"log": True}, "was created by BACKUP DATABASE"),
    "family": (lambda _: None, {"paths": [FILE, FILE]}, "1 media families but only 2 are provided"),
    "no room": (lambda one: setattr(one.volumes["D:\\"], "free", MIB), {"moves": MOVES}, "insufficient free space"),
    "no folder": (lambda _: None, {"moves": {SM: "D:\\New\\c.mdf"}}, "Directory lookup for the file"),
    "no volume": (lambda _: None, {"moves": {SM: "X:\\c.mdf"}}, "Directory lookup for the file"),
    "places not moved": (lambda _: None, {}, f"It is being used by database '{SM}'"),
    "another's file": (other_has_the_file, {"moves": MOVES, "replace": True}, "It is being used by database 'Other'"),
    "a file is there": (file_there, {"moves": MOVES}, "already exists"),
    "twice": (lambda _: None, {"moves": dict.fromkeys(MOVES, "D:\\x")}, "is claimed by"),
    "odd name": (lambda _: None, {"moves": {"nothing": "D:\\x"}}, "Logical file 'nothing' is not part of"),
    "differential first": (lambda _: None, {"position": 3, "moves": MOVES}, "no files are ready to rollforward"),
    "no sums": (lambda _: None, {"paths": ["D:\\Backup\\bare.bak"], "sums": True}, "does not contain checksum"),
    "master": (lambda _: None, {"database": "Master"}, "cannot be restored while the server is in multi-user mode"),
}


@pytest.mark.parametrize("name", STOPPED_BY)
def test_what_stops_a_copy(name: str) -> None:
    machine = new_machine()
    back_up(machine, SM, ["D:\\Backup\\bare.bak"], Wish(self_checking=False, copy_only=True))
    spoil, more, why = STOPPED_BY[name]
    spoil(machine)
    free = [volume.free for volume in machine.volumes.values()]
    request = Request(**{"database": "Copy", "paths": [FILE], **more})  # type: ignore[arg-type]
    with pytest.raises(PayloadError) as caught:
        begin(machine, request)
    assert why in caught.value.message
    assert machine.sql is not None
    assert "Copy" not in machine.sql.databases
    assert [volume.free for volume in machine.volumes.values()] == free


def test_an_existing_database_is_not_written_over_by_mistake() -> None:
    machine = new_machine()
    with pytest.raises(PayloadError, match=f'The tail of the log for the database "{SM}" has not been backed up'):
        begin(machine, full(replace=False))
    with pytest.raises(PayloadError, match="other than the existing 'Other' database"):
        begin(machine, full("Other"))
    back_up(machine, SM, ["D:\\Backup\\tail.trn"], Wish(kind="L"))
    begin(machine, full(replace=False)).finish()
    assert database(machine).product_version == "7.5.1561.0"


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (((1, False), (4, True)), "too recent to apply"),
        (((1, False), (3, False), (2, True)), "too early to apply"),
        (((1, False), (2, True), (3, False)), "not been restored to the correct earlier state"),
    ],
)
def test_the_order_of_the_log_counts(steps: tuple[tuple[int, bool], ...], why: str) -> None:
    machine = new_machine()
    *before, last = steps
    for position, log in before:
        begin(machine, full(position=position, log=log, recovery=False)).finish()
    with pytest.raises(PayloadError, match=why):
        begin(machine, full(position=last[0], log=last[1], recovery=False))


def test_a_log_of_another_path_is_refused() -> None:
    machine = new_machine()
    chain(machine)
    database(machine).log.work(40)
    back_up(machine, SM, ["D:\\Backup\\other.bak"], Wish())
    database(machine).log.work(5)
    back_up(machine, SM, ["D:\\Backup\\other.trn"], Wish(kind="L"))
    begin(machine, full("Copy", moves=MOVES, recovery=False, position=1)).finish()
    machine.clock.advance(1.0)
    rolling = database(machine, "Copy").rolling
    assert rolling is not None
    rolling.log.lsn = database(machine).log.lsn - 3
    with pytest.raises(PayloadError, match="recovery path that is inconsistent"):
        begin(machine, Request(database="Copy", paths=["D:\\Backup\\other.trn"], log=True))


def test_damage_shows_only_where_there_are_sums() -> None:
    machine = new_machine()
    spoil_pages(machine, FILE)
    restoring = begin(machine, full("Copy", moves=MOVES))
    with pytest.raises(PayloadError, match=r'detected an error on page .* in database "Copy"'):
        restoring.finish()
    assert database(machine, "Copy").state == "RESTORING"
    machine = new_machine(self_checking=False)
    spoil_pages(machine, FILE)
    begin(machine, full("Copy", moves=MOVES)).finish()
    assert (database(machine, "Copy").state, database(machine, "Copy").damaged_pages) == ("ONLINE", 1)
    assert database(machine).damaged_pages == 0


def server(clock: LabClock, name: str = "SM01", sql: str = "SQL01.contoso.lab") -> Machine:
    one = Machine(name, clock)
    key = r"HKLM\SOFTWARE\Microsoft\System Center\2010\Common\Database"
    one.registry.set(key, "DatabaseServerName", sql)
    one.registry.set(key, "DatabaseName", SM)
    one.services.add(*(Service(name=each, display_name=each, path="x", state="Running") for each in ("OMSDK", "OMCFG")))
    return one


def test_a_service_that_runs_keeps_its_database() -> None:
    machine = new_machine()
    one, away = server(machine.clock), server(machine.clock, "SM09", "SQL09")
    connect_services([one, away, machine])
    assert machine.sql is not None
    assert machine.sql.sessions(SM) == ("OMSDK on SM01", "OMCFG on SM01")
    assert machine.sql.sessions("Other") == ()
    with pytest.raises(PayloadError, match="Exclusive access could not be obtained"):
        begin(machine, full())
    with pytest.raises(PayloadError, match="currently in use"):
        drop(machine, SM)
    for service in one.services:
        service.state = STOPPED
    chain(machine)
    assert database(machine).state == "ONLINE"


@pytest.mark.parametrize(("name", "why"), [("nothing", "does not exist"), ("MASTER", "it is a system database")])
def test_what_cannot_be_dropped(name: str, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        drop(new_machine(), name)
