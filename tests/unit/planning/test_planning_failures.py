"""What a failure means is said in one way, or the runbook is refused."""

import pytest
from test_planning_names import codes, planned

LATER = "{id: z, name: Z, action: t.look, hosts: db}"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("{id: a, name: A, action: t.change, hosts: app, on_failure: finding}", "R467"),
        ("{id: a, name: A, action: t.look, hosts: app, on_failure: finding, max_failures: 1}", "R467"),
        ("{id: a, name: A, action: t.look, hosts: app, on_failure: continue, max_failures: 1}", "R467"),
        ("{id: a, name: A, action: t.look, hosts: app, on_failure: z, max_failures: 2}", "P525"),
    ],
)
def test_what_says_two_things_is_refused(step: str, code: str) -> None:
    assert codes(step, LATER, params="") == {code}


@pytest.mark.parametrize(
    "step",
    [
        "{id: a, name: A, action: t.look, hosts: app, on_failure: finding}",
        "{id: a, name: A, action: t.change, hosts: app, on_failure: z, max_failures: 1}",
        "{id: a, name: A, action: t.change, hosts: app, on_failure: continue, max_failures: 1, serial: 1}",
        "{id: a, name: A, action: t.change, hosts: app, max_failures: 2}",
    ],
)
def test_what_says_one_thing_is_planned(step: str) -> None:
    plan, found = planned(step, LATER, params="")
    assert plan is not None, [str(one) for one in found]


def test_a_finding_leaves_the_proof_unproven() -> None:
    gate = "{id: gate, name: G, action: t.gate, hosts: db, on_failure: finding}"
    assert codes(gate, "{id: b, name: B, action: t.burn, hosts: db}", params="") == {"P501"}
