"""Plans of small runbooks: what is resolved, what is refused, and where."""

import json
from dataclasses import replace

import pytest

from engine.model.errors import PlanOutdated
from engine.model.expression import Template
from engine.model.plan import ENGINE_HOST
from engine.model.status import Effect, Rerun
from engine.planning.difference import differences
from engine.planning.plan_json import plan_from_json, plan_to_json
from engine.planning.planner import make_plan
from engine.planning.stamp import plan_digest, saved_plan
from engine.planning.validate import check_inventory_fit, check_runbook
from tests.support.planning_estate import CATALOGUE, HOSTS, INVENTORY, runbook

LOOK = "{id: look, name: Look, action: t.look, hosts: app}"
GATE = "{id: gate, name: Gate, action: t.gate, hosts: db}"
BURN = "{id: burn, name: Burn, action: t.burn, hosts: db, why: It must}"
SMALL = "{id: d, name: D, action: t.look, hosts: db}"
NUMBER = "params: {n: {description: N, type: integer, minimum: 3, default: 5}}\n"


def plan_of(steps, declared="", hosts=HOSTS, **given):
    given = {"params": {}, "engine_version": "1.0", **given}
    return make_plan(runbook(steps, declared, hosts), given.pop("inventory", INVENTORY), CATALOGUE, **given)


def planned(steps, *args, **given):
    plan, found = plan_of(steps, *args, **given)
    assert plan is not None, [str(one) for one in found]
    return plan


def codes(steps, *args, **given):
    _, found = plan_of(steps, *args, **given)
    return [one.code for one in found if one.code not in ("R460", "R461")]


def test_a_plan_holds_hosts_defaults_effects_and_exits():
    plan = planned(f"{LOOK}\n{GATE}\n{{id: c, name: C, action: t.change, hosts: app, why: W}}\n{BURN}")
    look, gate, change, burn = plan.steps
    assert look.args == {"count": 3}
    assert (look.hosts, gate.hosts) == (("A1", "A2"), ("D1",))
    assert change.disruptive
    assert (burn.effect, burn.rerun) == (Effect.PERMANENT, Rerun.NEVER)
    assert [str(one) for one in burn.requires] == ["safe(estate)"]
    assert plan.point_of_no_return == burn.index == 3
    assert look.exits.before == ("retry", "restore", "continue")
    assert change.exits.after == burn.exits.before == ("retry", "undo", "restore", "continue")
    assert burn.exits.after == ("restore",)
    assert plan.hosts == ("A1", "A2", "D1")


def test_templates_are_resolved_as_far_as_they_are_known():
    steps = """
    {id: f, name: F, action: t.facts, hosts: app}
    {id: a, name: A, action: t.look, hosts: app, with: {name: "{{ host.vars.dir }}", count: "{{ params.n }}"}}
    {id: b, name: B, action: t.look, hosts: app, with: {name: "{{ facts.build }}"}}
    """
    plan = planned(steps, NUMBER)
    assert plan.step("a").arguments_for("A2") == {"name": "C:\\A2", "count": 5}
    assert isinstance(plan.step("b").args["name"], Template)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"n": "7"}, []),
        ({"n": 7}, []),
        ({"n": "2"}, ["P522"]),
        ({"n": "many"}, ["P522"]),
        ({"n": "7.5"}, ["P522"]),
        ({"m": "7"}, ["P520"]),
    ],
)
def test_inputs_are_typed_by_their_declaration(given, expected):
    assert (
        codes("{id: a, name: A, action: t.look, hosts: db, with: {count: '{{ params.n }}'}}", NUMBER, params=given)
        == expected
    )


def test_a_text_that_looks_like_a_number_stays_text():
    declared = "params: {s: {description: S, type: string}}\n"
    plan = planned(
        "{id: a, name: A, action: t.look, hosts: db, with: {name: '{{ params.s }}'}}", declared, params={"s": "5"}
    )
    assert plan.params[0].value == "5"
    assert codes(SMALL, declared) == ["P521"]


