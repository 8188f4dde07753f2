"""Runbooks that a runbook runs are planned with it: what they lack is told before any host is touched."""

from pathlib import Path

import pytest

from engine.app import plan as planning
from engine.app.request import PlanRequest
from engine.model.errors import DocumentsRejected
from engine.model.status import Effect

HEAD = "schema: runbook/v1\nname: {name}\nversion: 1.0.0\ntitle: T\npurpose: P\nsources: [s]\n"
INNER = HEAD.format(name="inner") + (
    "params: {size: {description: d, type: integer}, note: {description: d, default: x}}\n"
    "hosts: {h: {pattern: all}}\n"
    "steps:\n"
    "  - {id: look, name: L, action: windows.service, hosts: h, with: {name: '{{ params.note }}'},\n"
    "     when: params.size > 1}\n"
)
INVENTORY = "all: {vars: {ansible_connection: winrm}, hosts: {A: {}, B: {}}}\n"


def plan(folder: Path, step: str, inner: str = INNER, before: str = ""):
    (folder / "inner.yaml").write_text(inner)
    (folder / "inventory.yaml").write_text(INVENTORY)
    outer = HEAD.format(name="outer") + "hosts: {h: {pattern: A}}\nsteps:\n" + before + step
    (folder / "outer.yaml").write_text(outer)
    return planning.make(PlanRequest(runbook=str(folder / "outer.yaml"), inventory=str(folder / "inventory.yaml")))


LOOK = "  - {id: first, name: F, action: windows.service, hosts: h, with: {name: X}}\n"


def child(params: str, more: str = "", name: str = "inner") -> str:
    return f"  - {{id: sub, name: S, why: W, action: runbook, with: {{name: {name}, params: {params}{more}}}}}\n"


def test_a_runbook_that_fits_is_planned(tmp_path: Path) -> None:
    assert plan(tmp_path, child("{size: 2}"), before=LOOK).plan.steps[-1].id == "sub"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (child("{size: 2}", name="missing"), "missing"),
        (child("{}"), "the parameter size has no value"),
        (child("{size: two}"), "two"),
        (child("{size: 2, sise: 3}"), "sise"),
        (child("{size: 2}", more=", limit: C"), "C"),
        (child("{sise: '{{ steps.first.state }}'}"), "gives sise to inner, which has no such parameter"),
        (child("{note: '{{ steps.first.state }}'}"), "without size, which it needs"),
    ],
)
def test_what_it_lacks_is_said_at_the_step_that_runs_it(step: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentsRejected) as caught:
        plan(tmp_path, step, before=LOOK)
    found = [one for one in caught.value.diagnostics if one.code == "P524"]
    assert found, [str(one) for one in caught.value.diagnostics]
    assert any(words in one.message for one in found), [one.message for one in found]
    assert all(one.origin is not None and one.origin.file.endswith("outer.yaml") for one in found)


def test_a_step_that_its_inputs_leave_out_needs_nothing(tmp_path: Path) -> None:
    with pytest.raises(DocumentsRejected):
        plan(tmp_path, child("{}"), before=LOOK)
    gone = "params: {deep: {description: d, type: boolean, default: false}}\n"
    left_out = child("{}").replace("action: runbook", "when: params.deep, action: runbook")
    text = HEAD.format(name="outer") + gone + "hosts: {h: {pattern: all}}\nsteps:\n" + LOOK + left_out
    (tmp_path / "outer.yaml").write_text(text)
    request = PlanRequest(runbook=str(tmp_path / "outer.yaml"), inventory=str(tmp_path / "inventory.yaml"))
    assert planning.make(request).plan.steps[-1].id == "sub"


def test_runbooks_that_run_each_other_are_refused(tmp_path: Path) -> None:
    back = HEAD.format(name="inner") + "hosts: {h: {pattern: all}}\nsteps:\n" + LOOK + child("{}", name="outer")
    with pytest.raises(DocumentsRejected) as caught:
        plan(tmp_path, child("{}"), inner=back, before=LOOK)
    assert "without an end" in str(caught.value.diagnostics[0].message)


def test_a_step_that_runs_a_permanent_runbook_is_permanent(tmp_path: Path) -> None:
    burn = (
        "  - {id: burn, name: B, why: W, action: windows.script, effect: permanent, hosts: h,\n"
        "     requires: [approval(operator)], with: {script: Clear-Content X}}\n"
    )
    inner = INNER + burn
    found = plan(tmp_path, child("{size: 2}"), inner=inner, before=LOOK).plan
    assert found.step("sub").effect is Effect.PERMANENT
    assert found.point_of_no_return == 1
    assert "retry" not in found.step("sub").exits.after
    unknown = plan(tmp_path, child("{size: 2, note: '{{ steps.first.state }}'}"), inner=inner, before=LOOK).plan
    assert unknown.step("sub").effect is Effect.PERMANENT
    harmless = plan(tmp_path, child("{size: 2}"), before=LOOK).plan
    assert harmless.step("sub").effect is Effect.REVERSIBLE


def test_a_step_that_always_runs_may_not_run_what_is_permanent(tmp_path: Path) -> None:
    always = child("{size: 2}").replace("why: W", "why: W, always: true")
    assert plan(tmp_path, always, before=LOOK).plan.steps[-1].always
    burns = INNER.replace("with: {name: '{{ params.note }}'}", "effect: permanent, with: {name: X, state: running}")
    with pytest.raises(DocumentsRejected) as caught:
        plan(tmp_path, always, inner=burns, before=LOOK)
    assert [one.code for one in caught.value.diagnostics] == ["P514"], [str(one) for one in caught.value.diagnostics]
