"""The path analysis: what it finds really avoids the gate, and where it finds nothing, no path does."""

from hypothesis import given
from hypothesis import strategies as st

from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.runbook import Requirement
from engine.planning.proofs import Outcome, Waypoint, path_without_proof, unproven

HERE = Origin("r.yaml", 1, 1)
NEED = Requirement(kind="k", subject="estate", origin=HERE)


def constant(text="params.a"):
    return Expression(text, HERE, (tuple(text.split(".")),))


def changing(text="facts.x"):
    return Expression(text, HERE, (tuple(text.split(".")),))


def step(name, **fields):
    return Waypoint(id=name, origin=HERE, **fields)


def gate(**fields):
    return step("gate", yields=("k",), **fields)


def consumer(**fields):
    return step("change", requires=(NEED,), **fields)


def path(*waypoints):
    found = path_without_proof(waypoints, len(waypoints) - 1, waypoints[-1].requires[0])
    return None if found is None else " ".join(str(one) for one in found)


def test_a_gate_on_the_only_path_is_enough():
    assert path(step("a"), gate(), step("b"), consumer()) is None


def test_a_condition_on_the_gate_opens_a_path():
    assert path(gate(when=changing()), consumer()) == "gate (skipped) change"


def test_the_same_constant_condition_ties_gate_and_change_together():
    assert path(gate(when=constant()), consumer(when=constant())) is None


def test_the_same_condition_on_facts_ties_nothing():
    assert path(gate(when=changing()), consumer(when=changing())) == "gate (skipped) change"


def test_two_different_constant_conditions_tie_nothing():
    assert path(gate(when=constant("params.a")), consumer(when=constant("params.b"))) == "gate (skipped) change"


def test_a_gate_that_goes_on_after_failing_opens_a_path():
    assert path(gate(goes_on=True), consumer()) == "gate (failed) change"


def test_a_jump_over_the_gate_opens_a_path():
    assert path(step("a", forward="b"), gate(), step("b"), consumer()) == "a (failed) b change"


def test_the_shortest_path_is_told():
    waypoints = (step("a"), step("b", forward="change"), gate(when=changing()), step("c"), consumer())
    assert path(*waypoints) == "a b (failed) change"


def test_a_jump_backwards_or_to_nowhere_is_no_path():
    assert path(step("a"), gate(forward="a"), consumer()) is None
    assert path(gate(forward="nowhere"), consumer()) is None


def test_a_second_gate_closes_the_path():
    assert path(gate(when=changing()), step("again", yields=("k",)), consumer()) is None


def test_a_jump_that_needs_a_condition_keeps_its_answer():
    a = step("a", when=constant(), forward="b")
    assert path(a, gate(), step("b"), consumer(when=constant())) == "a (failed) b change"
    skipping = (step("a", when=constant(), forward="b"), gate(), step("g2", yields=("k",), when=constant()), consumer())
    assert path(*skipping) is None  # b does not exist, so nothing jumps
    tied = (a, gate(), step("b"), step("g2", yields=("k",), when=constant()), consumer())
    assert path(*tied) is None  # the jump says the condition is true, so the second gate runs


def test_a_proof_about_one_host_needs_a_gate_on_that_host():
    about = Requirement(kind="k", subject="SM01", origin=HERE)
    change = step("change", requires=(about,))
    assert path(gate(subjects=("SM01",)), change) is None
    (found,) = unproven((gate(subjects=("DW01",)), change))
    assert found.code == "P502"
    assert "DW01" in (found.hint or "")


def test_diagnostics_tell_path_and_place():
    (found,) = unproven((gate(when=changing()), consumer()))
    assert (found.code, found.origin) == ("P501", HERE)
    assert found.message.endswith("gate (skipped) -> change")


def test_nothing_yields_and_too_late():
    (nothing,) = unproven((step("a"), consumer()))
    assert nothing.code == "P502"
    assert nothing.message.endswith("a -> change")
    (late,) = unproven((consumer(), gate()))
    assert "move it up" in (late.hint or "")


def test_an_approval_is_asked_of_a_person_not_proven():
    asked = Requirement(kind="approval", subject="operator", origin=HERE)
    assert unproven((step("a", requires=(asked,)),)) == ()


# --- against brute force ---------------------------------------------------------------------------

CONDITIONS = (None, constant("params.a"), constant("params.b"), changing("facts.x"))


@st.composite
def runbooks(draw):
    count = draw(st.integers(min_value=1, max_value=6))
    names = [f"s{index}" for index in range(count)]
    waypoints = [
        step(
            name,
            when=draw(st.sampled_from(CONDITIONS)),
            yields=("k",) if draw(st.booleans()) else (),
            goes_on=draw(st.booleans()),
            forward=draw(st.sampled_from([None, None, *names, "change"])),
        )
        for name in names
    ]
    return (*waypoints, consumer(when=draw(st.sampled_from(CONDITIONS))))


def all_runs(waypoints):
    """Every run as a list of (id, outcome), written without the analysis; answers of ``params`` conditions stay."""

    def go(index, answers, so_far):
        if index >= len(waypoints):
            yield so_far
            return
        one = waypoints[index]
        fixed = one.when is not None and one.when.names[0][0] == "params"
        choices = (
            [True]
            if one.when is None
            else [answers[one.when.text]]
            if fixed and one.when.text in answers
            else [True, False]
        )
        for wanted in choices:
            known = {**answers, one.when.text: wanted} if fixed else answers
            if not wanted:
                yield from go(index + 1, known, [*so_far, (one.id, "skipped")])
                continue
            yield from go(index + 1, known, [*so_far, (one.id, "ran")])
            failed = [*so_far, (one.id, "failed")]
            if one.goes_on:
                yield from go(index + 1, known, failed)
            later = [n for n, other in enumerate(waypoints) if n > index and other.id == one.forward]
            if later:
                yield from go(later[0], known, failed)
            yield failed

    yield from go(0, {}, [])


def bad_paths(waypoints):
    """The beginnings of runs that reach the change without a gate having run."""
    yielding = {one.id for one in waypoints if one.yields}
    for run in all_runs(waypoints):
        for index, (name, outcome) in enumerate(run):
            if name == "change" and outcome != "skipped":
                before = run[:index]
                if not any(other in yielding and result == "ran" for other, result in before):
                    yield tuple(before)


@given(runbooks())
def test_agrees_with_brute_force(waypoints):
    found = path_without_proof(waypoints, len(waypoints) - 1, NEED)
    expected = set(bad_paths(waypoints))
    if found is None:
        assert not expected
        return
    before = found[:-1]
    assert len(before) == min(len(one) for one in expected)
    allowed = {
        tuple((name, "either" if outcome != "skipped" else outcome) for name, outcome in one) for one in expected
    }
    assert tuple((one.id, "either" if one.outcome is not Outcome.SKIPPED else "skipped") for one in before) in allowed
    yielding = {one.id for one in waypoints if one.yields}
    assert not any(one.id in yielding and one.outcome is Outcome.RAN for one in before)
