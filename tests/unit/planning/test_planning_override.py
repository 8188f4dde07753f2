"""A requirement that a step writes adds to what its action needs of each name; it never takes its place."""

import pytest
from test_planning_names import BURN, CONSENT, GATE, VERIFY, codes, planned

ONLY_A = VERIFY.replace('"{{ params.names }}"', "[a]")


@pytest.mark.parametrize("written", ["whole(a)", "whole(estate)"])
def test_a_proof_of_one_name_does_not_stand_for_the_others(written: str) -> None:
    burn = BURN.replace("hosts: db", f"hosts: db, requires: [{written}]")
    plan, found = planned(GATE, CONSENT, VERIFY, burn)
    assert plan is not None, [str(one) for one in found]
    assert {"whole(a@D1)", "whole(b@D1)"} <= {str(one) for one in plan.step("o").requires}
    assert "P502" in codes(GATE, CONSENT, ONLY_A, burn)
