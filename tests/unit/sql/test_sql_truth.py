"""Every shipped query means what the lab's SQL Server answers: run on an embedded database over the same tables."""

import random
from typing import Any

import pytest

from engine.lab.behaviours import sql_catalogue as catalogue
from engine.lab.behaviours.sql_history import history
from engine.lab.behaviours.sql_rows import Rows
from engine.lab.machine_sql import Database, DatabaseFile, SqlInstance
from engine.model.packaged import payload
from tests.support.sql_histories import NAME, World, forget, live, new_world, visit
from tests.support.sql_server import Embedded

WORLDS = 120
HISTORY = "mssql_backup_chain.history.sql"


def tables(world: World) -> dict[str, list[dict[str, Any]]]:
    told = world.sql.history
    return {
        "backupset": list(told.backupset),
        "backupmediaset": list(told.backupmediaset),
        "backupmediafamily": list(told.backupmediafamily),
        "databases": [{"database_id": n, "name": one.name} for n, one in enumerate(world.sql.databases.values(), 5)],
        "database_recovery_status": [
            {"database_id": n, "family_guid": one.family if one.state == "ONLINE" else None}
            for n, one in enumerate(world.sql.databases.values(), 5)
        ],
    }


@pytest.mark.parametrize("part", range(2))
def test_history(part: int) -> None:
    count = overwritten = strange = 0
    for seed in range(part * WORLDS // 2, (part + 1) * WORLDS // 2):
        world = new_world(seed)
        live(world, 30)
        visit(world)
        forget(world)
        world.sql.name = world.dice.choice(["", "", "SM"])
        world.database.state = world.dice.choice(["ONLINE", "ONLINE", "SUSPECT"])
        times = sorted(str(row["backup_finish_date"]) for row in world.sql.history.backupset) or ["1900-01-01T00:00:00"]
        params = {
            "database": world.dice.choice([NAME, NAME.lower(), "Other", "Nothing"]),
            "since": world.dice.choice([times[0], times[len(times) // 2], "1900-01-01T00:00:00"]),
        }
        modelled = history(world.sql, None, params)
        names = [name for name, _ in modelled.columns]
        numeric = {name for name, kind in modelled.columns if kind == "numeric"}
        embedded = Embedded(tables(world), {"ServerName": world.sql.server_name})
        real = embedded.rows(payload(HISTORY), params)
        embedded.close()
        shown = [
            tuple(str(row[name]) if name in numeric and row[name] is not None else row[name] for name in names)
            for row in real
        ]
        assert [list(row) for row in real] == [names] * len(real) or not real
        assert shown == list(modelled.rows), (seed, params)
        count += len(shown)
        overwritten += sum(row[names.index("overwritten")] for row in modelled.rows)
        strange += sum(row[names.index("server_name")] == "LAB01" for row in modelled.rows)
    assert count > 300
    assert strange > 5
    assert overwritten > 10


# -- the catalogue: tables that are made from the instance's state, and the answers of the model


def any_instance(dice: random.Random) -> SqlInstance:
    sql = SqlInstance(
        version=dice.choice(["10.0.2531.0", "10.50.2500.0", "11.0.2100.60"]),
        level=dice.choice(["RTM", "SP1"]),
        full_text=dice.random() < 0.5,
        options={"clr enabled": dice.randrange(2), "allow updates": dice.randrange(2), "xp_cmdshell": 0},
    )
    for name in dice.sample(["ServiceManager", "dwrepository", "DWDataMart", "msdb"], dice.randrange(5)):
        sizes = [8192 * dice.randrange(1, 10**6) for _ in range(dice.randrange(1, 4))]
        files = [DatabaseFile(name=f"{name}{n}", path=f"D:\\{name}{n}.mdf", size=size) for n, size in enumerate(sizes)]
        sql.add(
            Database(
                name=name,
                state=dice.choice(["ONLINE", "RESTORING"]),
                owner=dice.choice(["sa", "CONTOSO\\owner"]),
                broker_enabled=dice.random() < 0.5,
                read_only=dice.random() < 0.2,
                recovery_model=dice.choice(["FULL", "SIMPLE"]),
                files=files,
            )
        )
    for name in dice.sample(list(sql.databases), dice.randrange(len(sql.databases) + 1)):
        sql.add(Database(name=f"{name} before", snapshot_of=name))
    return sql


def views(sql: SqlInstance) -> dict[str, list[dict[str, Any]]]:
    """The documented views, made from the state alone."""
    known = [sql.databases.get(name) or Database(name=name, recovery_model="SIMPLE") for name in catalogue.SYSTEM]
    everything = [*known, *(one for one in sql.databases.values() if one.name not in catalogue.SYSTEM)]
    numbers = {one.name: number for number, one in enumerate(everything, 1)}
    return {
        "databases": [
            {
                "database_id": number,
                "name": one.name,
                "state_desc": one.state,
                "user_access_desc": one.user_access,
                "is_broker_enabled": one.broker_enabled,
                "compatibility_level": one.compatibility_level,
                "recovery_model_desc": one.recovery_model,
                "collation_name": one.collation,
                "is_read_only": one.read_only,
                "owner_sid": f"sid of {one.owner}",
                "source_database_id": numbers.get(one.snapshot_of),
            }
            for number, one in enumerate(everything, 1)
        ],
        "master_files": [
            {
                "database_id": number,
                "file_id": place,
                "name": file.name,
                "physical_name": file.path,
                "type_desc": file.kind,
                "size": file.size // 8192,
            }
            for number, one in enumerate(everything, 1)
            for place, file in enumerate(one.files, 1)
        ],
        "configurations": [{"name": name, "value_in_use": value} for name, value in sql.options.items()],
    }


CATALOGUE = {
    "mssql_database.rows.sql": catalogue.databases,
    "mssql_database.files.sql": catalogue.files,
    "mssql_instance.options.sql": catalogue.options,
    "mssql_instance.properties.sql": catalogue.properties,
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue(name: str) -> None:
    for seed in range(40):
        sql = any_instance(random.Random(seed))
        properties = {
            "ProductVersion": sql.version,
            "ProductLevel": sql.level,
            "Edition": sql.edition,
            "Collation": sql.collation,
            "IsFullTextInstalled": int(sql.full_text),
        }
        embedded = Embedded(views(sql), properties)
        real = embedded.rows(payload(name), {})
        embedded.close()
        modelled: Rows = CATALOGUE[name](sql, None, {})
        names = [column for column, _ in modelled.columns]
        assert all(list(row) == names for row in real)
        assert [tuple(row.values()) for row in real] == list(modelled.rows), seed
        assert real
