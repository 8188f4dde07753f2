"""Files, registry, events and clock of a machine: names without case, nothing lost, nothing invented."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.lab.clock import LabClock, iso
from engine.lab.estate import build_estate
from engine.lab.machine_events import EventLogs
from engine.lab.machine_files import Files, normal, parent
from engine.lab.machine_registry import Registry
from engine.lab.pwsh_state import state_of, take_over

PART = st.text(alphabet="abcXYZ 0._-", min_size=1, max_size=6).filter(lambda text: text.strip(" .") == text)
PATH = st.lists(PART, min_size=1, max_size=4).map(lambda parts: "C:\\" + "\\".join(parts))


@given(PATH)
def test_paths_have_one_form(path: str) -> None:
    assert normal(normal(path)) == normal(path)
    assert normal(path.replace("\\", "/") + "/") == normal(path)
    assert path.lower().startswith(parent(path).lower())


@given(st.dictionaries(PATH.map(str.lower), st.binary(max_size=8), max_size=6))
def test_a_file_is_found_in_any_case(content: dict[str, bytes]) -> None:
    files = Files()
    for path, data in content.items():
        files.write(path.upper(), data, modified=1.0)
    for path, data in content.items():
        found = files.get(path)
        assert found is not None
        assert found.content == data
        assert files.is_folder(parent(path))
    assert len(list(files)) == len(content)
    assert all(files.delete(path) for path in content)
    assert not list(files)


@given(st.lists(st.tuples(PATH, PART, st.integers(0, 2**32 - 1)), max_size=8))
def test_the_last_write_of_a_value_stands(writes: list[tuple[str, str, int]]) -> None:
    registry, expected = Registry(), {}
    for path, name, data in writes:
        key = path.replace("C:", "HKLM")
        registry.set(key.upper(), name, data)
        expected[key.lower(), name.lower()] = data
    for (key, name), data in expected.items():
        assert registry.data(key, name) == data
        assert registry.remove(key, name)
        assert registry.get(key, name) is None
        assert registry.key(key) is not None


def test_keys_below_are_listed_and_removed() -> None:
    registry = Registry()
    registry.make_key(r"HKLM\SOFTWARE\A\B")
    registry.make_key(r"HKLM\SOFTWARE\Ab")
    assert registry.children(r"hklm\software") == ["A", "Ab"]
    registry.remove_key(r"HKLM\software\a")
    assert registry.children(r"HKLM\SOFTWARE") == ["Ab"]


@pytest.mark.parametrize("name", ["upgrade-failed", "healthy"])
def test_nothing_changed_is_nothing_taken_over(name: str) -> None:
    for machine in build_estate(name).machines.values():
        before = state_of(machine)
        exported = {key: before[key] for key in ("services", "logs", "now", "restart")}
        take_over(machine, exported, before)
        assert state_of(machine) == before


def test_event_ids_as_windows_shows_them() -> None:
    logs = EventLogs()
    logs.add("System", "S", 7009, "Error", "text", at=0.0)
    logs.add("system", "S", 1074, "Information", "text", at=1.0, qualifiers=0xC004)
    first, second = logs.make("SYSTEM").entries
    assert (first.event_id, first.instance_id) == (7009, 0xC0001B61)
    assert (second.event_id & 0xFFFF, second.event_id) == (1074, 0x00040432)
    assert (first.record, second.record) == (1, 2)


def test_a_manual_clock_moves_when_somebody_waits() -> None:
    clock, condition = LabClock(1000.0, speed=None), threading.Condition()
    with condition:
        clock.wait(45.0, condition)
    assert clock.now() == 1045.0
    assert clock.real_seconds(100.0) == 0.0


def test_a_fast_clock_passes_more_time_than_the_wall() -> None:
    clock, condition = LabClock(0.0, speed=1000.0), threading.Condition()
    with condition:
        clock.wait(45.0, condition)
    assert clock.now() >= 45.0
    assert clock.real_seconds(45.0) == 0.045


def test_a_clock_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        LabClock(speed=0.0)


def test_times_as_the_payloads_write_them() -> None:
    assert iso(1362218400.9) == "2013-03-02T10:00:00Z"
