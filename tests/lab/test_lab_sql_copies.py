"""Safety copies and checks of databases on a lab machine: made once, read to their end, never written over."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from engine.actions import load_actions
from engine.lab import machine_sql_jobs as jobs
from engine.lab.clock import LabClock
from engine.lab.machine import Machine, Volume
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import Wish, back_up
from engine.lab.machine_sql_media import spoil_header, spoil_pages
from engine.model.command import Command, Detached, Script
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Refuse, ScriptError, Unchanged, value_map
from tests.support.sql_drive import look

HOST = HostView(name="SQL01", platform="windows")
SM, DW = "ServiceManager", "DWStagingAndConfig"
MIB = 1024 * 1024
FILE = f"D:\\Safety\\{SM}_before-restore.bak"
ARGS: dict[str, Any] = {"databases": [SM], "folder": "D:/Safety", "label": "before-restore"}


def new_machine() -> Machine:
    one = Machine("SQL01", LabClock(1362218400.0, speed=None))
    for name in ("D:\\", "L:\\"):
        one.volumes[name] = Volume(name=name, size=1000 * MIB, free=600 * MIB)
    one.sql = SqlInstance()
    one.sql.add(Database(name=SM), Database(name=DW))
    back_up(one, SM, ["D:\\Backup\\sm.bak"], Wish())
    return one


def perform(machine: Machine, command: Command) -> CommandResult:
    """As the engine performs it; a job is asked after until it has ended."""
    if isinstance(command, Script):
        return look(machine, command)
    assert isinstance(command, Detached)
    begun = look(machine, command.start)
    if not begun.ok:
        return begun
    while (told := value_map(look(machine, command.poll)))["state"] == "running":
        machine.clock.advance(command.every_s)
    error = ScriptError(message=str(told["message"]))
    return CommandResult(ok=told["state"] == "done", value=told, errors=() if told["state"] == "done" else (error,))


def seen_and_decision(machine: Machine, name: str, args: dict[str, Any]) -> tuple[Sequence[CommandResult], Decision]:
    action = load_actions()[name]
    properties: Any = action.info.arguments["properties"]
    given = {**{key: one["default"] for key, one in properties.items() if "default" in one}, **args}
    seen: list[CommandResult] = []
    while (command := action.observe(given, HOST, seen)) is not None:
        seen.append(perform(machine, command))
        assert seen[-1].ok or action.tolerates(given, HOST, seen[-1])
    return seen, action.decide(given, HOST, seen)


def decide(machine: Machine, args: dict[str, Any], name: str = "mssql.backup_copy_only") -> Decision:
    return seen_and_decision(machine, name, args)[1]


def copy(machine: Machine, args: dict[str, Any] = ARGS) -> Decision:
    """Decide, change, decide again."""
    decision = decide(machine, args)
    assert isinstance(decision, Change), decision
    for command in decision.commands:
        assert perform(machine, command).ok, command
    return decide(machine, args)


def test_a_copy_is_made_once_and_leaves_the_chain_alone() -> None:
    machine = new_machine()
    assert machine.sql is not None
    base = machine.sql.databases[SM].log.base
    made = copy(machine, {**ARGS, "databases": [SM, DW]})
    assert isinstance(made, Unchanged), made
    assert made.proofs == ("safety-copied",)
    assert made.examined == 2
    assert made.result["databases"][SM]["file"] == FILE  # type: ignore[index, call-overload]
    assert machine.sql.databases[SM].log.base == base
    assert [row["is_copy_only"] for row in machine.sql.history.backupset] == [False, True, True]
    count = len(machine.sql.history.backupset)
    assert isinstance(decide(machine, ARGS), Unchanged)
    assert len(machine.sql.history.backupset) == count


def test_what_is_sent() -> None:
    """Names and paths are values; nothing in the statement may write over a file."""
    machine = new_machine()
    assert machine.sql is not None
    machine.sql.add(Database(name="it's [mine]"))
    decision = decide(machine, {**ARGS, "databases": ["it's [mine]"]})
    assert isinstance(decision, Change)
    folder, room, job = decision.commands
    assert isinstance(folder, Script)
    assert isinstance(room, Script)
    assert isinstance(job, Detached)
    assert dict(folder.arguments) == {"folder": "D:\\Safety"}
    assert (room.name, room.arguments["key"]) == ("mssql_job.forget.ps1", job.start.arguments["key"])
    data: Any = job.start.arguments["data"]
    assert data["params"] == {
        "database": "it's [mine]",
        "device1": "D:\\Safety\\it's [mine]_before-restore.bak",
        "name": "safety copy before-restore",
    }
    options = data["text"].partition(" WITH ")[2].rstrip(";").split(", ")
    assert {"COPY_ONLY", "CHECKSUM", "NOFORMAT", "NOINIT"} <= set(options)
    assert not {"INIT", "FORMAT", "SKIP"} & set(options)
    assert all(one.changing for one in (folder, room, job, job.start))
    assert decision.undo == ()


def test_a_copy_counts_although_its_database_is_being_restored() -> None:
    machine = new_machine()
    copy(machine)
    assert machine.sql is not None
    machine.sql.databases[SM].state = "RESTORING"
    assert isinstance(decide(machine, ARGS), Unchanged)


def foreign(machine: Machine) -> None:
    back_up(machine, SM, [FILE], Wish(copy_only=True))


def of_another(machine: Machine) -> None:
    back_up(machine, DW, [FILE], Wish(copy_only=True, name="safety copy before-restore"))


def two_sets(machine: Machine) -> None:
    copy(machine)
    back_up(machine, SM, [FILE], Wish())


def spoilt(machine: Machine) -> None:
    copy(machine)
    spoil_pages(machine, FILE)


def cut_off(machine: Machine) -> None:
    copy(machine)
    spoil_header(machine, FILE)


def restoring(machine: Machine) -> None:
    assert machine.sql is not None
    machine.sql.databases[SM].state = "RESTORING"


def no_drive(machine: Machine) -> None:
    del machine.volumes["D:\\"]


def dropped(machine: Machine) -> None:
    assert machine.sql is not None
    del machine.sql.databases[SM]


REFUSED: dict[str, tuple[Callable[[Machine], None], str]] = {
    "a file that is none of SQL Server's": (
        lambda one: one.files.write(FILE, b"somebody's", modified=0.0),
        "cannot be read: The media family",
    ),
    "a backup somebody else made": (foreign, "was not made here under this label"),
    "a copy of another database": (of_another, "was not made here under this label"),
    "more than one set": (two_sets, "holds 2 backup sets and not one"),
    "damage inside": (spoilt, "cannot be read to its end: Damage to the backup set was detected"),
    "a file that was cut off": (cut_off, "cannot be read: The media family"),
    "a database that is away": (restoring, "it is RESTORING and cannot be copied"),
    "no database": (dropped, "there is no such database"),
    "a full volume": (lambda one: setattr(one.volumes["D:\\"], "free", MIB), "bytes free and 134217728 are needed"),
    "no volume": (no_drive, "no local volume holds D:\\Safety"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_stands_in_the_way(name: str) -> None:
    machine = new_machine()
    spoil, why = REFUSED[name]
    spoil(machine)
    before = machine.files.get(FILE)
    decision = decide(machine, ARGS)
    assert isinstance(decision, Refuse), decision
    assert why in decision.why
    assert machine.files.get(FILE) == before


def test_a_copy_that_was_broken_off_is_never_taken_for_one() -> None:
    machine = new_machine()
    decision = decide(machine, ARGS)
    assert isinstance(decision, Change)
    folder, _, job = decision.commands
    assert isinstance(job, Detached)
    assert perform(machine, folder).ok
    assert look(machine, job.start).ok
    key = str(job.start.arguments["key"])
    jobs.kill(machine, key)
    assert value_map(look(machine, job.poll))["state"] == "unknown"
    assert isinstance(decide(machine, ARGS), Refuse)
    assert isinstance(copy(machine, {**ARGS, "label": "second-try"}), Unchanged)


def test_a_copy_of_an_earlier_run_is_not_taken_for_that_of_this_one() -> None:
    machine = new_machine()
    copy(machine)
    machine.clock.advance(25 * 3600.0)
    decision = decide(machine, ARGS)
    assert isinstance(decision, Refuse)
    assert "more than 24 hours ago" in decision.why
    assert isinstance(decide(machine, {**ARGS, "max_age_hours": 30}), Unchanged)


def test_a_server_that_may_not_write_there_says_so() -> None:
    machine = new_machine()
    assert machine.sql is not None
    machine.sql.unreadable.add(FILE)
    decision = decide(machine, ARGS)
    assert isinstance(decision, Change)
    answers = [perform(machine, one) for one in decision.commands]
    assert [one.ok for one in answers] == [True, True, False]
    assert "5(Access is denied.)" in answers[-1].errors[0].message


def test_names_that_no_file_can_have() -> None:
    machine = new_machine()
    for names, why in ((["a/b"], "cannot be part of a file's name"), ([SM, SM.lower()], "was given twice")):
        decision = decide(machine, {**ARGS, "databases": names})
        assert isinstance(decision, Refuse)
        assert why in decision.why


def test_a_check_finds_planted_damage_and_goes_on_to_the_next_database() -> None:
    machine = new_machine()
    assert machine.sql is not None
    machine.sql.databases[SM].damaged_pages = 3
    decision = decide(machine, {"databases": [SM, DW]}, "mssql.check_integrity")
    assert isinstance(decision, Refuse)
    assert "3 consistency errors in database 'ServiceManager'" in decision.why
    assert [one["sound"] for one in decision.result["databases"].values()] == [False, True]  # type: ignore[union-attr, index, call-overload]
    machine.sql.databases[SM].damaged_pages = 0
    sound = decide(machine, {"databases": [SM, DW], "physical_only": True}, "mssql.check_integrity")
    assert isinstance(sound, Unchanged)
    assert sound.proofs == ("sound",)
