"""No SELECT and no statement of the project goes untried: they are collected from where they are written, and a new one
fails here until a test runs it.
"""

import ast
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.actions.mssql_backup_copy_only import CLOCK
from engine.lab.behaviours.sql_answers import answer, plain
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_sql import SqlInstance
from tests.support.sql_server import Embedded, documented
from tests.unit.sql import test_sql_settings as settings
from tests.unit.sql import test_sql_truth as truth
from tests.unit.sql.test_sql_restored import QUERY as RESTORED
from tests.unit.sql.test_sql_warehouse import QUERY as WAREHOUSE

ROOT = Path(__file__).resolve().parents[3]
# The rooms whose SQL goes to no SQL Server: the journal is SQLite, the lab is the server itself.
NOT_SENT = ("journal", "lab")
VERBS = re.compile(
    r"\s*(SELECT|WITH \w+ (AS|\()|BACKUP|RESTORE|ALTER|CREATE|DROP|EXECUTE|EXEC|DBCC|RECONFIGURE|USE|SET|KILL)\b"
)
# Words for people that begin like one.
PROSE = {("mssql_check_integrity", "DBCC CHECKDB:")}


def python_texts() -> Iterator[tuple[str, str, bool]]:
    """Module, text, and whether parts of it are filled in, for each text in Python that begins like a statement."""
    for path in sorted((ROOT / "engine").rglob("*.py")):
        room = path.relative_to(ROOT / "engine").parts[0]
        if room in NOT_SENT:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {id(part) for one in ast.walk(tree) if isinstance(one, ast.JoinedStr) for part in one.values}
        for one in ast.walk(tree):
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in inner:
                text, filled = one.value, False
            elif isinstance(one, ast.JoinedStr):
                text, filled = "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in one.values), True
            else:
                continue
            if VERBS.match(text) and (filled or " " in text.strip()):
                yield path.stem, text, filled


def queries() -> dict[str, str]:
    """Where it is written, to the text of every SELECT that is sent."""
    found = {path.name: path.read_text("ascii") for path in sorted((ROOT / "engine").rglob("*.sql"))}
    for module, text, filled in python_texts():
        if re.match(r"\s*(SELECT|WITH)\b", text):
            assert not filled, f"{module} fills in parts of a SELECT: {text}"
            found[f"{module}.py: {plain(text)}"] = text
    for path in sorted((ROOT / "runbooks").rglob("*.yaml")):
        for number, text in enumerate(asked_in(yaml.safe_load(path.read_text(encoding="utf-8")))):
            found[f"{path.name}: {number}"] = text
    return found


def asked_in(document: Any) -> Iterator[str]:
    """The query of every ``mssql.query``, however deep."""
    if isinstance(document, dict):
        if document.get("action") == "mssql.query":
            yield str(document["with"]["query"])
        for value in document.values():
            yield from asked_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from asked_in(value)


FOUND = queries()
IN_RUNBOOKS = sorted(name for name in FOUND if ".yaml: " in name)
IN_PYTHON = sorted(name for name in FOUND if ".py: " in name)
TRIED = {
    *truth.CATALOGUE,
    *settings.QUERIES,
    truth.HISTORY,
    RESTORED,
    "mssql_job.percent.sql",  # in test_sql_restored.py
    "service_manager_warehouse_source.registered.sql",  # in test_sql_warehouse.py
    f"mssql_backup_copy_only.py: {plain(CLOCK)}",  # below
    *IN_RUNBOOKS,  # below
}


def test_every_select_is_run_against_the_lab_s_answer() -> None:
    assert set(FOUND) == TRIED
    assert plain(FOUND["service_manager_warehouse_source.registered.sql"]) == plain(WAREHOUSE)
    assert len(IN_RUNBOOKS) >= 1


@pytest.mark.parametrize("name", FOUND)
def test_every_select_names_documented_columns_only(name: str) -> None:
    """On empty tables that have the documented columns and no others."""
    embedded = Embedded(dict.fromkeys(documented(), ()))
    wanted = dict.fromkeys(re.findall(r"@(\w+)", FOUND[name]))
    try:
        assert len(embedded.rows(FOUND[name], wanted)) <= 1
    finally:
        embedded.close()


