"""A small estate and a small catalogue for tests of planning and lint; runbooks are written as YAML."""

from dataclasses import dataclass

from engine.language.load import load_runbook
from engine.model.inventory import Host, Inventory
from engine.model.origin import Origin
from engine.model.secret import SecretRef
from engine.model.status import Effect, Rerun
from engine.ports.action import ActionInfo, RunsOn
from engine.ports.edges import Catalogue

HERE = Origin("inventory.yaml", 1, 1)


@dataclass
class Declared:
    """An action that only declares itself."""

    info: ActionInfo


def closed(**properties):
    return {"type": "object", "additionalProperties": False, "properties": properties}


def info(name, effect=Effect.OBSERVE, **fields):
    fields.setdefault("arguments", closed())
    fields.setdefault("result", closed(found={"type": "boolean"}, state={"type": "string"}))
    return ActionInfo(name=name, summary=name, effect=effect, **fields)


INFOS = (
    info("t.look", arguments=closed(name={"type": "string"}, count={"type": "integer", "default": 3})),
    info(
        "t.deep",
        arguments=closed(
            list={"type": "array", "items": {"type": "string"}},
            map={**closed(x={"type": "string"}, y={"type": "integer", "default": 1}), "type": "object"},
        ),
    ),
    info("t.facts", facts=True, result=closed(build={"type": "string"})),
    info("t.gate", yields=("safe",)),
    info("t.change", Effect.REVERSIBLE, disruptive=True, arguments=closed(value={"type": "integer"})),
    info("t.burn", Effect.PERMANENT, consumes=("safe",), rerun=Rerun.NEVER),
    info(
        "t.verify",
        yields=("whole",),
        about="names",
        within="instance",
        arguments=closed(names={"type": "array", "items": {"type": "string"}}, instance={"type": "string"}),
    ),
    info(
        "t.overwrite",
        Effect.PERMANENT,
        about="names",
        within="instance",
        consumes=("whole(about)", "consent(loss)", "safe"),
        arguments=closed(names={"type": "array", "items": {"type": "string"}}, instance={"type": "string"}),
    ),
    info("t.posix", platforms=("posix",)),
    info(
        "t.ask",
        runs_on=RunsOn.OPERATOR,
        arguments=closed(answers={"type": "object"}, proves={"type": "string"}, proven_by={"type": "string"}),
        result=closed(answer={"type": "string"}),
    ),
    info(
        "windows.script",
        Effect.PERMANENT,
        rerun=Rerun.NEVER,
        arguments=closed(script={"type": "string"}, effect={"enum": ["observe", "reversible", "permanent"]}),
    ),
)
CATALOGUE = Catalogue({one.name: Declared(one) for one in INFOS})


def host(name, *groups, **fields):
    fields = {"address": "127.9.9.9", "connection": "winrm", "platform": "windows", **fields}
    return Host(name=name, origin=HERE, groups=groups, password=SecretRef("env", "P"), **fields)


INVENTORY = Inventory(
    file="inventory.yaml",
    hosts={
        "A1": host("A1", "app", variables={"dir": "C:\\A1"}),
        "A2": host("A2", "app", variables={"dir": "C:\\A2"}),
        "D1": host("D1", "db"),
        "P1": host("P1", "unix", platform="posix"),
    },
    groups={"all": ("A1", "A2", "D1", "P1"), "app": ("A1", "A2"), "db": ("D1",), "unix": ("P1",)},
)

HEAD = """\
schema: runbook/v1
name: small
version: 1.0.0
title: A small runbook
purpose: Try the planner.
sources: [none]
"""
HOSTS = "hosts: {app: {pattern: app}, db: {pattern: db}}\n"


def runbook(steps, params="", hosts=HOSTS):
    """The runbook with these steps; it must load without an error."""
    block = "\n".join(f"  - {line.strip()}" if line.strip().startswith("{") else line for line in steps.splitlines())
    spec, found = load_runbook(f"{HEAD}{params}{hosts}steps:\n{block}\n", "small.yaml")
    assert spec is not None, [str(one) for one in found]
    return spec
