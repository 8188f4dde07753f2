"""Proofs about names: each database has its own, whatever step gives it; consent is a person's; always has no gates."""

import pytest
from planning_estate import CATALOGUE, INVENTORY, runbook

from engine.planning.plan_json import plan_from_json, plan_to_json
from engine.planning.planner import make_plan
from engine.planning.validate import check_runbook

NAMES = "params: {names: {description: d, type: array, items: {type: string}, default: [a, b]}}\n"
GATE = "{id: gate, name: G, action: t.gate, hosts: db}"
CONSENT = "{id: ask, name: A, action: t.ask, with: {answers: {y: yes, n: no}, proves: consent(loss), proven_by: y}}"
VERIFY = '{id: v, name: V, action: t.verify, hosts: db, with: {names: "{{ params.names }}"}}'
BURN = '{id: o, name: O, action: t.overwrite, hosts: db, with: {names: "{{ params.names }}"}}'


def planned(*steps: str, params: str = NAMES, **given: object):
    spec = runbook("\n".join(steps), params)
    return make_plan(spec, INVENTORY, CATALOGUE, params=given, engine_version="1")


def codes(*steps: str, params: str = NAMES) -> set[str]:
    return {one.code for one in planned(*steps, params=params)[1] if one.severity == "error"}


def test_every_name_needs_its_own_proof_and_a_person_consents() -> None:
    plan, found = planned(GATE, CONSENT, VERIFY, BURN, names=["x", "y"])
    assert plan is not None, [str(one) for one in found]
    needs = [str(one) for one in plan.step("o").requires]
    assert needs == ["whole(x@D1)", "whole(y@D1)", "consent(loss)", "safe(estate)"]
    assert plan.step("v").about == ("x", "y")
    assert plan.step("ask").about == ("loss",)
    assert plan.step("gate").about is None
    assert plan_from_json(plan_to_json(plan)) == plan


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((CONSENT, VERIFY, BURN), "P502"),
        ((GATE, VERIFY, BURN), "R458"),
        ((GATE, CONSENT, VERIFY.replace("{{ params.names }}", "a").replace('"a"', "[a]"), BURN), "P502"),
        ((GATE, CONSENT, VERIFY.replace("hosts: db", "hosts: db, when: facts.x == 1"), BURN), "P501"),
        ((GATE, CONSENT, VERIFY.replace("hosts: db", "hosts: db, on_failure: continue"), BURN), "P501"),
        ((GATE, CONSENT.replace("proven_by: y", "proven_by: maybe"), VERIFY, BURN), "R462"),
        ((GATE, CONSENT.replace("consent(loss)", "whole(a)"), VERIFY, BURN), "R463"),
        ((VERIFY, GATE.replace("hosts: db", "hosts: db, requires: [whole(about)]")), "P505"),
        ((GATE, CONSENT, VERIFY, BURN.replace("hosts: db", "hosts: db, always: true")), "P514"),
        ((VERIFY, "{id: c, name: C, action: t.change, hosts: db, always: true, requires: [whole(a)]}"), "P514"),
    ],
)
def test_a_gap_is_named(steps: tuple[str, ...], code: str) -> None:
    params = NAMES if any("params.names" in one for one in steps) else ""
    assert code in codes(*steps, params=params)


def test_names_that_are_known_only_during_the_run_cannot_be_overwritten() -> None:
    look = "{id: look, name: L, action: t.look, hosts: db}"
    burn = BURN.replace("{{ params.names }}", "{{ steps.look.state }}")
    assert "P513" in codes(GATE, CONSENT, look, VERIFY, burn)


def test_a_look_about_names_needs_no_inventory_to_be_checked() -> None:
    found = check_runbook(runbook(f"{GATE}\n{CONSENT}\n{VERIFY}\n{BURN}", NAMES), CATALOGUE)
    assert [one for one in found if one.severity == "error"] == []


def test_a_step_that_always_runs_may_change_what_can_be_undone() -> None:
    plan, _ = planned("{id: c, name: C, action: t.change, hosts: db, always: true}", params="")
    assert plan is not None
    assert plan.step("c").always
