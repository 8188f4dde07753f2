"""A saved plan of an engine that knew fewer fields is read as what it was; one that was changed by hand is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import PlanOutdated
from engine.planning.stamp import saved_plan

CASES = sorted((Path(__file__).parents[2] / "cases" / "plans").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_older_plan_is_genuine(path: Path) -> None:
    plan = saved_plan(read(path))
    assert [one.id for one in plan.steps] == ["ask", "look", "write"]
    assert plan.step("write").requires[0].host is None
    assert plan.step("write").runs is None
    assert not plan.step("write").always


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "change",
    [
        {"always": True},
        {"runs": "0" * 64},
        {"about": ["x"]},
        {"requires": []},
        {"args": {"path": "/srv/other", "content": "x"}},
        {"max_failures": 3},
    ],
    ids=str,
)
def test_one_that_was_changed_by_hand_is_not(path: Path, change: dict[str, object]) -> None:
    data = read(path)
    data["steps"][2].update(change)
    with pytest.raises(PlanOutdated, match="changed after it was made"):
        saved_plan(data)


@pytest.mark.parametrize("field", ["about", "always"])
def test_a_field_that_was_there_is_missed(field: str) -> None:
    data = read(CASES[1])
    del data["steps"][2][field]
    with pytest.raises(PlanOutdated, match="changed after it was made"):
        saved_plan(data)


def test_the_place_of_a_required_proof_cannot_be_slipped_in() -> None:
    data = read(CASES[1])
    data["steps"][2]["requires"][0]["host"] = "B"
    with pytest.raises(PlanOutdated, match="changed after it was made"):
        saved_plan(data)
