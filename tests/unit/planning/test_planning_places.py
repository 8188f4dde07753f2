"""A proof about a name is one of the server it was gained on: another server may have a database of the same name."""

import pytest
from planning_estate import CATALOGUE, INVENTORY, runbook
from test_planning_names import BURN, CONSENT, GATE, NAMES, VERIFY, codes, planned

from engine.planning.plan_json import plan_from_json, plan_to_json
from engine.planning.planner import make_plan
from engine.planning.validate import check_runbook

ELSEWHERE = VERIFY.replace("hosts: db", "hosts: app")
BOTH = VERIFY.replace("hosts: db", "hosts: [app, db]")


def needs(plan: object, step: str = "o") -> list[str]:
    return [str(one) for one in plan.step(step).requires]  # type: ignore[attr-defined]


def test_a_proof_of_another_server_is_none_of_this_one() -> None:
    _, found = planned(GATE, CONSENT, ELSEWHERE, BURN)
    missing = [one for one in found if one.severity == "error"]
    assert {one.code for one in missing} == {"P502"}
    assert "whole(a@D1)" in missing[0].message
    assert "a@A1" in str(missing[0].hint)


def test_a_step_on_several_hosts_needs_the_names_of_each_of_them() -> None:
    burn = BURN.replace("hosts: db", "hosts: [app, db]")
    assert "P502" in codes(GATE, CONSENT, VERIFY, burn)
    plan, found = planned(GATE, CONSENT, BOTH, burn, names=["x"])
    assert plan is not None, [str(one) for one in found]
    assert needs(plan)[:3] == ["whole(x@A1)", "whole(x@A2)", "whole(x@D1)"]


def test_each_host_has_its_own_names() -> None:
    names = "params: {names: {description: d, type: object, default: {A1: [a], A2: [b], D1: [c]}}}\n"
    own = '"{{ params.names[host.name] }}"'
    verify, burn = (one.replace('"{{ params.names }}"', own) for one in (BOTH, BURN))
    plan, found = planned(GATE, CONSENT, verify, burn.replace("hosts: db", "hosts: [app, db]"), params=names)
    assert plan is not None, [str(one) for one in found]
    assert needs(plan)[:3] == ["whole(a@A1)", "whole(b@A2)", "whole(c@D1)"]
    assert plan_from_json(plan_to_json(plan)) == plan
    # what A2 proves of its own names says nothing about those that D1 is about
    swapped = verify.replace("hosts: [app, db]", "hosts: app").replace("params.names[host.name]", "params.names.D1")
    assert "P502" in codes(GATE, CONSENT, swapped, burn, params=names)


def test_a_name_that_is_written_out_is_of_the_own_host_unless_it_says_where() -> None:
    change = "{id: c, name: C, action: t.change, hosts: db, requires: [whole(a)]}"
    assert "P502" in codes(ELSEWHERE, change)
    plan, _ = planned(BOTH, change)
    assert plan is not None
    assert needs(plan, "c") == ["whole(a@D1)"]
    plan, found = planned(ELSEWHERE, change.replace("whole(a)", "whole(a@app)"))
    assert plan is not None, [str(one) for one in found]
    assert needs(plan, "c") == ["whole(a@A1)", "whole(a@A2)"]


def test_a_look_from_elsewhere_adds_to_what_the_action_needs_of_its_own_host() -> None:
    burn = BURN.replace("hosts: db", "hosts: db, requires: [whole(about@app)]")
    assert "P502" in codes(GATE, CONSENT, ELSEWHERE, burn)
    assert "P502" in codes(GATE, CONSENT, VERIFY, burn)
    plan, found = planned(GATE, CONSENT, BOTH, burn, names=["x"])
    assert plan is not None, [str(one) for one in found]
    assert needs(plan)[:3] == ["whole(x@A1)", "whole(x@A2)", "whole(x@D1)"]