def test_no_script_carries_a_statement_of_its_own() -> None:
    """A text inside PowerShell would be seen by no test of T-SQL."""
    written = re.compile(r"""["']\s*(SELECT|RESTORE|BACKUP|ALTER|EXEC|DBCC|DROP|CREATE|INSERT|UPDATE|DELETE)\s""")
    scripts = [*(ROOT / "engine").rglob("*.ps1"), *(ROOT / "engine").rglob("*.sh")]
    sent = [path for path in scripts if path.relative_to(ROOT / "engine").parts[0] not in NOT_SENT]
    assert len(sent) > 20
    assert [path.name for path in sent if written.search(path.read_text(encoding="ascii"))] == []


def on_a_machine(sql: SqlInstance) -> Machine:
    machine = Machine("SQL01", LabClock(1362218400.0, speed=None))
    machine.sql = sql
    return machine


@pytest.mark.parametrize("name", IN_RUNBOOKS)
def test_the_queries_of_runbooks_mean_what_the_lab_answers(name: str) -> None:
    found = 0
    for seed in range(40):
        sql = truth.any_instance(random.Random(seed))
        embedded = Embedded(truth.views(sql))
        real = embedded.rows(FOUND[name], {})
        embedded.close()
        modelled = answer(on_a_machine(sql), "", "master", FOUND[name], {})
        assert [list(row) for row in real] == [[column for column, _ in modelled.columns]] * len(real)
        assert [tuple(row.values()) for row in real] == list(modelled.rows), seed
        found += len(real)
    assert found > 20


def test_the_clock_is_the_server_s() -> None:
    for zone in (-20, 0, 22):
        embedded = Embedded({}, now="2013-03-02T10:00:00.000")
        [real] = embedded.rows(CLOCK, {})
        embedded.close()
        machine = on_a_machine(SqlInstance(zone=zone))
        modelled = answer(machine, "", "master", CLOCK, {})
        machine.clock.advance(zone * -900.0)
        shifted = answer(machine, "", "master", CLOCK, {})
        assert [column for column, _ in modelled.columns] == list(real)
        assert [tuple(real.values())] == list(shifted.rows)
        assert (modelled.rows == shifted.rows) is (zone == 0)


# Module and beginning of each statement that changes or reads a backup; the grammar of 2008 is held in the files named.
STATEMENTS = {
    ("mssql_backup_copy_only", "BACKUP DATABASE"): "tests/lab/test_twin_jobs.py",
    ("mssql_check_integrity", "DBCC CHECKDB"): "tests/lab/test_twin_jobs.py",
    ("mssql_database_option", "ALTER DATABASE"): "tests/lab/test_twin_sql_settings.py",
    ("mssql_role_members", "ALTER USER"): "tests/lab/test_twin_sql_settings.py",
    ("mssql_role_members", "CREATE LOGIN"): "tests/lab/test_twin_sql_settings.py",
    ("mssql_role_members", "CREATE USER"): "tests/lab/test_twin_sql_settings.py",
    ("mssql_role_members", "DROP USER"): "tests/lab/test_twin_sql_settings.py",
    ("mssql_role_members", "EXECUTE {}"): "tests/lab/test_twin_sql_settings.py",
    ("mssql_server_option", "EXECUTE sp_configure"): "tests/lab/test_twin_sql_settings.py",
    ("mssql_server_option", "RECONFIGURE{}"): "tests/lab/test_twin_sql_settings.py",
    ("mssql_stage_restore", "DROP DATABASE"): "tests/lab/test_twin_restore.py",
    ("mssql_verify_backup", "RESTORE FILELISTONLY"): "tests/lab/test_twin_mssql.py",
    ("mssql_verify_backup", "RESTORE HEADERONLY"): "tests/lab/test_twin_mssql.py",
    ("mssql_verify_backup", "RESTORE VERIFYONLY"): "tests/lab/test_twin_mssql.py",
    ("restore_plan", "RESTORE {}"): "tests/lab/test_twin_restore.py",
    ("service_manager_promote", "EXECUTE dbo.p_PromoteActiveWorkflowServer"): "tests/lab/test_twin_sql_settings.py",
}


def test_every_statement_is_held_to_the_grammar_of_2008() -> None:
    found = {
        (module, " ".join(text.split()[:2]).rstrip(";"))
        for module, text, _ in python_texts()
        if not re.match(r"\s*(SELECT|WITH)\b", text)
    }
    assert found - PROSE == set(STATEMENTS)
    for name in STATEMENTS.values():
        assert "genuine.parse_tsql(" in (ROOT / name).read_text(encoding="utf-8")
