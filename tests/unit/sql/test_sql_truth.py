"""Every shipped query means what the lab's SQL Server answers: run on an embedded database over the same tables."""

from typing import Any

import pytest

from engine.lab.behaviours.sql_history import history
from engine.model.packaged import payload
from tests.support.sql_histories import NAME, World, forget, live, new_world
from tests.support.sql_server import Embedded

WORLDS = 120


def tables(world: World) -> dict[str, list[dict[str, Any]]]:
    told = world.sql.history
    return {
        "backupset": list(told.backupset),
        "backupmediaset": list(told.backupmediaset),
        "backupmediafamily": list(told.backupmediafamily),
    }


@pytest.mark.parametrize("part", range(2))
def test_history(part: int) -> None:
    count = overwritten = 0
    for seed in range(part * WORLDS // 2, (part + 1) * WORLDS // 2):
        world = new_world(seed)
        live(world, 30)
        forget(world)
        times = sorted(str(row["backup_finish_date"]) for row in world.sql.history.backupset) or ["1900-01-01T00:00:00"]
        params = {
            "database": world.dice.choice([NAME, NAME.lower(), "Other", "Nothing"]),
            "since": world.dice.choice([times[0], times[len(times) // 2], "1900-01-01T00:00:00"]),
        }
        modelled = history(world.sql, None, params)
        names = [name for name, _ in modelled.columns]
        numeric = {name for name, kind in modelled.columns if kind == "numeric"}
        embedded = Embedded(tables(world))
        real = embedded.rows(payload("mssql_backup_chain.history.sql"), params)
        embedded.close()
        shown = [
            tuple(str(row[name]) if name in numeric and row[name] is not None else row[name] for name in names)
            for row in real
        ]
        assert [list(row) for row in real] == [names] * len(real) or not real
        assert shown == list(modelled.rows), (seed, params)
        count += len(shown)
        overwritten += sum(row[names.index("overwritten")] for row in modelled.rows)
    assert count > 400
    assert overwritten > 20