@pytest.mark.parametrize("written", ["whole(a@nowhere)", "safe(estate@db)", "safe(db@app)"])
def test_a_place_that_does_not_fit_is_said_where_it_is_written(written: str) -> None:
    steps = [GATE, VERIFY, f"{{id: c, name: C, action: t.change, hosts: db, requires: [{written}]}}"]
    found = check_runbook(runbook("\n".join(steps), NAMES), CATALOGUE)
    assert {one.code for one in found if one.severity == "error"} == {"R465"}


def test_a_person_whose_deed_needs_a_name_needs_it_of_every_server_that_has_one() -> None:
    ask = "{id: q, name: Q, action: t.ask, with: {answers: {y: yes}}, requires: [whole(a), consent(loss)]}"
    plan, found = planned(CONSENT, BOTH, ask)
    assert plan is not None, [str(one) for one in found]
    assert needs(plan, "q") == ["whole(a@A1)", "whole(a@A2)", "whole(a@D1)", "consent(loss)"]


def test_two_instances_of_one_host_are_two_places() -> None:
    on = "with: {instance: %s, names: [a]}"
    first, second = (on % name for name in ("ONE", "TWO"))
    verify = f"{{id: v, name: V, action: t.verify, hosts: db, {first}}}"
    burn = "{id: o, name: O, action: t.overwrite, hosts: db, %s}"
    assert "P502" in codes(GATE, CONSENT, verify, burn % second, params="")
    plan, found = planned(GATE, CONSENT, verify, burn % first, params="")
    assert plan is not None, [str(one) for one in found]
    assert needs(plan)[0] == "whole(ONE\\a@D1)"


@pytest.mark.parametrize("choice", [{"tags": ("burn",)}, {"start_at": "o"}])
def test_a_choice_of_steps_keeps_the_proofs_of_the_own_host_and_no_others(choice: dict[str, object]) -> None:
    burn = BURN.replace("hosts: db", "hosts: db, tags: [burn]")
    spec = runbook("\n".join((GATE, CONSENT, ELSEWHERE, VERIFY.replace("id: v", "id: w"), burn)), NAMES)
    plan, found = make_plan(spec, INVENTORY, CATALOGUE, params={}, engine_version="1", **choice)  # type: ignore[arg-type]
    assert plan is not None, [str(one) for one in found]
    assert [one.id for one in plan.steps] == ["gate", "ask", "w", "o"]


def test_a_limit_takes_no_host_out_of_a_proof_that_names_a_set() -> None:
    gate = GATE.replace("hosts: db", "hosts: [app, db]")
    for needed in ("safe(app)", "whole(about@app)"):
        burn = BURN.replace("hosts: db", f"hosts: db, requires: [{needed}]")
        spec = runbook(f"{gate}\n{CONSENT}\n{BOTH}\n{burn}", NAMES)
        plan, found = make_plan(spec, INVENTORY, CATALOGUE, params={}, engine_version="1")
        assert plan is not None, [str(one) for one in found]
        plan, found = make_plan(spec, INVENTORY, CATALOGUE, params={}, engine_version="1", limit="D1,A1")
        assert plan is None
        assert "P512" in {one.code for one in found}


def test_a_limit_does_not_make_a_proof_about_names_cheaper() -> None:
    spec = runbook(f"{GATE}\n{CONSENT}\n{BOTH}\n{BURN}", NAMES)
    plan, found = make_plan(spec, INVENTORY, CATALOGUE, params={}, engine_version="1", limit="D1,A1")
    assert plan is not None, [str(one) for one in found]
    assert needs(plan)[0] == "whole(a@D1)"
    app = runbook("\n".join((GATE, CONSENT, BOTH, BURN.replace("hosts: db", "hosts: [app, db]"))), NAMES)
    plan, found = make_plan(app, INVENTORY, CATALOGUE, params={}, engine_version="1", limit="D1,A1")
    assert plan is not None, [str(one) for one in found]
    assert [one for one in needs(plan) if one.startswith("whole")] == [
        "whole(a@A1)", "whole(b@A1)", "whole(a@D1)", "whole(b@D1)",
    ]  # fmt: skip
