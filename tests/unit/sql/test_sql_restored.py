"""The query for the restores of a database, on an embedded engine and in the lab, over histories that happened."""

import re
from datetime import datetime, timedelta
from typing import Any

from engine.actions.restore_plan import Progress, progress
from engine.lab.behaviours.sql_restored import restored
from engine.model.packaged import payload
from tests.support.sql_histories import NAME, World, live, new_world
from tests.support.sql_server import Embedded, transpiled
from tests.unit.sql.test_sql_restore_truth import COPY, away, bring, sets

QUERY = "mssql_restore_database.history.sql"


def embedded_rows(tables: dict[str, Any], name: str, zone_minutes: int) -> list[dict[str, Any]]:
    """The rows of an engine whose clock is so far ahead of UTC."""
    embedded = Embedded(tables, now="2013-03-02 12:00:00", utc=_moment(timedelta(minutes=zone_minutes)))
    # Whole minutes: the engine's own count of days is not exact.
    asked = re.sub(r"CAST\((.*?) AS INTEGER\)", r"CAST(ROUND(\1) AS INTEGER)", transpiled(payload(QUERY)))
    rows = [dict(row) for row in embedded.connection.execute(asked, {"database": name})]
    embedded.close()
    return rows


def _moment(ahead: timedelta) -> str:
    return (datetime.fromisoformat("2013-03-02T12:00:00") - ahead).strftime("%Y-%m-%d %H:%M:%S")


def test_the_rows_are_those_of_the_lab() -> None:
    count = unknown = early = 0
    for seed in range(60):
        world = new_world(seed)
        live(world, 20)
        for chance in range(6):
            rows = sets(world)
            one = world.dice.choice([row for row in rows if row["type"] == "D"] or [None])
            if one is None:
                break
            bring(world, [one], recovery=world.dice.random() < 0.6)
            if chance % 2:
                away(world)
        others = [not_quite(world, one) for one in world.sql.history.restorehistory if world.dice.random() < 0.3]
        world.sql.history.restorehistory.extend(one for one in others if one)
        for place, one in enumerate(world.sql.history.restorehistory, 1):
            one["restore_history_id"] = place
        if world.dice.random() < 0.3:
            world.sql.history.backupset[:] = world.sql.history.backupset[::2]
        for name in (COPY, COPY.lower(), NAME):
            modelled = restored(world.sql, None, {"database": name})
            names = [column for column, _ in modelled.columns]
            tables = {"restorehistory": world.sql.history.restorehistory, "backupset": world.sql.history.backupset}
            real = embedded_rows(tables, name, world.sql.zone * 15)
            assert [tuple(row[column] for column in names) for row in real] == list(modelled.rows), seed
            count += len(real)
            unknown += sum(row["backup_set_uuid"] is None for row in real)
            early += sum(row["stopped_early"] for row in real)
            assert not [row for row in real if row["restore_type"] == "V"]
    assert count > 200
    assert min(unknown, early) > 10


def not_quite(world: World, one: dict[str, Any]) -> dict[str, Any]:
    """What is on record as well: a set that was only read to its end, one that was stopped, one of no known kind."""
    other: dict[str, Any] = world.dice.choice(
        [
            {"restore_type": "V", "recovery": True},
            {"stop_at": "2013-03-02T09:00:00.000"},
            {"stop_at_mark_name": "before the upgrade"},
            {"restore_type": None},
        ]
    )
    return {**one, **other}


def row(number: int, guid: str, kind: str, *, recovery: bool = False) -> dict[str, Any]:
    return {
        "restore_history_id": number,
        "restore_date": f"2013-03-02T10:{number:02}:00.000",
        "restore_type": kind,
        "recovery": recovery,
        "backup_set_uuid": guid,
        "source_database": "A",
        "zone_minutes": 60,
    }


def test_progress_begins_with_the_last_full_set() -> None:
    rows = [row(5, "l1", "L"), row(4, "d1", "D"), row(3, "l0", "L"), row(2, "d0", "D"), row(1, "x", "D", recovery=True)]
    assert progress(rows).pending == ("d1", "l1")
    assert progress(rows[3:]).pending == ("d0",)
    known = progress(rows[4:])
    assert (known.pending, known.recovered, known.newest, known.number) == ((), True, "x", 1)
    assert progress([]) == Progress()


def test_a_set_that_was_stopped_is_not_in() -> None:
    whole = row(2, "l1", "L", recovery=True)
    assert progress([whole]).newest == "l1"
    assert progress([{**whole, "stopped_early": 1}]).newest == ""
    waiting = [{**row(2, "l1", "L"), "stopped_early": 1}, row(1, "d0", "D")]
    assert progress(waiting).pending == ("d0", "")


def test_the_percentage_is_that_of_the_job_s_own_session() -> None:
    embedded = Embedded(
        {
            "dm_exec_requests": [{"session_id": n, "percent_complete": 10.0 * n} for n in (51, 52)],
            "dm_exec_sessions": [{"session_id": n, "program_name": f"restore-{n}"} for n in (51, 52, 53)],
        }
    )
    asked = {key: embedded.rows(payload("mssql_job.percent.sql"), {"key": key}) for key in ("restore-52", "restore-53")}
    embedded.close()
    assert asked == {"restore-52": [{"percent_complete": 520.0}], "restore-53": []}
