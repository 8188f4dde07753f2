"""Whole changes in a real PowerShell: observe, decide, apply, observe again; nothing is left to do, and the undo gives
the very bytes back. The same steps on a lab machine end in the same decisions.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.actions import load_actions
from engine.lab.behaviours import BEHAVIOURS, PayloadError
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.model.command import Script
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Refuse, Unchanged
from tests.support.payload_session import PayloadSession, find_pwsh, read_files

pytestmark = [
    pytest.mark.pwsh,
    pytest.mark.skipif(find_pwsh() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]
HOST = HostView(name="SM01", platform="windows")
FILE = "C:\\SM\\x.config"
TEXTS = [
    "<configuration/>",
    "<configuration>\r\n  <runtime />\r\n</configuration>\r\n",
    '<?xml version="1.0" encoding="utf-8"?>\r\n<configuration>\r\n\t<runtime>\r\n\t</runtime>\r\n</configuration>',
    '<?xml version="1.0"?><!--\u00fc--><configuration><runtime><generatePublisherEvidence/></runtime></configuration>',
    '<configuration><runtime><generatePublisherEvidence enabled="false"/></runtime></configuration>',
    '<configuration><runtime><generatePublisherEvidence enabled="false"></runtime></configuration>',
    "<other/>",
]


class Real:
    """The far side is a PowerShell over a folder."""

    def __init__(self, session: PayloadSession, machine: Machine) -> None:
        self.session = session
        self.root: Path = session.become(machine)

    def run(self, script: Script) -> CommandResult:
        answer = self.session.run(script.text, script.arguments)
        return CommandResult(ok=answer["ok"], value=answer["value"])

    def files(self) -> dict[str, bytes]:
        return read_files(self.root)


class Modelled:
    """The far side is a lab machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def run(self, script: Script) -> CommandResult:
        try:
            return CommandResult(ok=True, value=BEHAVIOURS[script.name](self.machine, script.arguments))  # type: ignore[arg-type]
        except PayloadError:
            return CommandResult(ok=False)

    def files(self) -> dict[str, bytes]:
        return {one.path: one.content for one in self.machine.files}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayloadSession]:
    one = PayloadSession(tmp_path_factory.mktemp("undo"))
    yield one
    one.close()


def machine_with(content: bytes | None) -> Machine:
    machine = Machine("SM01", LabClock(1362218400.0, speed=0.0001))
    machine.files.make_folder("C:\\SM")
    if content is not None:
        machine.files.write(FILE, content, modified=1362000000.0)
    return machine


def look(side: Any, name: str, args: dict[str, Any]) -> tuple[list[CommandResult], Decision]:
    action, seen = load_actions()[name], list[CommandResult]()
    while (command := action.observe(args, HOST, seen)) is not None:
        assert isinstance(command, Script)
        seen.append(side.run(command))
        assert seen[-1].ok
    return seen, action.decide(args, HOST, seen)


def whole(side: Any, name: str, args: dict[str, Any], seed: int) -> str:
    """What was decided at first; the change is then made, verified and undone."""
    before = side.files()
    seen, decision = look(side, name, args)
    if not isinstance(decision, Change):
        assert side.files() == before, seed
        return type(decision).__name__
    applied = [side.run(one) for one in decision.commands]
    assert all(one.ok for one in applied), (seed, applied)
    after, again = look(side, name, args)
    assert isinstance(again, Unchanged), (seed, again)
    assert isinstance(load_actions()[name].verify(args, HOST, seen, applied, after), Unchanged)
    assert all(side.run(one).ok for one in decision.undo), seed
    left = side.files()
    assert {path: content for path, content in left.items() if ".before-" not in path} == before, seed
    assert all(content in before.values() for path, content in left.items() if ".before-" in path), seed
    return "Change"


def test_xml_element(session: PayloadSession) -> None:
    kinds = set()
    for seed in range(110):
        dice = random.Random(seed)
        text = dice.choice(TEXTS)
        mark = dice.random() < 0.3
        content = None if dice.random() < 0.05 else text.encode("utf-8-sig" if mark else "utf-8")
        args = {
            "file": FILE,
            "parent": dice.choice(["/configuration/runtime", "/configuration", "/configuration/a/b"]),
            "element": "generatePublisherEvidence",
            "attributes": dice.choice([{"enabled": "false"}, {"enabled": "<&>\"'"}, {}]),
        }
        real = whole(Real(session, machine_with(content)), "windows.xml_element", args, seed)
        assert real == whole(Modelled(machine_with(content)), "windows.xml_element", args, seed), seed
        kinds.add(real)
    assert kinds == {"Change", Unchanged.__name__, Refuse.__name__}


def test_file(session: PayloadSession) -> None:
    kinds = set()
    for seed in range(110):
        dice = random.Random(seed)
        content = dice.choice([None, b"", b"a\n", b"\xff\xfea\x00"])
        args: dict[str, Any] = {"path": FILE}
        if dice.random() < 0.3:
            args["absent"] = True
        else:
            args |= {
                "content": dice.choice(["", "a\n", "a"]),
                "encoding": dice.choice(["utf-8", "utf-16", "utf-8-bom"]),
            }
        real = whole(Real(session, machine_with(content)), "windows.file", args, seed)
        assert real == whole(Modelled(machine_with(content)), "windows.file", args, seed), seed
        kinds.add(real)
    assert kinds == {"Change", Unchanged.__name__}
