"""Backup files that are good, gone, cut off, spoilt, foreign, too new or too big, and what the verification says."""

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from engine.actions import load_actions
from engine.actions.mssql_ask import rows_of
from engine.actions.mssql_verify_backup import file_list_text, header_text, verify_text
from engine.lab.clock import LabClock
from engine.lab.machine import Machine, Volume
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import Wish, back_up
from engine.lab.machine_sql_media import spoil_header, spoil_pages
from engine.model.result import Refuse, Unchanged
from tests.support.payload_tsql import parse
from tests.support.sql_drive import carry_out, looks

SM = "ServiceManager"
MIB = 1024 * 1024
FILE = "D:\\Backup\\sm.bak"
BEFORE = "2014-01-01T00:00:00+00:00"


def new_machine(*, self_checking: bool = True, paths: tuple[str, ...] = (FILE,)) -> Machine:
    one = Machine("SQL01", LabClock(1362218400.0, speed=None))
    one.volumes["D:\\"] = Volume(name="D:\\", size=1000 * MIB, free=500 * MIB)
    one.volumes["L:\\"] = Volume(name="L:\\", size=1000 * MIB, free=500 * MIB)
    one.sql = SqlInstance()
    one.sql.add(Database(name=SM), Database(name="Other"))
    for kind in "DLIL":
        one.clock.advance(600.0)
        back_up(one, SM, paths, Wish(kind=kind, self_checking=self_checking))
    assert one.volumes["D:\\"].free < 500 * MIB
    one.volumes["D:\\"].free = 500 * MIB
    return one


def verify(machine: Machine, **args: Any) -> Any:
    """Verify the chain that the history tells of."""
    chain = carry_out(machine, "mssql.backup_chain", {"databases": [SM], "before": BEFORE, "lookback_days": 400})
    assert isinstance(chain, Unchanged), chain
    assert len(chain.result["sets"]) == 3
    given = {"sets": chain.result["sets"], "data_folder": "D:\\SQLData", "log_folder": "L:\\Logs", **args}
    jsonschema.validate(given, load_actions()["mssql.verify_backup"].info.arguments)
    decision = carry_out(machine, "mssql.verify_backup", given)
    assert isinstance(decision, Unchanged | Refuse)
    if decision.result:
        jsonschema.validate(decision.result, load_actions()["mssql.verify_backup"].info.result)
    return decision


def test_only_the_header_of_the_set_is_asked_for() -> None:
    """A file to which logs are appended for months holds more sets than an answer has rows."""
    machine = new_machine()
    chain = carry_out(machine, "mssql.backup_chain", {"databases": [SM], "before": BEFORE, "lookback_days": 400})
    args = {"sets": chain.result["sets"], "data_folder": "D:\\SQLData", "log_folder": "L:\\Logs"}
    headers = looks(machine, "mssql.verify_backup", args)[1:-2:4]
    assert [[row["Position"] for row in rows_of(one)] for one in headers] == [[1], [3], [4]]


def test_good_sets_are_proven() -> None:
    decision = verify(new_machine())
    assert isinstance(decision, Unchanged)
    assert (decision.examined, decision.proofs) == (3, ("backup-verified",))
    assert decision.result["warnings"] == []
    assert decision.result["space"] == [
        {"folder": "D:\\SQLData\\", "volume": "D:\\", "need_bytes": 64 * MIB, "free_bytes": 500 * MIB},
        {"folder": "L:\\Logs\\", "volume": "L:\\", "need_bytes": 64 * MIB, "free_bytes": 500 * MIB},
    ]


def test_a_set_over_two_files() -> None:
    assert isinstance(verify(new_machine(paths=("D:\\B\\1.bak", "D:\\B\\2.bak"))), Unchanged)


def test_sets_without_sums_pass_with_a_word() -> None:
    machine = new_machine(self_checking=False)
    spoil_pages(machine, FILE)
    decision = verify(machine)
    assert isinstance(decision, Unchanged)
    assert len(decision.result["warnings"]) == 3
    assert "it has no page sums, so damage inside pages would not show" in decision.result["warnings"][0]


def gone(machine: Machine) -> None:
    machine.files.delete(FILE)


def folder_gone(machine: Machine) -> None:
    machine.files.delete(FILE)
    machine.files.folders.pop("d:\\backup")


def closed(machine: Machine) -> None:
    assert machine.sql is not None
    machine.sql.unreadable.add(FILE.upper())


def replaced(machine: Machine) -> None:
    """Another backup in the file, and a history that does not know of it."""
    assert machine.sql is not None
    history = machine.sql.history
    kept = list(history.backupset)
    machine.files.delete(FILE)
    back_up(machine, SM, [FILE], Wish())
    history.backupset[:] = kept
    history.backupmediafamily.pop()


def foreign(machine: Machine) -> None:
    assert machine.sql is not None
    history = machine.sql.history
    kept = list(history.backupset)
    machine.files.delete(FILE)
    back_up(machine, "Other", [FILE], Wish())
    history.backupset[:] = kept
    history.backupmediafamily.pop()


