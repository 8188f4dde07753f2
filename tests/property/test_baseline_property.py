"""Whatever hosts answer: a baseline that is recorded is valid, holds what was told, and counts what it holds."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.actions.service_manager_baseline import ServiceManagerBaseline
from engine.language.load import load_baseline
from engine.model.inventory import HostView
from engine.model.result import Refuse, Unchanged

ACTION = ServiceManagerBaseline()
CASES = Path(__file__).parents[1] / "cases" / "actions" / "service_manager.baseline" / "cases.yaml"
WHOLE: dict[str, Any] = yaml.safe_load(CASES.read_text(encoding="utf-8"))[0]["args"]
ENGINE = HostView(name="engine", platform="windows")
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "unknown", "7.5", "SM01", "x" * 40, "7.5.1561.0.0.0.0.0.0", "none", "sql-server"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "path", "databases", "account", "found", "role", "server"]), inner)
    ),
    max_leaves=6,
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value within, also to those that hold others; below the hosts."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [path] if len(path) > 2 else []
    return here + [way for name, one in items for way in leaves(one, (*path, name))]


def put(place: Any, way: tuple[Any, ...], value: Any) -> None:
    """Set the value at the end of the way, if an earlier change has left the way open."""
    first, *rest = way
    known = list(place) if isinstance(place, dict) else list(range(len(place))) if isinstance(place, list) else []
    if first not in known:
        return
    if rest:
        put(place[first], tuple(rest), value)
    else:
        place[first] = value


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(leaves(WHOLE)), ODD), min_size=1, max_size=4))
def test_what_is_recorded_is_valid_whatever_was_answered(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    args = json.loads(json.dumps(WHOLE))
    for way, value in changes:
        put(args, way, value)
    decision = ACTION.decide(args, ENGINE, ())
    assert isinstance(decision, Unchanged | Refuse)
    jsonschema.Draft202012Validator(ACTION.info.result).validate(decision.result)
    result: dict[str, Any] = dict(decision.result)
    document = result["document"]
    text = json.dumps(document)
    assert load_baseline(text, "baseline.yaml")[1] == (), text
    assert bool(result["gaps"]) is isinstance(decision, Refuse)
    if isinstance(decision, Unchanged):
        assert decision.examined == result["examined"] > 0
        assert all("role" in one and "computer_name" in one for one in document["hosts"].values())
