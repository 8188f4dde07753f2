"""Backup histories that really happened: a lab server works, is backed up, loses rows and files, and is brought back.

The truth about a restore is kept apart from every rule about LSNs: each log record knows the record before it, and a
restore is right exactly if the records it brings together follow one another without a gap.
"""

import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import Wish, back_up
from engine.lab.machine_sql_log import TransactionLog, guid_of
from engine.lab.machine_sql_restore import Request, begin, recover

NAME = "ServiceManager"
START = 1362218400.0


@dataclass(frozen=True)
class Record:
    """One log record and the one before it."""

    lsn: int
    id: int
    before: int


@dataclass
class World:
    """A machine with one database, its records, and the image that each backup took of them."""

    dice: random.Random
    machine: Machine
    records: list[Record] = field(default_factory=list)
    images: dict[str, list[Record]] = field(default_factory=dict)
    logs: dict[str, TransactionLog] = field(default_factory=dict)
    made: int = 0
    wrong_clock_s: float = 0.0

    @property
    def sql(self) -> SqlInstance:
        assert self.machine.sql is not None
        return self.machine.sql

    @property
    def database(self) -> Database:
        return self.sql.databases[NAME]

    def catch_up(self) -> None:
        """Make the records that the log's numbers tell of."""
        for lsn in range(self.records[-1].lsn + 1, self.database.log.lsn):
            self.made += 1
            self.records.append(Record(lsn, self.made, self.records[-1].id))

    def back_up(self, paths: Sequence[str], wish: Wish) -> None:
        """Take a backup and keep its image; what the server refuses is not taken."""
        wish = replace(wish, ends_at=self.machine.clock.now() + self.wrong_clock_s)
        try:
            row = back_up(self.machine, NAME, paths, wish)
        except PayloadError:
            return
        self.catch_up()
        guid = str(row["backup_set_uuid"])
        first = int(str(row["first_lsn"]))
        held = [one for one in self.records if one.lsn >= first] if wish.kind == "L" else list(self.records)
        self.images[guid] = held
        self.logs[guid] = copy.copy(self.database.log)

    def bring_back(self) -> None:
        """Restore to the moment of some earlier full or differential backup, on a new path."""
        possible = [guid for guid, image in self.images.items() if image and image[0].before == 0]
        if not possible:
            return
        guid = self.dice.choice(possible)
        self.made += 1
        self.database.log.rewind(self.logs[guid], guid_of(f"path {self.made}"))
        self.records = list(self.images[guid])
        self.catch_up()


def new_world(seed: int) -> World:
    dice = random.Random(seed)
    machine = Machine("SQL01", LabClock(START, speed=None))
    machine.sql = SqlInstance(zone=dice.choice([0, 4, -20, 22]))
    machine.sql.add(Database(name=NAME), Database(name="Other"))
    first = Record(machine.sql.databases[NAME].log.lsn - 1, 1, 0)
    return World(dice, machine, [first], made=1)


def live(world: World, steps: int) -> None:
    """A while of work, backups and mishaps."""
    dice = world.dice
    for number in range(steps):
        world.machine.clock.advance(dice.choice([0.0, 600.0, 3600.0, 7200.0]))
        match dice.randrange(12):
            case 0 | 1:
                world.database.log.work(dice.randrange(1, 4))
                world.catch_up()
            case 2 if dice.random() < 0.5:
                world.bring_back()
            case 3 if dice.random() < 0.4:
                world.database.log.break_chain()
            case 4:
                world.sql.zone = dice.choice([0, 4, 8, -20])
                world.wrong_clock_s = dice.choice([0.0, 0.0, 0.0, 9000.0, -5400.0])
            case 5 if dice.random() < 0.5:
                back_up(world.machine, "Other", [_path(dice, number)], Wish(init=dice.random() < 0.3))
            case _:
                path = _path(dice, number)
                paths = [
                    path + suffix if path != "NUL" else path for suffix in dice.choice([("",), ("",), (".1", ".2")])
                ]
                world.back_up(paths, _wish(dice))


def _path(dice: random.Random, number: int) -> str:
    own = f"D:\\Backup\\{number}.bak"
    if dice.random() < 0.02:
        return "NUL"
    return dice.choice([own, own, own, "D:\\Backup\\sm.bak", "D:\\Backup\\log.trn"])


