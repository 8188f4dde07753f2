"""Answers given beforehand: parsed strictly, used for the step they name, and refused before anything is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rehearsal import plan

from engine.cli.person import Flags, Nobody, parse_answers
from engine.model.errors import UsageMistake
from engine.model.event import ApprovalAsked, QuestionAsked

ASKED = QuestionAsked(at=0.0, step="ask", show="", question="Which?", answers={"left": "L", "right": "R"})
APPROVAL = ApprovalAsked(
    at=0.0, step="change", host="SM01", name="n", why="w", effect="reversible", disruptive=False,
    exits_before=(), exits_after=(), proofs=(), plan_digest="d",
)  # fmt: skip


def flags(*, approve_all: bool = False, **answers: str) -> Flags:
    return Flags(answers=answers, approve_all=approve_all, by="anna", rest=Nobody(by="anna", plan=plan()))


@given(st.text(min_size=1).filter(lambda one: "=" not in one), st.text(min_size=1))
def test_step_and_answer_are_cut_at_the_first_equals_sign(step: str, answer: str) -> None:
    assert parse_answers([f"{step}={answer}"]) == {step: answer}


@pytest.mark.parametrize("pair", ["", "=", "step", "step=", "=yes"])
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(UsageMistake, match="is no answer"):
        parse_answers([pair])


def test_a_question_takes_its_own_keys_only_and_once() -> None:
    one = flags(ask="left")
    said = one.question(ASKED)
    assert said is not None
    assert (said.answer, said.by) == ("left", "anna (by --answer)")
    assert one.question(ASKED) is None
    with pytest.raises(UsageMistake) as refused:
        flags(ask="up").question(ASKED)
    assert refused.value.remedy == "one of: left, right"


def test_an_approval_takes_approve_deny_later() -> None:
    for word in ("approve", "deny", "later"):
        said = flags(change=word).approval(APPROVAL)
        assert said is not None
        assert said.answer == word
    with pytest.raises(UsageMistake, match="waits for an approval, not for `yes`"):
        flags(change="yes").approval(APPROVAL)


def test_yes_approves_and_answers_nothing_else() -> None:
    one = flags(approve_all=True)
    said = one.approval(APPROVAL)
    assert said is not None
    assert (said.answer, said.by) == ("approve", "anna (by --yes)")
    assert one.question(ASKED) is None


def test_a_denial_by_flag_beats_yes() -> None:
    said = flags(approve_all=True, change="deny").approval(APPROVAL)
    assert said is not None
    assert said.answer == "deny"
