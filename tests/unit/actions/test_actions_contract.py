"""What holds for every built-in action: a schema, a declaration, pure looks, lazily imported."""

import subprocess
import sys

import jsonschema
import pytest

from engine.actions import BUILTIN, load_actions
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Unchanged
from engine.ports.action import RunsOn


@pytest.mark.parametrize("name", BUILTIN)
def test_declaration(name: str) -> None:
    info = load_actions()[name].info
    assert info.name == name
    for schema in (info.arguments, info.result):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert info.summary
    assert not info.summary.endswith(".")
    assert info.timeout_s > 0
    assert info.runs_on in RunsOn


def test_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        load_actions()["windows.nothing"]


def test_naming_actions_imports_none_of_them() -> None:
    code = (
        "import sys; from engine.actions import load_actions; assert 'windows.service' in list(load_actions()); "
        "assert not [name for name in sys.modules if name.startswith('engine.actions.')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_change_whose_output_was_cut_was_made_and_tells_of_it() -> None:
    answer = CommandResult(ok=True, value={"stdout": "x", "stderr": "", "exit_code": 0}, truncated=True)
    args = {"argv": ["rebuild"], "effect": "reversible", "exit_codes": (0,)}
    here = HostView(name="J1", platform="posix")
    decision = load_actions()["posix.command"].verify(args, here, (), (answer,), ())
    assert isinstance(decision, Unchanged)
    assert "stdout and stderr are cut" in decision.why