def test_a_secret_is_a_reference_and_never_a_value():
    declared = "params: {s: {description: S, type: string, secret: true}}\n"
    steps = "{id: a, name: A, action: t.look, hosts: db, with: {name: '{{ params.s }}'}}"
    assert codes(steps, declared, params={"s": "hunter2"}) == ["P523"]
    plan = planned(steps, declared, params={"s": "env:S"})
    assert (plan.params[0].value, plan.params[0].source) == (None, "env:S")
    assert isinstance(plan.steps[0].args["name"], Template)


def test_a_value_that_a_host_lacks_is_named():
    found = plan_of("{id: a, name: A, action: t.look, hosts: db, with: {name: '{{ host.vars.dir }}'}}")[1][-1]
    assert found.code == "P509"
    assert "D1" in found.message


ONE = "hosts: {app: {pattern: app, exactly: 1}, db: {pattern: db}}\n"


def test_counts_hold_after_the_limit():
    assert codes(f"{LOOK}\n{SMALL}", "", ONE) == ["P511"]
    assert codes(f"{LOOK}\n{SMALL}", "", ONE, limit="A2,db") == []
    assert codes(f"{LOOK}\n{SMALL}", "", ONE, limit="A2") == ["P510"]
    assert "P510" in codes(LOOK, "", "hosts: {app: {pattern: 'app:!app'}}\n")
    assert codes(LOOK, "", "hosts: {app: {pattern: app, at_least: 3}}\n") == ["P511"]
    assert plan_of(LOOK, limit="nowhere")[0] is None


def test_the_hint_for_too_many_hosts_is_a_limit_that_works():
    _, found = plan_of(f"{LOOK}\n{SMALL}", "", ONE)
    assert found[-1].hint == "choose with --limit, such as -l A1,db"
    assert codes(f"{LOOK}\n{SMALL}", "", ONE, limit="A1,db") == []
    assert codes(LOOK, limit="app:!app") == ["P510"]


def test_arguments_inside_lists_and_mappings_are_resolved_and_placed():
    steps = (
        "{id: a, name: A, action: t.deep, hosts: app, "
        "with: {list: ['{{ host.name }}', '{{ run.id }}'], map: {x: '{{ host.name }}'}}}"
    )
    one = planned(steps).steps[0]
    assert one.arguments_for("A2")["list"][0] == "A2"
    assert one.arguments_for("A2")["map"] == {"x": "A2", "y": 1}
    assert isinstance(one.arguments_for("A2")["list"][1], Template)
    assert saved_plan(json.loads(json.dumps(plan_to_json(planned(steps))))).steps[0] == one
    unknown = runbook("{id: a, name: A, action: t.deep, hosts: app, with: {map: {z: 1}}}", "", ONE)
    found = check_runbook(unknown, CATALOGUE)[0]
    assert (found.code, found.origin.line) == ("R452", unknown.steps[0].origin.line)
    assert found.origin.column > unknown.steps[0].origin.column


def test_waits_and_retries_survive_saving():
    plan = planned("{id: a, name: A, action: t.look, hosts: db, wait: {until: result.found}, retry: {attempts: 2}}")
    assert saved_plan(json.loads(json.dumps(plan_to_json(plan)))) == plan
    assert codes("{id: a, name: A, action: t.look, hosts: db, wait: {until: result.state}}") == ["E304"]


def test_an_input_that_is_not_json_is_refused():
    assert codes(SMALL, NUMBER, params={"n": "NaN"}) == ["P522"]


def test_differences_of_documents_and_steps():
    old = planned(SMALL)
    assert differences(old, replace(old, version="1.1.0")) == ("the runbook's version is 1.1.0, it was 1.0.0",)
    assert differences(old, replace(old, runbook="other")) == ("the runbook is other, the plan was made of small",)
    assert differences(old, replace(old, runbook_digest="x")) == ("the text of the runbook small 1.0.0 changed",)
    step = replace(old.steps[0], timeout_s=5.0, args_by_host={"D1": {"name": "x"}}, tags=("t",))
    assert differences(old, replace(old, steps=(step,))) == (
        "the timeout of the step d changed: 5.0, it was 60.0",
        "the tags of the step d changed",
        "the step d has other arguments for some host",
    )


