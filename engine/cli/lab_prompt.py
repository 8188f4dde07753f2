"""What a person types while the lab is up. A slip is told, and the lab stays up."""

import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from engine.model.data import JsonValue
from engine.model.errors import EngineError, UsageMistake

if TYPE_CHECKING:
    from engine.app.lab import Lab

HELP = """\
retry                     press Retry in the setup wizard
state                     which hosts are up
fault HOST                the troubles that a host can be put into, and those it is in
fault HOST NAME=VALUE     put a host into trouble, as: fault SM01 refuse=true, fault SM01 delay_s=2
quit                      end the lab"""
BOOTS = "returns_from_reboot"


def listen(lab: "Lab") -> None:
    """Obey line by line until ``quit``; without input, stay until interrupted."""
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return
        try:
            said = _obey(lab, words)
        except EngineError as slip:
            said = slip.message + (f" ({slip.remedy})" if slip.remedy else "")
        if said:
            click.echo(said, err=True)
    threading.Event().wait()


def _obey(lab: "Lab", words: list[str]) -> str:
    match words:
        case []:
            return ""
        case ["retry"]:
            return f"setup ended: {lab.estate.run_setup()}"
        case ["state"]:
            machines = lab.estate.machines.values()
            return "\n".join(f"{one.name}: {'up' if one.reachable() else 'down'}" for one in machines)
        case ["fault", host, *changes]:
            return _fault(lab, host, changes)
    return HELP


def _fault(lab: "Lab", host: str, changes: list[str]) -> str:
    faults = lab.servers.faults(host)
    given = {name: _value(value) for name, _, value in (one.partition("=") for one in changes)}
    machine = lab.estate.machines.get(host)
    boots = given.pop(BOOTS, None)
    if boots is not None and (machine is None or not isinstance(boots, bool)):
        raise UsageMistake(f"{BOOTS} is true or false, for a machine of the estate")
    lab.servers.set_faults(host, given)
    if machine is not None and isinstance(boots, bool):
        machine.returns_from_reboot = boots
    now = {**asdict(faults), **({BOOTS: machine.returns_from_reboot} if machine else {})}
    return "\n".join(f"{name:<24}{_shown(value)}" for name, value in now.items())


def _value(text: str) -> JsonValue:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _shown(value: JsonValue) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}" or "-"
