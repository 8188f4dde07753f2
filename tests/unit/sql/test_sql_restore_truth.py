"""The lab's restores against the truth about generated histories: each log record knows the record before it.

A sequence of sets that brings records together without a gap restores, and gives what the database held when its last
set was taken; any other sequence is refused.
"""

from collections.abc import Sequence
from itertools import islice, product
from typing import Any

import pytest

from engine.actions.backup_chain import choose
from engine.actions.backup_set import sets_of
from engine.lab.behaviours.sql_history import history
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database
from engine.lab.machine_sql_backups import Wish
from engine.lab.machine_sql_restore import Request, begin, drop
from tests.support.sql_histories import NAME, World, live, new_world, restores

SEEDS = 400
COPY = "Copy"


class Marked(World):
    """A world in which the database holds another text at each backup."""

    def back_up(self, paths: Sequence[str], wish: Wish) -> None:
        """Take a backup of a text that no other backup holds, and keep the text apart."""
        made = set(self.images)
        self.database.product_version = f"text {len(made)} at {self.made}"
        super().back_up(paths, wish)
        for guid in set(self.images) - made:
            self.texts[guid] = self.database.product_version

    @property
    def texts(self) -> dict[str, str]:
        found: dict[str, str] = self.__dict__.setdefault("told", {})
        return found


def lived(seed: int) -> Marked:
    one = new_world(seed)
    world = Marked(one.dice, one.machine, one.records, made=one.made)
    live(world, world.dice.randrange(6, 30))
    return world


def sets(world: World) -> list[dict[str, Any]]:
    """Each set that lies readable in files, with the files."""
    found = history(world.sql, None, {"database": NAME, "since": "1900-01-01T00:00:00"})
    rows = [dict(zip([name for name, _ in found.columns], row, strict=True)) for row in found.rows]
    merged: dict[int, dict[str, Any]] = {}
    for row in rows:
        merged.setdefault(row["backup_set_id"], {**row, "paths": []})["paths"].append(row["physical_device_name"])
    return [
        one
        for one in merged.values()
        if not (one["is_damaged"] or one["is_snapshot"] or one["overwritten"])
        and one["device_type"] in (2, 102)
        and "NUL" not in one["paths"]
    ]


def bring(world: World, chain: Sequence[dict[str, Any]], *, recovery: bool = True) -> None:
    """Bring sets in one after the other, as another database."""
    for one in chain:
        request = Request(
            database=COPY,
            paths=one["paths"],
            log=one["type"] == "L",
            position=one["position"],
            moves={NAME: "E:\\copy.mdf", f"{NAME}_log": "E:\\copy.ldf"},
            recovery=recovery and one is chain[-1],
            replace=one is chain[0],
        )
        begin(world.machine, request).finish()


def restored(world: World, chain: Sequence[dict[str, Any]]) -> Database:
    """The database brought back under another name."""
    bring(world, chain)
    return world.sql.databases[COPY]


def away(world: World) -> None:
    if COPY in world.sql.databases:
        drop(world.machine, COPY)


@pytest.mark.parametrize("part", range(4))
def test_every_chosen_chain_gives_what_its_last_set_held(part: int) -> None:
    done = 0
    for seed in range(part * SEEDS // 4, (part + 1) * SEEDS // 4):
        world = lived(seed)
        rows = sets(world)
        flat = [
            {**one, "family_sequence_number": n, "physical_device_name": path}
            for one in rows
            for n, path in enumerate(one["paths"], 1)
        ]
        chain = choose(sets_of(flat), world.machine.clock.now() + 90000.0).chain
        if not chain:
            continue
        by_id = {one["backup_set_id"]: one for one in rows}
        database = restored(world, [by_id[one.id] for one in chain])
        assert database.state == "ONLINE", seed
        assert database.product_version == world.texts[chain[-1].uuid], seed
        assert database.log.fork not in {one.fork_after for one in chain}, seed
        told = world.sql.history.restorehistory[-len(chain) :]
        assert [row["backup_set_id"] for row in told] == [one.id for one in chain]
        assert [row["recovery"] for row in told] == [False] * (len(chain) - 1) + [True]
        done += 1
    assert done > SEEDS // 8


@pytest.mark.parametrize("part", range(4))
def test_exactly_the_sequences_without_a_gap_restore(part: int) -> None:
    right = wrong = 0
    for seed in range(part * 30, part * 30 + 30):
        world = lived(seed)
        rows = sets(world)
        true = {tuple(one["backup_set_id"] for one in way): way for way in islice(restores(world, rows), 400)}
        for way in islice(true.values(), 60):
            assert restored(world, way).product_version == world.texts[way[-1]["backup_set_uuid"]], seed
            away(world)
            right += 1
        if len(true) == 400:
            continue
        for length in (1, 2, 3):
            for way in islice(product(rows, repeat=length), 300):
                if tuple(one["backup_set_id"] for one in way) in true:
                    continue
                if any(one["type"] == "D" for one in way[1:]):
                    continue  # a full backup begins anew
                with pytest.raises(PayloadError):
                    restored(world, way)
                away(world)
                wrong += 1
    assert right > 80
    assert wrong > 500