def test_a_limit_must_not_make_a_gate_cheaper():
    gate = "{id: gate, name: Gate, action: t.gate, hosts: app}"
    assert codes(f"{gate}\n{BURN}", limit="A1,db") == ["P512"]
    change = "{id: c, name: C, action: t.change, hosts: db, requires: [safe(estate)]}"
    plan, found = plan_of(f"{gate}\n{change}", limit="A1,db")
    assert plan is not None
    assert [one.code for one in found] == ["P512"]


def test_platforms_must_fit():
    assert codes("{id: a, name: A, action: t.posix, hosts: db}") == ["P508"]


@pytest.mark.parametrize("read", ["host.name == 'A1'", "'db' in host.groups", "host.vars.x == 1"])
def test_a_step_without_a_host_cannot_read_one(read: str) -> None:
    assert codes(f'{{id: ask, name: Ask, action: t.ask, when: "{read}"}}') == ["R475"]
    assert codes(f'{{id: look, name: Look, action: t.look, hosts: db, when: "{read}"}}') in ([], ["P509"])


def test_operator_steps_have_no_host_and_cannot_read_one_of_several():
    ask = "{id: ask, name: Ask, action: t.ask, when: steps.look.found}"
    assert codes(f"{LOOK}\n{ask}") == ["R474"]
    plan = planned(
        "{id: d, name: D, action: t.look, hosts: db}\n{id: ask, name: Ask, action: t.ask, when: steps.d.found}"
    )
    assert plan.step("ask").hosts == (ENGINE_HOST,)


def test_a_proof_about_a_target_set_is_one_about_each_host():
    gate = "{id: gate, name: Gate, action: t.gate, hosts: app}"
    plan = planned(f"{gate}\n{{id: c, name: C, action: t.change, hosts: app, requires: [safe(app)]}}")
    assert [str(one) for one in plan.step("c").requires] == ["safe(A1)", "safe(A2)"]
    assert "P502" in codes(f"{gate}\n{{id: c, name: C, action: t.change, hosts: app, requires: [safe(D1)]}}")
    assert "P502" in codes(f"{gate}\n{{id: c, name: C, action: t.change, hosts: app, requires: [safe(nobody)]}}")


STORY = f"""
{{id: facts, name: F, action: t.facts, hosts: db}}
{GATE}
{{id: c, name: C, action: t.change, hosts: db, tags: [late]}}
{{id: x, name: X, action: t.look, hosts: db, when: facts.build == "1", tags: [late]}}
{{id: burn, name: Burn, action: t.burn, hosts: db, tags: [end], when: steps.x.found, on_failure: last}}
{{id: last, name: Last, action: t.look, hosts: db, when: steps.c.changed}}
"""


def test_start_at_keeps_what_is_relied_on_and_says_so():
    plan, found = plan_of(STORY, tags=("end",))
    assert plan is not None
    assert [step.id for step in plan.steps] == ["facts", "gate", "x", "burn"]
    assert [step.index for step in plan.steps] == [0, 1, 2, 3]
    assert [one.code for one in found if one.severity == "info"] == ["P516"] * 3
    assert "P518" in [one.code for one in found]
    assert plan.step("burn").on_failure == "abort"


def test_a_changing_step_is_not_brought_back():
    assert codes(STORY, start_at="last")[:1] == ["P517"]


def test_a_choice_of_nothing_is_refused():
    assert codes(STORY, start_at="brn") == ["P515"]
    assert codes(STORY, tags=("nothing",)) == ["P515"]
    assert codes(STORY, tags=("",)) == ["P515"]
    assert codes(STORY, start_at="facts") == []


def refusal(story=STORY, **choice):
    plan, found = plan_of(story, **choice)
    assert plan is None
    return next(one for one in found if one.code == "P515")


def test_a_tag_that_no_step_has_is_refused_also_beside_one_that_some_have():
    """`--tags verify,restrat` would leave the restart out, and end well."""
    found = refusal(tags=("late", "edn"))
    assert (found.code, found.message, found.hint) == ("P515", "--tags: no step is tagged edn", 'did you mean "end"?')


