"""Whatever a host sends to the Service Manager actions: they decide, in the words of their schemas."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.actions import load_actions
from engine.actions.service_manager_packs import PackFile, in_order
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, ScriptError, Unchanged

HOST = HostView(name="SM01", platform="windows")
BEFORE = "2013-03-02T09:30:00Z"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "service_manager.services": {"state": "stopped", "optional": ["OMCFG"]},
    "service_manager.key_backup": {"path": "C:\\k.bin", "before": BEFORE},
    "service_manager.management_packs": {"min_count": 2},
    "service_manager.export_management_packs": {"path": "C:\\p"},
    "service_manager.import_management_packs": {"path": "C:\\p"},
    "service_manager.pack_folder": {"path": "C:\\p"},
    "service_manager.warehouse_jobs": {"schedules": "disabled", "expect_idle": True},
    "service_manager.warehouse_source": {"server": "dw01"},
    "service_manager.media": {"path": "C:\\m", "version": "7.5"},
    "service_manager.identity": {"computer": "SM01", "domain": "contoso.lab"},
    "windows.tcp_port": {"computer": "localhost", "port": [5724, 80], "expect": "closed"},
    "windows.account_logon": {"services": ["OMSDK", "OMCFG"]},
}
WORDS = [
    "OMSDK",
    "OMCFG",
    "HealthService",
    "Running",
    "Stopped",
    "7.5.1561.0",
    "1.0.0.1",
    "file",
    "2013-03-02T08:30:00Z",
    "C:\\SM\\",
    "x",
]
KEYS = """services name found state start_mode account exit_code display_name events record id strings time ports
    port open why packs version sealed files others references jobs status schedules enabled programs
    installed folder_created kind size modified readable sha256 install_directory rows DisplayName Server
    computer_name fqdn domain_joined"""
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 8000),
    st.floats(allow_nan=False),
    st.sampled_from([*WORDS, "Not Started", ""]),
)
KEY = st.sampled_from(KEYS.split())
INSIDE = st.one_of(PLAIN, st.lists(PLAIN, max_size=3), st.dictionaries(KEY, PLAIN, max_size=3))
ROWS = st.lists(st.one_of(st.dictionaries(KEY, INSIDE, max_size=12), PLAIN), max_size=4)
ANSWERS = st.dictionaries(KEY, st.one_of(ROWS, ROWS, INSIDE), max_size=12)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_any_answer_is_decided_on(name: str) -> None:
    action = load_actions()[name]
    properties: Any = action.info.arguments["properties"]
    args = {**{key: one["default"] for key, one in properties.items() if "default" in one}, **ARGUMENTS[name]}
    schema = jsonschema.Draft202012Validator(action.info.result)

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def decide(data: st.DataObject) -> None:
        seen: list[CommandResult] = []
        while action.observe(args, HOST, seen) is not None:
            value = data.draw(ANSWERS)
            if data.draw(st.booleans()) and not seen:
                value["install_directory"] = "C:\\SM"
            seen.append(CommandResult(ok=True, value=value))
        decision = action.decide(args, HOST, seen)
        if isinstance(decision, Unchanged | Change) or decision.result:
            schema.validate(decision.result)
        if isinstance(decision, Unchanged) and decision.proofs:
            assert decision.examined

    decide()


def test_a_failed_look_at_the_media_is_an_answer() -> None:
    action = load_actions()["service_manager.media"]
    failed = CommandResult(ok=False, errors=(ScriptError(message="denied"),))
    assert action.tolerates({}, HOST, failed)
    assert not load_actions()["service_manager.identity"].tolerates({}, HOST, failed)


@given(st.lists(st.tuples(st.sampled_from("ABCDEF"), st.lists(st.sampled_from("abcdefxy"), max_size=3)), max_size=6))
def test_an_import_has_each_pack_after_those_it_builds_on(drawn: list[tuple[str, list[str]]]) -> None:
    named = dict(drawn)
    # Only references to letters before it: no circles.
    files = [
        PackFile(
            file=f"{name}.xml",
            name=name,
            version="1.0",
            references=tuple(one for one in references if one.upper() < name),
        )
        for name, references in named.items()
    ]
    placed = in_order(files)
    assert sorted(one.name for one in placed) == sorted(named)
    for number, one in enumerate(placed):
        later = {other.name.lower() for other in placed[number:]}
        assert not later & set(one.references)
