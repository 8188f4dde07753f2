"""The built-in actions, one pure file each, with the scripts they send beside them."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from engine.ports.action import Action

# Action name: module of this package and class.
BUILTIN: Mapping[str, str] = {
    "assert": "assert_that:AssertThat",
    "operator.ask": "operator_ask:OperatorAsk",
    "operator.instruct": "operator_instruct:OperatorInstruct",
    "runbook": "run_runbook:RunAnotherRunbook",
    "windows.host": "windows_host:WindowsHost",
}


@cache
def _load(place: str) -> Action:
    module, name = place.split(":")
    action: Action = getattr(import_module(f"{__name__}.{module}"), name)()
    return action


class _Actions(Mapping[str, Action]):
    """Imports an action when it is first asked for."""

    def __getitem__(self, name: str) -> Action:
        return _load(BUILTIN[name])

    def __iter__(self) -> Iterator[str]:
        return iter(BUILTIN)

    def __len__(self) -> int:
        return len(BUILTIN)


def load_actions() -> Mapping[str, Action]:
    """The built-in actions by name; each is imported when it is first asked for."""
    return _Actions()