def test_whoever_names_no_step_reads_the_ones_there_are():
    assert refusal(start_at="zzz").hint == "known here: burn, c, facts, gate, last, x"
    assert refusal(GATE, tags=("zzz",)).hint == "no step of this runbook has a tag"


def test_free_form_scripts_are_what_they_declare():
    def script(extra):
        return planned(f"{{id: s, name: S, action: windows.script, hosts: db, with: {{script: x}}{extra}}}").steps[0]

    assert (script("").effect, script("").args["effect"]) == (Effect.PERMANENT, "permanent")
    assert (script(", effect: observe").rerun, script(", effect: observe").args["effect"]) == (Rerun.SAFE, "observe")
    both = "{id: s, name: S, action: windows.script, hosts: db, effect: observe, with: {script: x, effect: permanent}}"
    assert "P503" in codes(both)


# --- documents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("{id: a, name: A, action: t.lok, hosts: db}", {"R450"}),
        ("{id: a, name: A, action: t.look, hosts: db, with: {nam: x}}", {"R452"}),
        ("{id: a, name: A, action: t.look, hosts: db, with: {count: many}}", {"R452"}),
        ("{id: a, name: A, action: t.look, hosts: dbs}", {"R454"}),
        ("{id: a, name: A, action: t.look}", {"R455"}),
        ("{id: a, name: A, action: t.ask, hosts: db}", {"R456"}),
        (f"{SMALL}\n{{id: a, name: A, action: t.look, hosts: db, on_failure: d}}", {"R457"}),
        ("{id: a, name: A, action: t.look, hosts: db, on_failure: nowhere}", {"R457"}),
        ("{id: a, name: A, action: t.look, hosts: db, requires: [saef(estate)]}", {"R458"}),
        (f"{BURN}\n{GATE}", {"P502"}),
        (f"{{id: gate, name: G, action: t.gate, hosts: db, max_failures: 1}}\n{BURN}", {"P501"}),
        ("{id: a, name: A, action: t.change, hosts: db, effect: observe}", {"P503"}),
        ("{id: a, name: A, action: t.change, hosts: db, disruptive: false}", {"P503"}),
        ("{id: a, name: A, action: t.look, hosts: db, effect: permanent, retry: {attempts: 3}}", {"P504"}),
        (f"{SMALL}\n{{id: a, name: A, action: t.look, hosts: db, when: steps.e.found}}", {"R402"}),
        (f"{{id: a, name: A, action: t.look, hosts: db, when: steps.d.found}}\n{SMALL}", {"R403"}),
        (f"{SMALL}\n{{id: a, name: A, action: t.look, hosts: db, when: steps.d.fund}}", {"R405"}),
        (f"{SMALL}\n{{id: a, name: A, action: t.look, hosts: db, when: steps.d.state}}", {"E304"}),
        ("{id: a, name: A, action: t.look, hosts: db, when: facts.build == '1'}", {"R405"}),
        ("{id: a, name: A, action: t.look, hosts: db, when: params.x == 1}", {"R401"}),
        ("{id: a, name: A, action: t.look, hosts: db, when: result.found}", {"R401"}),
        ("{id: a, name: A, action: t.look, hosts: db, wait: {until: result.found}}", set()),
        ("{id: a, name: A, action: t.look, hosts: db, when: run.baseline == none}", set()),
    ],
)
def test_validation_finds_each_mistake_by_its_code(steps, expected):
    found = check_runbook(runbook(steps), CATALOGUE)
    assert {one.code for one in found if one.severity == "error"} == expected
    assert all(one.origin is not None for one in found)


def test_an_answer_is_one_of_those_offered():
    ask = "{id: ask, name: Ask, action: t.ask, with: {answers: {good: It works, bad: It does not}}}"
    after = "{{id: a, name: A, action: t.look, hosts: db, when: steps.ask.answer == '{}'}}"
    assert codes(f"{ask}\n{after.format('good')}") == []
    assert codes(f"{ask}\n{after.format('god')}") == ["E308"]


