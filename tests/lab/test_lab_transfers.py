"""Files put on a lab machine and brought home, by the action's own loop and by whole runs."""

import base64
import hashlib
from pathlib import Path

import yaml

from engine.actions import load_actions
from engine.app.scenario import rehearse
from engine.app.scenario_find import load
from engine.model.command import Script, Upload
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Refuse, Unchanged

HOST = HostView(name="SM01", platform="windows")
PATH = "C:\\Windows\\tool.bin"
BYTES = bytes(range(256)) * 40


def test_what_arrives_is_compared() -> None:
    action, args = load_actions()["windows.download"], {"path": PATH, "max_bytes": 100_000}
    there = CommandResult(
        ok=True, value={"kind": "file", "size": len(BYTES), "sha256": hashlib.sha256(BYTES).hexdigest()}
    )
    good = action.decide(args, HOST, [there, CommandResult(ok=True, content=BYTES)])
    assert isinstance(good, Unchanged)
    assert good.result["size"] == len(BYTES)
    assert isinstance(action.decide(args, HOST, [there, CommandResult(ok=True, content=BYTES[:-1])]), Refuse)


def test_the_upload_and_its_undo() -> None:
    args = {"path": PATH, "content_base64": base64.b64encode(BYTES).decode()}
    nothing = CommandResult(ok=True, value={"found": False, "kind": None, "sha256": None})
    decision = load_actions()["windows.upload"].decide(args, HOST, [nothing])
    assert isinstance(decision, Change)
    [command], [undo] = decision.commands, decision.undo
    assert command == Upload(path=PATH, content=BYTES)
    assert isinstance(undo, Script)
    assert (undo.name, undo.arguments["name"]) == ("windows_file.remove.ps1", "tool.bin")


def test_there_and_back(tmp_path: Path) -> None:
    put = {"path": PATH, "content_base64": base64.b64encode(BYTES).decode()}
    steps = [
        {"id": "put", "name": "put", "action": "windows.upload", "hosts": "server", "with": put},
        {"id": "again", "name": "again", "action": "windows.upload", "hosts": "server", "with": put},
        {"id": "get", "name": "get", "action": "windows.download", "hosts": "server", "with": {"path": PATH}},
        {
            "id": "same",
            "name": "same",
            "action": "assert",
            "with": {
                "that": [f"{{{{ steps.get.sha256 == '{hashlib.sha256(BYTES).hexdigest()}' }}}}"],
                "message": "It is another file.",
            },
        },
    ]
    runbook = {
        "schema": "runbook/v1",
        "name": "transfers",
        "version": "1.0.0",
        "title": "Transfers",
        "purpose": "There and back.",
        "hosts": {"server": {"pattern": "SM01"}},
        "steps": steps,
    }
    scenario = {
        "schema": "scenario/v1",
        "name": "transfers",
        "title": "Transfers",
        "runbook": "transfers.yaml",
        "estate": "healthy",
        "expect": {"exit_code": 0, "steps": {"put": "changed", "again": "ok", "get": "ok", "same": "ok"}},
    }
    (tmp_path / "transfers.yaml").write_text(yaml.safe_dump(runbook, sort_keys=False))
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(scenario, sort_keys=False))
    ended = rehearse(load(tmp_path / "scenario.yaml"))
    assert ended.missed == (), ended.summary