def other_collation(machine: Machine) -> None:
    assert machine.sql is not None
    machine.sql.collation = "SQL_Latin1_General_CP1_CI_AS"


def full_volume(machine: Machine) -> None:
    machine.volumes["D:\\"].free = 63 * MIB


def no_volume(machine: Machine) -> None:
    del machine.volumes["D:\\"]


SPOILT: dict[str, tuple[Callable[[Machine], None], str]] = {
    "gone": (gone, "Operating system error 2(The system cannot find the file specified.)"),
    "folder gone": (folder_gone, "Operating system error 3(The system cannot find the path specified.)"),
    "closed": (closed, "Operating system error 5(Access is denied.)"),
    "cut off": (lambda one: spoil_header(one, FILE), f"The media family on device '{FILE}' is incorrectly formed"),
    "spoilt": (
        lambda one: spoil_pages(one, FILE),
        "set 1 in D:\\Backup\\sm.bak: Damage to the backup set was",
    ),
    "replaced": (replaced, "another backup has taken the place of the one on record"),
    "shorter": (replaced, "set 3 in D:\\Backup\\sm.bak: Cannot find file ID 3 on device"),
    "foreign": (foreign, "it is a backup of Other"),
    "collation": (other_collation, "its collation is Latin1_General_100_CI_AS and not that of the instance"),
    "full": (full_volume, "D:\\ has 66060288 bytes free and 67108864 are needed"),
    "no volume": (no_volume, "D:\\SQLData\\ has 0 bytes free and 67108864 are needed"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_wrong_is_told(name: str) -> None:
    machine = new_machine()
    spoil, why = SPOILT[name]
    spoil(machine)
    decision = verify(machine)
    assert isinstance(decision, Refuse)
    assert why in decision.why


def test_a_missing_family_is_told() -> None:
    machine = new_machine(paths=("D:\\B\\1.bak", "D:\\B\\2.bak"))
    machine.files.delete("D:\\B\\2.bak")
    decision = verify(machine)
    assert isinstance(decision, Refuse)
    assert "Cannot open backup device 'D:\\B\\2.bak'" in decision.why
    one = {"database": SM, "devices": ["D:\\B\\1.bak"], "position": 1}
    decision = carry_out(machine, "mssql.verify_backup", {"sets": [one]})
    assert isinstance(decision, Refuse)
    assert "The media set has 2 media families but only 1 are provided" in decision.why


def test_a_newer_server_made_it() -> None:
    machine = new_machine()
    assert machine.sql is not None
    machine.sql.version = "10.0.4000.0"
    one = {"database": SM, "devices": [FILE], "position": 1}
    decision = carry_out(machine, "mssql.verify_backup", {"sets": [one]})
    assert isinstance(decision, Refuse)
    assert "SQL Server 10.50 made it and this one is 10.0" in decision.why
    assert "which is running version 10.0.4000.0" in decision.why


def test_without_an_instance_nothing_else_is_asked() -> None:
    machine = new_machine()
    one = {"database": SM, "devices": [FILE]}
    decision = carry_out(machine, "mssql.verify_backup", {"sets": [one], "instance": "SM"})
    assert isinstance(decision, Refuse)
    assert decision.why.startswith("SQL Server on SQL01 does not answer: A network-related")


def test_the_server_itself_checks_the_space_where_the_files_were() -> None:
    machine = new_machine()
    assert machine.sql is not None
    del machine.sql.databases[SM]
    machine.volumes["L:\\"].free = 1 * MIB
    one = {"database": SM, "devices": [FILE], "position": 3}
    decision = carry_out(machine, "mssql.verify_backup", {"sets": [one]})
    assert isinstance(decision, Refuse)
    assert "There is insufficient free space on disk volume 'L:\\'" in decision.why


@pytest.mark.parametrize("devices", [1, 2, 64])
@pytest.mark.parametrize("with_sums", [True, False])
def test_the_statements_are_sound(devices: int, with_sums: bool) -> None:
    for text, kind in (
        (header_text(), "RESTORE HEADERONLY"),
        (header_text(7), "RESTORE HEADERONLY"),
        (file_list_text(3), "RESTORE FILELISTONLY"),
        (verify_text(devices, 3, with_sums=with_sums), "RESTORE VERIFYONLY"),
    ):
        assert parse(text) == [kind]


def test_a_full_volume_ends_a_backup_and_nothing_is_on_record() -> None:
    machine = new_machine()
    assert machine.sql is not None
    volume, made = machine.volumes["D:\\"], len(machine.sql.history.backupset)
    volume.free = 64 * MIB
    back_up(machine, SM, ["D:\\new.bak"], Wish())
    assert volume.free == 0
    lsn = machine.sql.databases[SM].log.lsn
    with pytest.raises(PayloadError, match="There is not enough space on the disk"):
        back_up(machine, SM, ["D:\\newer.bak"], Wish(kind="L"))
    assert machine.files.get("D:\\newer.bak") is None
    assert len(machine.sql.history.backupset) == made + 1
    assert machine.sql.databases[SM].log.lsn == lsn
