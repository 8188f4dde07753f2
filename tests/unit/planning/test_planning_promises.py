"""What would only come out in the middle of a run is found before it: secrets, approvers, what is no condition."""

import pytest
from test_planning_names import codes, planned

SECRET = "params: {s: {description: S, secret: true}}\n"


def look(more: str) -> str:
    return f"{{id: a, name: A, action: t.look, hosts: db, {more}}}"


@pytest.mark.parametrize(
    "step",
    [
        look("when: params.s == 'x'"),
        look("wait: {until: params.s == 'x'}"),
        look("with: {name: 'user {{ params.s }}'}"),
        look("with: {name: '{{ params.s | upper }}'}"),
        look("with: {name: '{{ params.s if true else params.s }}'}"),
    ],
)
def test_a_secret_is_only_handed_on(step: str) -> None:
    assert "R469" in codes(step, params=SECRET)


@pytest.mark.parametrize("text", ["{{ params.s }}", "{{params['s']}}"])
def test_a_secret_that_is_handed_on(text: str) -> None:
    assert "R469" not in codes(look(f'with: {{name: "{text}"}}'), params=SECRET)


@pytest.mark.parametrize("who", ["anna", "estate", "db"])
def test_an_approval_is_the_operators(who: str) -> None:
    step = "{id: a, name: A, action: t.change, hosts: app, requires: [approval(%s)]}"
    assert codes(step % who, params="") == {"R468"}
    plan, found = planned(step % "operator", params="")
    assert plan is not None, [str(one) for one in found]


def test_a_baseline_is_no_condition() -> None:
    assert "E304" in codes(look("when: run.baseline"), params="")
    assert codes(look("when: run.baseline == none"), params="") == set()


@pytest.mark.parametrize(
    "step",
    [
        "{id: a, name: A, action: t.look, hosts: db, when: params.nn == 1}",
        "{id: a, name: A, action: t.look, hosts: dbb, when: params.n == 1}",
    ],
)
def test_a_slip_brings_no_advice_to_take_out_what_it_meant(step: str) -> None:
    params = "params: {n: {description: N, type: integer, default: 1}}\n"
    _, found = planned(step, params=params)
    assert [one.severity for one in found] == ["error"]
