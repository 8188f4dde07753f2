"""An answer is data and never trusted: whatever a host sends, the actions decide, and plain nonsense proves nothing."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.actions import load_actions
from engine.actions.service_manager_installation import version_key
from engine.actions.tsql_select import NotASelect, check_select
from engine.model.command import Script
from engine.model.data import canonical_json
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Refuse, Unchanged
from engine.model.secret import Secret

HOST = HostView(name="SM01", platform="windows")
BASELINE = {"hosts": {"SM01": {"versions": {"binaries": "7.5.1561.0", "databases": {"A": "7.5.1561.0"}}}}}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "windows.log_search": {"files": ["C:\\a.log"], "patterns": [{"id": "a", "contains": "b"}]},
    "windows.file": {"path": "C:\\a", "content": "b"},
    "windows.xml_element": {"file": "C:\\a", "parent": "/b", "element": "c", "attributes": {"d": "e"}},
    "windows.script": {"script": "1", "effect": "observe"},
    "service_manager.installation": {},
    "service_manager.versions": {"compare_with": BASELINE},
    "mssql.query": {"query": "SELECT 1"},
    "posix.command": {"argv": ["a"], "effect": "observe"},
    "posix.file": {"path": "/a", "content": "b"},
}
WORDS = """found kind size files matches skipped lines pattern rows columns databases programs version name
sql_instances branch
sdk_service_type stdout exit_code attributes root well_formed sha256 element_found management_group A"""
KEYS = st.sampled_from(WORDS.split())
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=8),
    max_leaves=25,
)


@pytest.mark.parametrize("name", ARGUMENTS)
@given(answers=st.lists(ANSWERS, min_size=2, max_size=2))
@settings(max_examples=120, deadline=None)
def test_any_answer_is_decided(name: str, answers: list[Any]) -> None:
    action = load_actions()[name]
    seen: list[CommandResult] = []
    while action.observe(ARGUMENTS[name], HOST, seen) is not None:
        seen.append(CommandResult(ok=True, value=answers[len(seen)]))
    decision = action.decide(ARGUMENTS[name], HOST, seen)
    assert decision.why
    json.loads(canonical_json(decision.result))
    if isinstance(decision, Unchanged) and decision.proofs:
        assert "7.5.1561.0" in json.dumps(answers)


@given(st.text(max_size=60))
@settings(max_examples=400)
def test_any_text_is_judged(text: str) -> None:
    with contextlib.suppress(NotASelect):
        check_select(text)


@given(st.text(max_size=20))
def test_quoted_text_is_only_text(text: str) -> None:
    quoted, named = text.replace("'", "''"), text.replace("]", "]]")
    check_select(f"SELECT '{quoted} DELETE', [{named} DROP] FROM t -- EXEC\n")


@pytest.mark.parametrize(
    ("older", "newer"), [("7.5.1561.0", "7.5.2905.0"), ("7.5.2905.0", "7.5.10000"), ("unknown", "0.1"), ("7.5.", "1")]
)
def test_versions_are_compared_as_numbers(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


def test_a_secret_is_sent_as_one_or_refused() -> None:
    secret = Secret("s3cr3t")
    for name, args in (
        ("windows.file", {"path": "C:\\a", "content": secret}),
        ("posix.file", {"path": "/a", "content": secret}),
        ("windows.xml_element", {"file": "C:\\a", "parent": "/b", "element": "c", "attributes": {"d": secret}}),
    ):
        action = load_actions()[name]
        assert action.observe(args, HOST, []) is None
        assert isinstance(action.decide(args, HOST, []), Refuse)
    for name, args, key in (
        ("posix.command", {"argv": ["a", secret], "effect": "observe"}, "arg2"),
        ("posix.command", {"script": "a", "arguments": {"b": secret}, "effect": "observe"}, "b"),
        ("windows.script", {"script": "a", "arguments": {"b": secret}, "effect": "observe"}, "b"),
    ):
        look = load_actions()[name].observe(args, HOST, [])
        assert isinstance(look, Script)
        assert look.arguments[key] is secret


@pytest.mark.parametrize("text", ["param($Arguments)\n1", "# a\n\nPARAM (\n$x)\n1", "<# a\nb #> param($y) 1"])
def test_a_script_with_parameters_of_its_own_is_left_alone(text: str) -> None:
    look = load_actions()["windows.script"].observe({"script": text, "effect": "observe"}, HOST, [])
    assert isinstance(look, Script)
    assert look.text == text


def test_a_script_without_parameters_gets_them() -> None:
    look = load_actions()["windows.script"].observe({"script": "$params = 1", "effect": "observe"}, HOST, [])
    assert isinstance(look, Script)
    assert look.text == "param($Arguments)\n$params = 1"