def test_two_steps_of_one_id():
    spec = runbook(f"{SMALL}\n{LOOK}")
    twice = replace(spec, steps=(spec.steps[0], replace(spec.steps[1], id="d")))
    assert "R453" in {one.code for one in check_runbook(twice, CATALOGUE)}


def test_unused_parts_are_warnings():
    found = check_runbook(runbook(SMALL, NUMBER), CATALOGUE)
    assert [(one.code, one.severity) for one in found] == [("R460", "warning"), ("R461", "warning")]


def test_fit_of_an_inventory():
    assert check_inventory_fit(runbook(SMALL), INVENTORY) == ()
    assert check_inventory_fit(runbook(SMALL, "", "hosts: {db: {pattern: dbs}}\n"), INVENTORY) != ()


# --- saved plans ---------------------------------------------------------------------------------------


def test_a_saved_plan_comes_back_exactly_and_a_changed_one_does_not():
    plan = planned(STORY)
    data = json.loads(json.dumps(plan_to_json(plan)))
    assert saved_plan(data) == plan == plan_from_json(data)
    with pytest.raises(PlanOutdated, match="changed after"):
        saved_plan({**data, "title": "another"})
    with pytest.raises(PlanOutdated, match="is missing"):
        saved_plan({name: value for name, value in data.items() if name != "steps"})
    with pytest.raises(PlanOutdated, match="plan/v1"):
        saved_plan({**data, "schema": "plan/v9"})
    for misshapen in ([1], "none", 5, None):
        with pytest.raises(PlanOutdated, match="cannot be read: a part of it is not what it is in a plan"):
            saved_plan({**data, "host_variables": misshapen})


def test_the_digest_is_of_content_not_of_places():
    plan = planned(SMALL)
    assert plan_digest(replace(plan, file="elsewhere.yaml")) == plan.digest
    moved = runbook(f"# a line more\n{SMALL}")
    again, _ = make_plan(moved, INVENTORY, CATALOGUE, params={}, engine_version="1.0")
    assert again is not None
    assert again.digest == plan.digest
    assert differences(plan, again) == ()
    assert plan_of(SMALL, engine_version="1.1")[0].digest != plan.digest


def test_differences_are_told_as_sentences():
    hosts = dict(INVENTORY.hosts)
    hosts["D1"] = replace(hosts["D1"], variables={"x": 1})
    steps = "{id: a, name: A, action: t.look, hosts: db, with: {count: '{{ params.n }}'}}"
    old = planned(steps, NUMBER)
    assert differences(old, planned(steps, NUMBER, params={"n": "7"})) == (
        "the input n is 7, it was 5",
        "the step a has other arguments: count",
    )
    assert differences(old, planned(steps, NUMBER, params={"n": "5"})) == (
        "the input n comes from command line, it came from default",
    )
    assert "the variables of the host D1 changed" in differences(
        old, planned(steps, NUMBER, inventory=replace(INVENTORY, hosts=hosts))
    )
    hosts["D1"] = replace(INVENTORY.hosts["D1"], address="127.9.9.8")
    (told,) = differences(old, planned(steps, NUMBER, inventory=replace(INVENTORY, hosts=hosts)))
    assert told.startswith("the connection settings of a host changed")
    other = planned(f"{SMALL}\n{LOOK}", baseline={"hosts": {}}, engine_version="2")
    told = differences(old, other)
    assert "the engine's version is 2, it was 1.0" in told
    assert "the baseline changed" in told
    assert "the input n no longer exists" in told
    assert "the host A1 is new" in told
    assert "the step a is gone" in told
    assert any(one.startswith("the input n is new") for one in differences(other, old))
    assert "the steps stand in another order" in differences(other, planned(f"{LOOK}\n{SMALL}"))
    assert "the host A1 is gone" in differences(other, old)
    limited = planned(LOOK, limit="A1")
    assert "the step look runs on A1, it ran on A1, A2" in differences(planned(LOOK), limited)