def _wish(dice: random.Random) -> Wish:
    kind = dice.choice("DDILLLLL")
    return Wish(
        kind=kind,
        copy_only=kind != "I" and dice.random() < 0.15,
        self_checking=dice.random() < 0.7,
        init=dice.random() < 0.06,
        format=dice.random() < 0.04,
        damaged=dice.random() < 0.04,
        snapshot=dice.random() < 0.02,
        incomplete=kind == "L" and dice.random() < 0.03,
        device_type=dice.choice([2] * 34 + [102] * 4 + [5, 7]),
        records=dice.randrange(0, 3),
        duration_s=dice.choice([0.0, 60.0, 5400.0]),
        zone_known=dice.random() < 0.95,
    )


def visit(world: World) -> None:
    """Sometimes a backup comes from a laboratory that has a database of that name, a copy of this one or not, and is
    brought in beside; sometimes the database of that name is made anew, and the history goes on under the name.
    """
    dice = world.dice
    if dice.random() < 0.25:
        _from_a_laboratory(world)
    if dice.random() < 0.15:
        world.database.family = guid_of(f"another family {dice.random()}")
        world.database.log = TransactionLog(fork=guid_of(f"another path {dice.random()}"))
        world.made += 1
        world.records = [Record(world.database.log.lsn - 1, world.made, 0)]
        if dice.random() < 0.7:
            world.back_up(["D:\\Backup\\anew.bak"], Wish(duration_s=60.0))


def _from_a_laboratory(world: World) -> None:
    dice, other = world.dice, Machine("LAB01", world.machine.clock)
    other.sql = SqlInstance(computer="LAB01", zone=world.sql.zone)
    family = world.database.family if dice.random() < 0.5 else guid_of("family of the laboratory")
    other.sql.add(Database(name=NAME, family=family, log=TransactionLog(fork=guid_of("the laboratory"))))
    for place, kind in enumerate("DL"[: dice.randrange(1, 3)]):
        world.machine.clock.advance(60.0)
        path = f"D:\\FromLab\\{place}.bak"
        row = back_up(other, NAME, [path], Wish(kind=kind, duration_s=0.0))
        first, after = int(str(row["first_lsn"])), int(str(row["last_lsn"]))
        world.images[str(row["backup_set_uuid"])] = [
            Record(lsn, -lsn, 0 if lsn == 999 else 1 - lsn) for lsn in range(999 if kind == "D" else first, after)
        ]
        file = other.files.get(path)
        assert file is not None
        world.machine.files.write(path, file.content, modified=0.0)
        moves = {NAME: "E:\\lab.mdf", f"{NAME}_log": "E:\\lab.ldf"}
        last = kind == "L"
        begin(world.machine, Request(database="Lab", paths=[path], log=last, moves=moves, recovery=last)).finish()
    if world.sql.databases["Lab"].state != "ONLINE":
        recover(world.machine, world.sql.databases["Lab"])


def forget(world: World) -> None:
    """Lose some rows of the history, as clean-up jobs and rebuilt servers do; some media have a mirror."""
    history, dice = world.sql.history, world.dice
    mirrored = [row for row in history.backupmediafamily if dice.random() < 0.1]
    history.backupmediafamily += [{**row, "mirror": 1, "physical_device_name": "M:\\mirror.bak"} for row in mirrored]
    for table, chance in (
        (history.backupset, 0.04),
        (history.backupmediafamily, 0.03),
        (history.backupmediaset, 0.01),
    ):
        table[:] = [row for row in table if dice.random() > chance]


# -- the truth about restores


def restores(world: World, rows: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Every sequence of these sets that gives a database without a gap, by trying them all."""
    for full in (row for row in rows if row["type"] == "D"):
        image = world.images[full["backup_set_uuid"]]
        yield (full,)
        yield from _then_logs(world, rows, (full,), image)
        for other in (row for row in rows if row["type"] == "I"):
            if other["differential_base_guid"] == full["backup_set_uuid"]:
                after = world.images[other["backup_set_uuid"]]
                assert after[: len(image)] == image, "the lab's differential backup does not extend its base"
                yield (full, other)
                yield from _then_logs(world, rows, (full, other), after)


def _then_logs(
    world: World, rows: Sequence[dict[str, Any]], before: tuple[dict[str, Any], ...], image: list[Record]
) -> Iterator[tuple[dict[str, Any], ...]]:
    for row in rows:
        if row["type"] != "L":
            continue
        new = [one for one in world.images[row["backup_set_uuid"]] if one.lsn > image[-1].lsn]
        if new and new[0].before == image[-1].id and _holds_on(world.images[row["backup_set_uuid"]], image):
            yield (*before, row)
            yield from _then_logs(world, rows, (*before, row), [*image, *new])


def _holds_on(log: list[Record], image: list[Record]) -> bool:
    """True if where both hold a number they hold the same record."""
    known = {one.lsn: one.id for one in image}
    return all(known.get(one.lsn, one.id) == one.id for one in log)
