"""What every ``JournalStore`` promises; a further store adds its way to open one to ``STORES``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.journal.sqlite_store import SqliteJournal
from engine.model import event as ev
from engine.model.errors import HostLocked, StorageFailed, UsageMistake
from engine.model.result import EvidenceRef, Owed, Proof, ScriptError
from engine.model.status import Status
from engine.ports.edges import Clock
from engine.ports.journal import JournalStore, RunRecord


@dataclass
class FixedClock:
    at: float = 1_795_000_000.0

    def now(self) -> float:
        self.at += 1
        return self.at

    def monotonic(self) -> float:
        return self.at


STORES: dict[str, Callable[[Path, Clock], JournalStore]] = {
    "sqlite": lambda folder, clock: SqliteJournal(folder / "journal.db", clock),
}


@dataclass
class Bench:
    """Opens any number of stores over one place and closes them all."""

    make: Callable[[Path, Clock], JournalStore]
    folder: Path
    stores: list[JournalStore] = field(default_factory=list)

    def open(self) -> JournalStore:
        self.stores.append(self.make(self.folder, FixedClock()))
        return self.stores[-1]


@pytest.fixture(params=sorted(STORES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    one = Bench(STORES[request.param], tmp_path)
    yield one
    for store in one.stores:
        store.close()


def record(run_id: str = "2026-11-22-a41c", hosts: tuple[str, ...] = ("SM01",), started_at: float = 1.5) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        runbook="raise-timeout",
        version="1.0.0",
        plan_digest="3f9a" * 16,
        operator="CONTOSO\\anna",
        status="running",
        started_at=started_at,
        ended_at=None,
        hosts=hosts,
        folder=f"runs/{run_id}",
    )


PLAN = {"runbook": "raise-timeout", "steps": [{"id": "reboot", "text": "Übergröße"}]}


def step_started(number: int) -> ev.StepRunStarted:
    return ev.StepRunStarted(at=float(number), step=f"s{number}", host="SM01", attempt=1)


def finished(status: str = "done") -> ev.RunFinished:
    return ev.RunFinished(at=99.0, status=status, exit_code=0, summary="1 changed")


def test_create_gives_the_first_epoch_and_keeps_record_and_plan(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record(), PLAN, "anna on jump01")
    assert (lease.run_id, lease.epoch, lease.owner) == ("2026-11-22-a41c", 1, "anna on jump01")
    assert store.record(lease.run_id) == record()
    assert store.plan(lease.run_id) == PLAN
    assert tuple(store.events(lease.run_id)) == ()


def test_events_come_back_equal_and_in_order(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record(), PLAN, "anna")
    ended = ev.StepRunEnded(
        at=3.25,
        step="s",
        host="SM01",
        attempt=2,
        status=Status.IN_DOUBT,
        why="lost",
        result={"name": "Ä \u202e", "list": (1, None, True)},
        before="absent",
        after={"v": 200000},
        errors=(ScriptError(message="no", types=("A", "B")),),
        proofs=(Proof(kind="k", subject="SM01", observed_at=1.0, step="s"),),
        evidence=(EvidenceRef(digest="ab" * 32, caption="log", size=3),),
    )
    store.append(lease, [step_started(1), ended])
    store.append(lease, [step_started(2)])
    assert tuple(bench.open().events(lease.run_id)) == (step_started(1), ended, step_started(2))


def test_transient_events_are_not_kept(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record(), PLAN, "anna")
    store.append(lease, [ev.Progress(at=1.0, step="s", host="SM01", text="…")])
    store.append(lease, [ev.Progress(at=1.0, step="s", host="SM01", text="…"), step_started(1)])
    assert tuple(store.events(lease.run_id)) == (step_started(1),)


def test_a_batch_is_all_or_nothing(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record(), PLAN, "anna")
    unfit = ev.StepRunStarted(at=float("nan"), step="s", host="SM01", attempt=1)
    with pytest.raises(ValueError, match="not JSON"):
        store.append(lease, [step_started(1), unfit])
    assert tuple(store.events(lease.run_id)) == ()
    store.append(lease, [step_started(2)])
    assert tuple(store.events(lease.run_id)) == (step_started(2),)


def test_a_second_run_on_a_host_is_refused_and_named(bench: Bench) -> None:
    first, second = bench.open(), bench.open()
    first.create(record("first", ("SM01", "DW01")), PLAN, "anna on jump01 (4711)")
    with pytest.raises(HostLocked) as caught:
        second.create(record("second", ("SQL01", "sm01")), PLAN, "bert on jump02")
    assert "sm01 is held by run first" in caught.value.message
    assert "anna on jump01 (4711)" in caught.value.message
    assert "since 20" in caught.value.message
    assert caught.value.remedy
    assert [one.run_id for one in second.runs()] == ["first"], "a refused run leaves nothing behind"
    second.create(record("third", ("SQL01",)), PLAN, "bert on jump02")


def test_a_host_of_a_nested_run_is_freed_by_the_run_that_waits_for_it(bench: Bench) -> None:
    store = bench.open()
    outer = store.create(record("first", ("SM01",)), PLAN, "anna")
    inner = store.create(record("first.sub.1", ("SQL01",)), PLAN, "anna")
    for lease in (inner, outer):
        store.release(lease, keep_hosts=True)
    with pytest.raises(HostLocked) as caught:
        store.create(record("second", ("SQL01",)), PLAN, "bert")
    assert "SQL01 is held by run first.sub.1" in caught.value.message
    assert caught.value.remedy is not None
    assert "`runbook resume first" in caught.value.remedy
    assert "--give-up first" in caught.value.remedy
    assert "first.sub.1" not in caught.value.remedy


def test_a_host_in_doubt_is_freed_by_a_word_and_not_by_resuming(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record("first", ("SM01",)), PLAN, "anna")
    store.append(lease, [ev.RunFinished(at=9.0, status="in doubt", exit_code=8, summary="in doubt")])
    store.release(lease, keep_hosts=True)
    with pytest.raises(HostLocked) as caught:
        store.create(record("second", ("SM01",)), PLAN, "bert")
    assert ", which is in doubt: owner" in caught.value.message
    assert caught.value.remedy is not None
    assert caught.value.remedy.startswith("`runbook report first")
    assert "resume" not in caught.value.remedy


def test_a_living_run_cannot_be_claimed(bench: Bench) -> None:
    bench.open().create(record(), PLAN, "anna on jump01")
    with pytest.raises(HostLocked, match="held by a living process: owner anna on jump01"):
        bench.open().claim("2026-11-22-a41c", "bert")


def test_a_dead_owners_run_is_claimed_at_once_and_its_hosts_stay_held(bench: Bench) -> None:
    first, second = bench.open(), bench.open()
    old = first.create(record(), PLAN, "anna")
    first.append(old, [step_started(1)])
    first.close()
    with pytest.raises(HostLocked) as caught:
        second.create(record("other"), PLAN, "bert")
    assert "runbook resume 2026-11-22-a41c" in (caught.value.remedy or "")
    lease = second.claim("2026-11-22-a41c", "bert")
    assert lease.epoch == 2
    second.append(lease, [step_started(2)])
    assert tuple(second.events(lease.run_id)) == (step_started(1), step_started(2))


def intended(at: float, *owes: Owed) -> ev.ChangeIntended:
    return ev.ChangeIntended(
        at=at, step="s", host="SQL01", attempt=1, why="w", before=None, after=None, commands=("c",), owes=owes
    )


def seen_done(at: float, host: str, *pays: str) -> ev.StepRunEnded:
    return ev.StepRunEnded(at=at, step="d", host=host, attempt=1, status=Status.OK, why="gone", pays=pays)


def test_a_debt_stands_until_a_run_sees_it_done_on_that_host(bench: Bench) -> None:
    first, second = bench.open(), bench.open()
    copy, other = (Owed(key=key, what=f"drop {key}", how="Run it again.") for key in ("copy", "other"))
    lease = first.create(record("first", ("SQL01",)), PLAN, "anna")
    first.append(lease, [intended(1.0, copy, other), intended(2.0, copy)])
    assert [(one.run_id, one.host, one.key, one.since) for one in second.owed()] == [
        ("first", "SQL01", "copy", 1.0),
        ("first", "SQL01", "other", 1.0),
    ]
    first.release(lease, keep_hosts=False)
    later = second.create(record("later", ("SQL01",)), PLAN, "bert")
    second.append(later, [seen_done(3.0, "SQL02", "copy"), seen_done(4.0, "sql01", "other", "never owed")])
    assert [one.key for one in first.owed()] == ["copy"]
    second.append(later, [seen_done(5.0, "SQL01", "copy"), intended(6.0, copy)])
    assert [(one.run_id, one.since) for one in bench.open().owed()] == [("later", 6.0)]


def test_a_refused_append_owes_nothing(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record(), PLAN, "anna")
    store.release(lease, keep_hosts=False)
    with pytest.raises(StorageFailed):
        store.append(lease, [intended(1.0, Owed(key="copy", what="drop", how="Run it."))])
    assert tuple(store.owed()) == ()


def test_an_outdated_lease_appends_nothing(bench: Bench) -> None:
    first, second = bench.open(), bench.open()
    old = first.create(record(), PLAN, "anna")
    first.close()
    second.claim(old.run_id, "bert")
    with pytest.raises(StorageFailed, match=r"no longer belongs to anna .* bert took it up under epoch 2"):
        bench.open().append(old, [step_started(1)])
    assert tuple(second.events(old.run_id)) == ()


def test_a_released_lease_appends_nothing(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record(), PLAN, "anna")
    store.release(lease, keep_hosts=False)
    with pytest.raises(StorageFailed, match="given up before"):
        store.append(lease, [step_started(1)])


def test_release_frees_the_hosts_or_keeps_them(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record("first"), PLAN, "anna")
    store.append(lease, [ev.RunParked(at=2.0, reason="asks", command="runbook answer")])
    store.release(lease, keep_hosts=True)
    assert store.record("first").status == "parked"
    with pytest.raises(HostLocked, match="waits for a person"):
        store.create(record("second"), PLAN, "bert")
    lease = store.claim("first", "bert")
    store.release(lease, keep_hosts=False)
    store.create(record("second"), PLAN, "bert")
    with pytest.raises(HostLocked):
        store.claim("first", "anna")


def test_releasing_an_outdated_lease_changes_nothing(bench: Bench) -> None:
    first, second = bench.open(), bench.open()
    old = first.create(record(), PLAN, "anna")
    first.close()
    lease = second.claim(old.run_id, "bert")
    bench.open().release(old, keep_hosts=False)
    second.append(lease, [step_started(1)])
    with pytest.raises(HostLocked):
        bench.open().create(record("other"), PLAN, "carl")


def test_the_record_follows_the_events(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record(), PLAN, "anna")
    seen = []
    for event in (
        ev.RunInterrupted(at=5.0, in_flight=("reboot@SM01",)),
        ev.RunResumed(at=6.0, epoch=2, operator="anna", jump_host="jump01"),
        finished("in doubt"),
    ):
        store.append(lease, [event])
        one = store.record(lease.run_id)
        seen.append((one.status, one.ended_at))
    assert seen == [("interrupted", None), ("running", None), ("in doubt", 99.0)]


def test_runs_are_listed_newest_first(bench: Bench) -> None:
    store = bench.open()
    for number, host in enumerate(("A", "B", "C")):
        store.create(record(f"run-{host}", (host,), started_at=float(number)), PLAN, "anna")
    assert [one.run_id for one in store.runs()] == ["run-C", "run-B", "run-A"]


def test_an_unknown_run_names_the_nearest(bench: Bench) -> None:
    store = bench.open()
    store.create(record(), PLAN, "anna")
    for ask in (store.record, store.plan, store.events, lambda one: store.claim(one, "bert")):
        with pytest.raises(UsageMistake) as caught:
            ask("2026-11-22-a41d")
        assert caught.value.remedy == "did you mean 2026-11-22-a41c?"
    with pytest.raises(UsageMistake) as caught:
        store.record("zzz")
    assert "runbook runs" in (caught.value.remedy or "")


def test_the_same_run_twice_is_refused(bench: Bench) -> None:
    store = bench.open()
    lease = store.create(record(), PLAN, "anna")
    with pytest.raises(HostLocked):
        bench.open().create(record(hosts=("X",)), PLAN, "bert")
    store.release(lease, keep_hosts=False)
    with pytest.raises(StorageFailed, match="already"):
        store.create(record(hosts=("X",)), PLAN, "bert")


_texts = st.text(max_size=20)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)
_events = st.one_of(
    st.builds(ev.StepRunStarted, at=st.floats(0, 2e9), step=_texts, host=_texts, attempt=st.integers(1, 9)),
    st.builds(
        ev.StepRunEnded,
        at=st.floats(0, 2e9),
        step=_texts,
        host=_texts,
        attempt=st.integers(1, 9),
        status=st.sampled_from(Status),
        why=_texts,
        result=st.dictionaries(_texts, _json, max_size=3),
        before=_json,
        after=_json,
    ),
    st.builds(ev.RunInterrupted, at=st.floats(0, 2e9), in_flight=st.lists(_texts, max_size=3).map(tuple)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(_events, max_size=4), max_size=5))
def test_whatever_is_appended_is_replayed(bench: Bench, batches: list[list[ev.RunEvent]]) -> None:
    store = bench.open()
    run_id = f"run-{len(bench.stores)}"
    lease = store.create(record(run_id, (run_id,)), PLAN, "anna")
    for batch in batches:
        store.append(lease, batch)
    assert list(store.events(run_id)) == [event for batch in batches for event in batch]
    store.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["claim", "append", "die", "release"])), max_size=14)
)
def test_of_many_claimers_only_the_newest_lease_appends(bench: Bench, moves: list[tuple[int, str]]) -> None:
    """Three owners claim, append, die and release in any order; an oracle of three lines says who may append."""
    opener = bench.open()
    run_id = f"race-{len(bench.stores)}"
    opener.release(opener.create(record(run_id, (run_id,)), PLAN, "start"), keep_hosts=False)
    opener.close()
    stores = {number: bench.open() for number in range(3)}
    leases: dict[int, object] = {}
    holder: int | None = None
    written = 0
    for number, move in moves:
        if move == "claim":
            try:
                leases[number] = stores[number].claim(run_id, str(number))
                assert holder is None
                holder = number
            except HostLocked:
                assert holder is not None
        elif move == "append" and number in leases:
            try:
                stores[number].append(leases[number], [step_started(written)])
                assert holder == number
                written += 1
            except StorageFailed:
                assert holder != number
        elif move == "die":
            stores[number].close()
            stores[number] = bench.open()
            holder = None if holder == number else holder
            leases.pop(number, None)
        elif move == "release" and number in leases:
            stores[number].release(leases[number], keep_hosts=False)
            holder = None if holder == number else holder
    assert list(stores[0].events(run_id)) == [step_started(number) for number in range(written)]
    for store in stores.values():
        store.close()
