"""Each lint rule finds what it is for, and leaves the nearest innocent case alone."""

from dataclasses import replace

import pytest

from engine.lint import RULES, lint
from engine.lint.codes import EXPLANATIONS
from engine.lint.verbs import writing_words
from engine.planning.planner import make_plan
from tests.support.planning_estate import CATALOGUE, HOSTS, INVENTORY, runbook

SCRIPT = (
    "{{id: s, name: S, action: windows.script, hosts: db, why: W, requires: [approval(operator)], "
    "effect: {}, with: {{script: {}}}}}"
)
SECRET = "params: {p: {description: P, type: string, secret: true}}\n"


def codes(steps, declared="", planned=False):
    spec = runbook(steps, declared, HOSTS)
    plan = None
    if planned:
        plan, found = make_plan(spec, INVENTORY, CATALOGUE, params={}, engine_version="1")
        assert plan is not None, [str(one) for one in found]
    return [one.code for one in lint(spec, plan)]


def step(extra, action="t.look", name="A"):
    return f"{{id: {name.lower()}, name: {name}, action: {action}, hosts: db{extra}}}"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (step("", "windows.reboot"), ["L601"]),
        (step(", requires: [approval(operator)]", "windows.reboot"), []),
        (step(", effect: permanent, why: W"), ["L602"]),
        (step(", effect: permanent, why: W, requires: [approval(operator)]"), []),
        (step(", effect: reversible"), ["L603"]),
        (step(", effect: reversible, why: W"), []),
        (SCRIPT.format("observe", "'Set-ItemProperty HKLM:\\\\X -Name a -Value 1'"), ["L604"]),
        (SCRIPT.format("observe", "'Get-Item x'"), []),
        (SCRIPT.format("reversible", "'Set-Content x 1'"), []),
        (step(", wait: {until: result.found, timeout: 1d}"), ["L605"]),
        (step(", wait: {until: result.found, every: 10m, timeout: 5m}"), ["L605"]),
        (step(", wait: {until: result.found}"), []),
        (step(", retry: {attempts: 3}"), []),
        (step(", timeout: 0s"), ["L611"]),
        (step(", timeout: 1s"), []),
        (f"{step('')}\n{step('', name='B').replace('name: B', 'name: A')}", ["L608"]),
        (step(", effect: permanent, why: W, requires: [approval(operator)], on_failure: continue"), ["L610"]),
    ],
)
def test_a_rule_finds_its_case_and_no_other(steps, expected):
    assert codes(steps) == expected


def test_a_retry_has_an_end():
    spec = runbook(step(", retry: {attempts: 3}"))
    long = replace(spec.steps[0], retry=replace(spec.steps[0].retry, attempts=500))
    assert [one.code for one in lint(replace(spec, steps=(long,)), None)] == ["L607"]


def test_sources_are_named():
    (found,) = lint(replace(runbook(step("")), sources=()), None)
    assert (found.code, found.severity) == ("L609", "info")


def test_with_a_plan_the_action_s_own_effect_counts():
    change = step("", "t.change")
    assert codes(change) == []
    assert codes(change, planned=True) == ["L603"]
    gate = step("", "t.gate", "G")
    assert codes(f"{gate}\n{step(', why: W', 't.burn', 'B')}", planned=True) == ["L602"]


def test_every_rule_has_a_page_and_a_place():
    assert {rule.code for rule in RULES} == set(EXPLANATIONS)
    found = lint(runbook(step(", effect: permanent", "windows.reboot")), None)
    assert all(one.origin is not None and one.hint for one in found)


@pytest.mark.parametrize(
    ("action", "text", "words"),
    [
        ("windows.script", "Get-Item x | Remove-Item", ("Remove-Item",)),
        ("windows.script", "# Remove-Item x\nGet-Item y", ()),
        ("windows.script", "Write-Output 'Remove-Item x'", ()),
        ("windows.script", "$Set-Content", ()),
        ("windows.script", "Get-Set-Content", ()),
        ("windows.script", "sc.exe stop OMCFG", ("sc.exe stop",)),
        ("windows.script", "sc.exe query OMCFG", ()),
        ("posix.command", ("rm", "-rf", "x"), ("rm",)),
        ("posix.command", "ls | sudo tee x", ("tee",)),
        ("posix.command", "ls rm", ()),
        ("posix.command", None, ()),
    ],
)
def test_words_that_write(action, text, words):
    assert writing_words(action, text) == words
