"""The published schemas describe what the engine really writes: plans and events of a real run validate."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rehearsal import Person, World, plan, rehearse, step

from engine.app import lab as use_case
from engine.app import plan as planning
from engine.app.request import PlanRequest
from engine.model.event import event_to_json
from engine.model.origin import Origin
from engine.model.packaged import schema_text
from engine.model.runbook import Requirement, RetrySpec
from engine.planning.plan_json import plan_to_json

APPROVAL = Requirement(kind="approval", subject="operator", origin=Origin("x", 1, 1))


def validator(kind: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads(schema_text(kind)))


def test_a_real_plan_fits_its_schema(tmp_path: Path) -> None:
    lab = use_case.up(tmp_path / "lab")
    lab.stop()
    request = PlanRequest(
        runbook="configuration-service-timeout", inventory=str(lab.inventory), baseline=str(lab.baseline)
    )
    data = json.loads(json.dumps(plan_to_json(planning.make(request).plan)))
    assert [error.message for error in validator("plan").iter_errors(data)] == []


@pytest.mark.parametrize("approval", ["approve", "deny"])
def test_the_events_of_a_run_fit_their_schema(approval: str) -> None:
    the_plan = plan(
        step(1, "ask"),
        step(2, "change", ("A", "B"), retry=RetrySpec(attempts=2)),
        step(3, "destroy", requires=(APPROVAL,)),
    )
    world = World(faults={("s2", "A"): ["error"], ("s2", "B"): ["lost after"]})
    run = rehearse(the_plan, world=world, person=Person(answers=["yes"], approvals=[approval]))
    for one in run.events:
        data = json.loads(json.dumps(event_to_json(one)))
        assert [error.message for error in validator("event").iter_errors(data)] == [], one.kind
