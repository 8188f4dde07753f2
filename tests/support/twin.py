"""Twins: the same payload run in a real PowerShell over stubs, and by the lab's model; same answer, same change."""

from collections.abc import Mapping
from typing import Any

from engine.lab.behaviours import BEHAVIOURS, PayloadError
from engine.lab.machine import Machine
from engine.lab.pwsh import Powershell, find_powershell
from engine.lab.pwsh_state import state_of
from engine.model.data import canonical_json
from engine.model.packaged import payload

NO_POWERSHELL = "no PowerShell: RUNBOOK_PWSH is not set and pwsh is not on the PATH"


def powershell_at_hand() -> bool:
    return find_powershell() is not None


def modelled(machine: Machine, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the lab answers."""
    with machine.lock:
        try:
            return {"ok": True, "value": BEHAVIOURS[name](machine, arguments)}
        except PayloadError as problem:
            return {"ok": False, "message": problem.message}


def changes(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a payload can change, in one form for both twins; times are left out, as a real clock runs on."""
    services = {
        one["name"]: [one["state"], one["start_mode"], one["exit_code"], one["process_id"] > 0]
        for one in state["services"]
    }
    logs = {log["name"]: [_event(one) for one in log["entries"]] for log in state["logs"]}
    registry = {key["path"].lower(): sorted(_value(one) for one in key["values"]) for key in state["registry"]}
    restart = bool(state.get("restart"))
    return {"services": services, "logs": logs, "registry": registry, "restart": restart}


def _event(one: Mapping[str, Any]) -> list[Any]:
    return [one["record"], one["id"], one["source"], one["level"], one["message"], list(one["strings"])]


def _value(one: Mapping[str, Any]) -> str:
    data = one["data"]
    if one["kind"] == "Binary" and isinstance(data, list):
        data = bytes(data).hex()
    if one["kind"] in ("DWord", "QWord") and data < 0:
        data += 1 << (32 if one["kind"] == "DWord" else 64)
    return canonical_json([one["name"].lower(), one["kind"], data])


def compare(powershell: Powershell, machine: Machine, name: str, arguments: Mapping[str, Any], seed: object) -> str:
    """Run both twins from the machine's state; the answer in one word, ``ok`` or ``failed``."""
    powershell.become(state_of(machine))
    real = powershell.run(payload(name), arguments)
    after = changes(powershell.export())
    expected = modelled(machine, name, arguments)
    about = (name, seed, dict(arguments))
    assert real["ok"] is expected["ok"], (about, real, expected)
    if expected["ok"]:
        assert canonical_json(real["value"]) == canonical_json(expected["value"]), about
    else:
        assert real["errors"][0]["message"] == expected["message"], about
    machine.settle()
    model = state_of(machine)
    log_events = {log.name for log in machine.events}
    wanted = changes({**model, "restart": machine.restart_pending or None})
    if wanted["restart"] and name.startswith("windows_reboot"):
        # The event of the request is written by Windows, not by the stub.
        wanted["logs"], after["logs"] = log_events, log_events
    assert canonical_json(_plain(after)) == canonical_json(_plain(wanted)), about
    return "ok" if expected["ok"] else "failed"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return sorted(value) if isinstance(value, set) else value
