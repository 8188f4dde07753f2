"""Twins of what the restoring actions send: every look in the genuine PowerShell over generated states of a lab
machine, and every statement in the grammar of SQL Server 2008.
"""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.actions.mssql_check_integrity import check_text
from engine.actions.restore_plan import Source, statement
from engine.lab import machine_sql_statements as _statements  # noqa: F401 - registers them
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql_jobs import perform, registered
from engine.lab.machine_sql_restore import Request, begin
from engine.model.result import Unchanged
from tests.lab.test_twin_mssql import carry_out
from tests.support import payload_genuine as genuine
from tests.support.payload_session import PayloadSession, find_pwsh
from tests.support.sql_drive import carry_out as carry_out_modelled
from tests.support.sql_histories import NAME, World, live, new_world
from tests.unit.sql.test_sql_restore_truth import sets

pytestmark = [
    pytest.mark.pwsh,
    pytest.mark.skipif(find_pwsh() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]
STATES = 120
STAGED = {"databases": [NAME], "data_folder": "E:\\Staged", "log_folder": "F:\\Staged"}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayloadSession]:
    one = PayloadSession(tmp_path_factory.mktemp("twin"))
    yield one
    one.close()


def mishaps(world: World) -> None:
    """Restores under way, broken off and ended, in place and beside, as chance has them."""
    dice = world.dice
    for _ in range(dice.randrange(0, 5)):
        one = dice.choice(sets(world) or [None])
        if one is None:
            return
        beside = dice.random() < 0.6
        number = iter((1, 2))
        moves = {
            NAME: f"E:\\Staged\\{NAME}_staged_{next(number)}.mdf",
            f"{NAME}_log": f"F:\\Staged\\{NAME}_staged_{next(number)}.ldf",
        }
        request = Request(
            database=f"{NAME}_staged" if beside else NAME,
            paths=one["paths"],
            log=one["type"] == "L",
            position=one["position"],
            moves=moves if beside else {},
            recovery=dice.random() < 0.5,
            replace=dice.random() < 0.8,
        )
        try:
            restoring = begin(world.machine, request)
        except PayloadError:
            continue
        world.machine.clock.advance(60.0)
        (restoring.finish if dice.random() < 0.8 else restoring.abort)()


def chain(world: World) -> dict[str, Any] | None:
    before = datetime.fromtimestamp(world.machine.clock.now() + 90000.0, UTC).isoformat()
    found = carry_out_modelled(world.machine, "mssql.backup_chain", {"databases": [NAME], "before": before})
    return {"sets": found.result["sets"], "before": before} if isinstance(found, Unchanged) else None


def test_every_look_and_what_follows_from_it(session: PayloadSession) -> None:
    decided: dict[str, int] = {}
    for seed in range(STATES):
        world = new_world(seed)
        live(world, world.dice.randrange(8, 24))
        mishaps(world)
        told = chain(world)
        if told is None:
            continue
        since = random.Random(seed).choice([told["before"], "2013-03-01T00:00:00Z"])
        own: Mapping[str, dict[str, Any]] = {
            "mssql.restore_database": {"databases": [NAME], "sets": told["sets"], "before": since, "replace": True},
            "mssql.stage_restore": {**STAGED, "state": "absent"},
        }
        staged = {**STAGED, "sets": told["sets"]}
        for name, args in (*own.items(), ("mssql.stage_restore", staged)):
            try:
                modelled = carry_out_modelled(world.machine, name, args)
            except AssertionError:
                continue  # a look that ends the step: a file that is not there
            real = carry_out(session, world.machine, name, args)
            assert real == modelled, (seed, name)
            word = f"{name} {args.get('state', '')} {type(real).__name__}"
            decided[word] = decided.get(word, 0) + 1
    assert {"mssql.restore_database  Change", "mssql.stage_restore absent Change"} <= set(decided), decided
    assert sum(decided.values()) >= 2 * STATES, decided


def test_the_statements_in_the_grammar_of_2008_and_in_the_lab(tmp_path: Path) -> None:
    texts = []
    for kind in ("full backup", "copy-only full backup", "differential backup", "log backup"):
        for devices in (1, 2, 64):
            for moves in ({}, {"a": "D:\\a.mdf"}, {"a": "D:\\a.mdf", "b": "L:\\b.ldf"}):
                for last in (True, False):
                    source = Source(
                        database="A",
                        guid="6f",
                        kind=kind,
                        position=3,
                        devices=tuple(f"D:\\{number}.bak" for number in range(devices)),
                        finished="",
                        size=0,
                    )
                    texts.append(statement(source, "A]b", moves=moves, last=last, replace=last).text)
    texts += [check_text("A]b'; DROP DATABASE x--", physical_only=flag) for flag in (True, False)]
    texts.append("DROP DATABASE [A]]b];")
    assert all("A]b;" not in one for one in texts)
    for text, parsed in zip(texts, genuine.parse_tsql(texts, tmp_path), strict=True):
        assert parsed["errors"] == [], text
        told = genuine.statements(parsed)
        kinds = {"RESTORE": "RestoreStatement", "DBCC": "DbccStatement", "DROP": "DropDatabaseStatement"}
        assert [one["kind"] for one in told] == [kinds[text.split()[0]]], text
        assert not told[0]["implicit_exec"]
        assert registered(text), text


def test_a_statement_that_the_lab_has_no_model_of_is_refused() -> None:
    world = new_world(1)
    with pytest.raises(PayloadError, match="has no model of this statement"):
        perform(world.machine, "RESTORE DATABASE [x] FROM DISK = 'D:\\x.bak'", {})
