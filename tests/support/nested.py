"""Runbooks that run each other on this machine, and the command line that runs them."""

import json
from pathlib import Path

from command_line import Command

HOSTS = "hosts: {here: {pattern: A}, there: {pattern: B}}\n"
ASK = "  - {id: ask, name: Q, action: operator.instruct, with: {show: Wait.}}\n"


def runbook(folder: Path, name: str, *steps: str, hosts: str = HOSTS) -> Path:
    head = f"schema: runbook/v1\nname: {name}\nversion: 1.0.0\ntitle: T\npurpose: P\nsources: [s]\n{hosts}"
    path = folder / f"{name}.yaml"
    path.write_text(head + "steps:\n" + "".join(steps), encoding="utf-8")
    return path


def writes(folder: Path, step: str, text: str = "new", host: str = "here") -> str:
    return (
        f"  - {{id: {step}, name: W, why: W, action: posix.file, hosts: {host},\n"
        f"     with: {{path: {folder}/{step}.txt, content: {text}}}}}\n"
    )


def runs(name: str, step: str = "sub", more: str = "") -> str:
    return f"  - {{id: {step}, name: S, why: W, action: runbook, with: {{name: {name}{more}}}}}\n"


def two_hosts(tmp_path: Path) -> Path:
    """An inventory with two names of this machine; only the nested runbooks touch B."""
    hosts = {name: {"ansible_connection": "local", "runbook_platform": "posix"} for name in "AB"}
    path = tmp_path / "inventory.yaml"
    path.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    return path


def run_id(command: Command) -> str:
    return next(one["run_id"] for one in json.loads(command("runs", "--json").out)["runs"] if "." not in one["run_id"])
