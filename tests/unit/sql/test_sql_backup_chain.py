"""The chosen chain against a search over all restore sequences, on histories that really happened."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from engine.actions.backup_chain import choose
from engine.actions.backup_set import BackupSet, sets_of
from engine.lab.behaviours.sql_history import history
from tests.support.sql_histories import NAME, START, World, forget, live, new_world, restores, visit

SEEDS = 2400


def rows_of(world: World) -> list[dict[str, Any]]:
    found = history(world.sql, None, {"database": NAME, "since": "1900-01-01T00:00:00"})
    names = [name for name, _ in found.columns]
    return [dict(zip(names, row, strict=True)) for row in found.rows]


def utc_end(row: dict[str, Any]) -> float:
    """The latest moment that the end of a set can be; counted apart from the engine."""
    quarters = -48 if row["time_zone"] == 127 else row["time_zone"]
    zone = timezone(timedelta(minutes=15 * quarters))
    return datetime.fromisoformat(row["backup_finish_date"]).replace(tzinfo=zone).timestamp()


def good(rows: list[dict[str, Any]], before: float) -> list[dict[str, Any]]:
    """One row a set, of those that can be used at all; of strangers only where there is no full backup of its own."""
    first = {row["backup_set_id"]: row for row in reversed(rows)}
    over = {row["backup_set_id"] for row in rows if row["overwritten"]}
    found = [
        row
        for number, row in sorted(first.items())
        if not (row["is_damaged"] or row["is_snapshot"] or number in over or row["has_incomplete_metadata"])
        and row["device_type"] in (2, 102)
        and row["physical_device_name"] != "NUL"
        and row["media_family_count"] == sum(one["backup_set_id"] == number for one in rows)
        and utc_end(row) < before
        and (row["time_zone"] == 127 or row["backup_finish_date"] >= row["backup_start_date"])
    ]
    own = [row for row in found if row["server_name"] == "SQL01" and row["family_guid"] == row["present_family"]]
    return own if any(row["type"] == "D" for row in own) else found


def key(sets: list[tuple[float, str, int]]) -> tuple[Any, ...]:
    """What makes one chain better than another."""
    other = next((number for _, kind, number in sets if kind == "I"), 0)
    return (sets[-1][0], -len(sets), sets[0][2], other)


@pytest.mark.parametrize("part", range(4))
def test_the_choice_is_the_best_of_all_restores(part: int) -> None:
    lengths, seen = [], Counter[str]()
    for seed in range(part * SEEDS // 4, (part + 1) * SEEDS // 4):
        world = new_world(seed)
        live(world, world.dice.randrange(6, 44))
        visit(world)
        forget(world)
        rows = rows_of(world)
        before = START + (1.3 - world.dice.random()) * (world.machine.clock.now() - START) + 1.0
        sets = sets_of(rows)
        chosen = choose(sets, before)
        possible = list(restores(world, good(rows, before)))
        told = [[(utc_end(row), row["type"], row["backup_set_id"]) for row in one] for one in possible]
        # A set that another one continues is never the end, whatever the clock said.
        continued = {one[2] for way in told for one in way[:-1]}
        last = [way for way in told if way[-1][2] not in continued]
        seen["clock"] += max(map(key, told), default=None) != max(map(key, last), default=None)
        got = [(one.finished, one.kind, one.id) for one in chosen.chain]
        assert bool(got) is bool(told), (seed, got, told[:3])
        if got:
            assert [number for _, _, number in got] in [[one[2] for one in way] for way in told], (seed, got)
            assert key(got) == max(map(key, last)), (seed, got)
        lengths.append(len(got))
        seen.update(kind for _, kind, _ in got)
        seen["stranger"] += any(one.elsewhere for one in chosen.chain)
        seen["strangers"] += any(why.startswith("it was made on the server LAB01") for _, why in chosen.rejected)
        seen["former"] += any(why.startswith("it is of another database") for _, why in chosen.rejected)
        seen["nowhere"] += any("NUL" in why for _, why in chosen.rejected)
        seen["incomplete"] += any("metadata" in why for _, why in chosen.rejected)
        seen["fork"] += len({fork for one in chosen.chain for fork in (one.fork, one.fork_after)}) > 1
        assert {one.id for one in chosen.chain} | {one.id for one, _ in chosen.rejected} == {one.id for one in sets}
        assert all(why for _, why in chosen.rejected)
    assert max(lengths) >= 5
    assert lengths.count(0) < len(lengths) // 2
    traps = ("D", "I", "L", "fork", "stranger", "strangers", "former", "nowhere", "incomplete", "clock")
    assert min(seen[kind] for kind in traps) >= 5, seen


# -- the reasons, one case each

BEFORE = 100_000.0


def one_set(number: int, kind: str, first: int, last: int, **more: Any) -> BackupSet:
    told = BackupSet(
        id=number,
        uuid=f"u{number}",
        kind=kind,
        position=1,
        first_lsn=first,
        last_lsn=last,
        started=number * 100.0,
        finished=number * 100.0 + 10.0,
        fork="f",
        fork_after="f",
        families=1,
        devices=(f"D:\\{number}.bak",),
    )
    return replace(told, **more)


FULL_SET = one_set(1, "D", 10, 20)
REASONS: dict[str, tuple[BackupSet, str]] = {
    "damaged": (one_set(2, "D", 20, 30, damaged=True), "it is damaged"),
    "snapshot": (one_set(2, "D", 20, 30, snapshot=True), "it is a snapshot"),
    "incomplete": (one_set(2, "L", 20, 30, incomplete=True), "its metadata are incomplete"),
    "written over": (one_set(2, "D", 20, 30, overwritten=True), "written over by a later backup"),
    "turned round": (one_set(2, "D", 30, 20), "contradict each other"),
    "tape": (one_set(2, "D", 20, 30, device_types=frozenset({5})), "it lies on a tape and not in a file"),
    "virtual": (one_set(2, "D", 20, 30, device_types=frozenset({7})), "it lies on a virtual device"),
    "odd device": (one_set(2, "D", 20, 30, device_types=frozenset({0})), "a device of type 0"),
    "family": (one_set(2, "D", 20, 30, families=2), "1 of the 2 families of its media are on record"),
    "no family": (one_set(2, "D", 20, 30, families=0, devices=()), "0 of the 0 families"),
    "file": (one_set(2, "F", 20, 30), "a file backup does not hold the whole database"),
    "late": (one_set(2, "D", 20, 30, finished=BEFORE), "it finished too late"),
    "no zone": (one_set(2, "D", 20, 30, finished=BEFORE + 1.0, zone_known=False), "its time zone is unknown"),
    "clock": (one_set(2, "D", 20, 30, finished=150.0), "the clock was set while it ran"),
    "other server": (one_set(2, "D", 20, 30, elsewhere="it was made on the server LAB01"), "on the server LAB01"),
    "nowhere": (one_set(2, "L", 15, 30, devices=("nul:",)), "the device NUL"),
    "nowhere in a folder": (one_set(2, "L", 15, 30, devices=("D:\\Backup\\NUL",)), "the device NUL"),
    "newer server": (one_set(2, "D", 20, 30, server_version=(11, 0, 2100)), "made by SQL Server 11.0.2100"),
    "no base": (one_set(2, "I", 20, 30), "it names no full backup"),
    "unknown base": (one_set(2, "I", 20, 30, base="u9"), "is not among the usable ones"),
    "base is later": (one_set(2, "I", 5, 15, base="u1"), "lie before those of its base"),
    "gap": (one_set(2, "L", 25, 30), "it starts at 25, and the sets before it end at 20"),
    "other path": (one_set(2, "L", 20, 30, fork="g", fork_after="g"), "another recovery path"),
    "before": (one_set(2, "L", 5, 15), "it ends before the first usable full backup"),
    "fork without a point": (one_set(2, "L", 15, 30, fork_after="g"), "continues another path"),
}


@pytest.mark.parametrize("name", REASONS)
def test_reasons(name: str) -> None:
    other, why = REASONS[name]
    choice = choose((FULL_SET, other), BEFORE, (10, 50, 2500))
    assert choice.chain == (FULL_SET,)
    assert why in choice.rejected[0][1]
    assert not choice.rejected[0][1].endswith(".")


def test_a_copy_only_backup_starts_a_chain_and_is_no_base() -> None:
    full = replace(FULL_SET, copy_only=True)
    other, log = one_set(2, "I", 20, 30, base="u1"), one_set(3, "L", 15, 40)
    choice = choose((full, other, log), BEFORE)
    assert choice.chain == (full, log)
    assert choice.rejected == ((other, "it names a copy-only backup as its base"),)


def test_sets_that_are_good_and_not_needed_say_so() -> None:
    logs = [one_set(number, "L", 10 * number, 10 * number + 10) for number in (2, 3)]
    last = one_set(4, "I", 40, 41, base="u1", started=300.0, finished=logs[1].finished)
    choice = choose((FULL_SET, *logs, last), BEFORE)
    assert choice.chain == (FULL_SET, last)
    assert [why for _, why in choice.rejected] == [
        "the chosen chain reaches a later time",
        "the chosen chain reaches the same time with fewer sets",
    ]


def test_backups_from_elsewhere_are_better_than_none_and_are_told() -> None:
    strange = replace(FULL_SET, elsewhere="it was made on the server OLD01")
    log = one_set(2, "L", 15, 30)
    assert choose((strange, log), BEFORE).chain == (strange, log)
    assert choose((strange, replace(log, damaged=True)), BEFORE).chain == (strange,)


def test_one_family_that_was_written_over_is_enough() -> None:
    row = {"backup_set_id": 1, "first_lsn": "1", "last_lsn": "2", "time_zone": 0, "overwritten": 0}
    dates = dict.fromkeys(("backup_start_date", "backup_finish_date"), "2013-03-02T09:00:00.000")
    assert not sets_of([{**row, **dates}])[0].overwritten
    assert sets_of([{**row, **dates}, {**row, **dates, "overwritten": 1}])[0].overwritten


STRANGE = {"server_name": "LAB01", "server_known_as": "sql01", "server_is": "SQL01"}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"server_name": "SQL01", "server_known_as": "sql01", "server_is": None}, None),
        ({"server_name": "SQL02", "server_known_as": "SQL01", "server_is": "sql02"}, None),
        ({"server_name": "SQL02", "server_known_as": None, "server_is": None}, None),
        ({"server_name": None, "server_known_as": "SQL01"}, None),
        (STRANGE, "it was made on the server LAB01"),
        ({"family_guid": "F1", "present_family": "f1"}, None),
        ({"family_guid": "f1", "present_family": None}, None),
        ({"family_guid": "f1", "present_family": "f2"}, "it is of another database that had this name"),
    ],
)
def test_where_a_set_is_from(told: dict[str, Any], why: str | None) -> None:
    row = {"backup_set_id": 1, "first_lsn": "1", "last_lsn": "2", "time_zone": 0}
    dates = dict.fromkeys(("backup_start_date", "backup_finish_date"), "2013-03-02T09:00:00.000")
    [one] = sets_of([{**row, **dates, **told}])
    assert one.elsewhere == why


def test_what_goes_on_from_a_set_is_newer_whatever_the_clock_said() -> None:
    """The clock ran ahead while the first log was backed up, and was set back before the second one."""
    ahead = one_set(2, "L", 15, 30, started=900.0, finished=910.0)
    after = one_set(3, "L", 30, 40)
    assert choose((FULL_SET, ahead, after), BEFORE).chain == (FULL_SET, ahead, after)
    other = one_set(4, "I", 35, 36, base="u1", started=110.0, finished=120.0)
    choice = choose((FULL_SET, ahead, after, other), BEFORE)
    assert choice.chain == (FULL_SET, other, replace(after))
    assert choice.rejected == ((ahead, "a later backup goes on from it, although its clock shows a later time"),)


def test_a_long_history_is_judged_quickly() -> None:
    logs = [one_set(number, "L", 10 * number, 10 * number + 10) for number in range(2, 4000)]
    choice = choose((FULL_SET, *logs), 1e9)
    assert len(choice.chain) == len(logs) + 1


def test_an_unknown_zone_is_read_with_the_one_given() -> None:
    row = {
        "backup_set_id": 1,
        "backup_set_uuid": "A",
        "type": "D",
        "first_lsn": "10",
        "last_lsn": "20",
        "time_zone": 127,
        "backup_start_date": "2013-03-02T09:00:00.000",
        "backup_finish_date": "2013-03-02T10:00:00.000",
    }
    noon = datetime.fromisoformat("2013-03-02T12:00:00+00:00").timestamp()
    assert sets_of([row])[0].finished == noon + 10 * 3600.0
    assert sets_of([row], zone_minutes=-120)[0].finished == noon
    assert sets_of([{**row, "time_zone": -8}])[0].finished == noon
    assert sets_of([{**row, "time_zone": 22}])[0].finished == noon - 7.5 * 3600.0
    assert sets_of([{**row, "first_lsn": None}, {"backup_set_id": True}, {}]) == ()
