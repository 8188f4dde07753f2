"""Steps of the operator ask and never touch a host; the step that runs another runbook judges it by its exit code."""

from typing import Any

import jsonschema
import pytest

from engine.actions import load_actions
from engine.model.command import Ask, RunRunbook
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Refuse, Unchanged
from engine.ports.action import RunsOn

HERE = HostView(name="-", platform="")
ACTIONS = load_actions()


def test_an_instruction_is_asked_once_and_takes_one_answer() -> None:
    action = ACTIONS["operator.instruct"]
    asked = action.observe({"show": "Press Retry."}, HERE, ())
    assert asked == Ask(show="Press Retry.", question="Done?", answers={"done": "It is done"})
    assert action.observe({"show": "Press Retry."}, HERE, (CommandResult(ok=True),)) is None
    assert action.info.runs_on is RunsOn.OPERATOR


def test_a_question_shows_its_answers_in_their_order() -> None:
    args: dict[str, Any] = {"show": "Look.", "question": "How?", "answers": {"b": "Well", "a": "Badly"}}
    asked = ACTIONS["operator.ask"].observe(args, HERE, ())
    assert isinstance(asked, Ask)
    assert list(asked.answers) == ["b", "a"]


@pytest.mark.parametrize(
    "answers", [{"only": "one"}, {"approve": "x", "b": "y"}, {"Upper": "x", "b": "y"}, {"a b": "x", "c": "y"}]
)
def test_answers_that_would_confuse_are_refused(answers: dict[str, str]) -> None:
    schema = ACTIONS["operator.ask"].info.arguments
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"question": "How?", "answers": answers}, schema, cls=jsonschema.Draft202012Validator)


def test_another_runbook_is_one_command_with_its_inputs() -> None:
    action = ACTIONS["runbook"]
    decision = action.decide({"name": "check-backups", "params": {"database": "ServiceManager"}}, HERE, ())
    assert isinstance(decision, Change)
    assert decision.commands == (RunRunbook(runbook="check-backups", params={"database": "ServiceManager"}),)


@pytest.mark.parametrize(("exit_code", "kind"), [(0, Unchanged), (1, Refuse), (9, Refuse), (None, Refuse)])
def test_only_exit_code_0_of_the_other_run_is_good(exit_code: int | None, kind: type) -> None:
    value = {"run_id": "2026-01-01-abc", "status": "done", "exit_code": exit_code}
    applied = (CommandResult(ok=True, value=value),)
    decision = ACTIONS["runbook"].verify({"name": "x"}, HERE, (), applied, ())
    assert isinstance(decision, kind)
