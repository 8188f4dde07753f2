"""``windows.service``: look at services; ``state`` and ``start_mode`` ensure, ``expect_`` before them only checks.

A start that fails ends with the error number of the Service Control Manager (1053, 1069 and so on) in its sentence.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, as_list, describe, maps, script
from engine.model.command import Command, Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_MODES = {"auto": "automatic"}
_WMI_MODES = {"automatic": "Automatic", "manual": "Manual", "disabled": "Disabled"}
_NOTHING: JsonMap = {
    "found": False,
    "display_name": "",
    "state": "",
    "start_mode": "",
    "account": "",
    "path": "",
    "process_id": 0,
    "exit_code": 0,
}


def as_seen(raw: JsonMap) -> JsonMap:
    """A service in the words of the runbook language: ``start_pending``, ``automatic``."""
    mode = str(raw.get("start_mode", "")).lower()
    state = str(raw.get("state", "")).lower().replace(" ", "_")
    return {**_NOTHING, **raw, "state": state, "start_mode": _MODES.get(mode, mode)}


def _differences(service: JsonMap, wanted: JsonMap) -> dict[str, str]:
    return {key: str(value) for key, value in wanted.items() if value is not None and service[key] != value}


def _wanted(args: Arguments, prefix: str) -> JsonMap:
    return {key: str(args[prefix + key]) for key in ("state", "start_mode") if args.get(prefix + key) is not None}


class WindowsService(BuiltIn):
    """Looks at each named service, then starts, stops or re-configures those that differ."""

    info = describe(
        "windows.service",
        summary="Look at services; ensure or check their state and start mode",
        effect=Effect.REVERSIBLE,
        changes_with=("state", "start_mode"),
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """All named services in one look."""
        del host
        return None if seen else script("windows_service.observe.ps1", {"names": as_list(args["name"])})

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Missing services and unmet expectations refuse; differences change."""
        services = [as_seen(one) for one in maps(value_map(seen[0]).get("services"))]
        result = _result(services, args)
        missing = [str(one["name"]) for one in services if not one["found"]]
        if missing and not args.get("allow_none"):
            return Refuse(
                why=f"{host.name} has no service {', '.join(missing)}",
                remedy="correct the name (a service's short name, not its display name), or allow_none: true",
                result=result,
            )
        present = [one for one in services if one["found"]]
        refusal = _unmet(present, _wanted(args, "expect_"), host, result)
        if refusal:
            return refusal
        wanted = _wanted(args, "")
        different = [one for one in present if _differences(one, wanted)]
        if different:
            return _change(different, wanted, args, services)
        return Unchanged(why=_sentence(services), result=result, examined=None if missing else len(present))


def _result(services: Sequence[JsonMap], args: Arguments) -> JsonMap:
    """Fields of the first service, and all of them as a list."""
    first = services[0] if services else {"name": "", **_NOTHING}
    found = bool(services) and all(one["found"] for one in services)
    expected = {**_wanted(args, "expect_"), **_wanted(args, "")}
    fulfilled = found and not any(_differences(one, expected) for one in services)
    return {**first, "found": found, "all_as_expected": fulfilled, "services": services}


def _sentence(services: list[JsonMap]) -> str:
    told = [f"{one['name']} is {one['state'] if one['found'] else 'not there'}" for one in services]
    return ", ".join(told)


def _unmet(services: list[JsonMap], expected: JsonMap, host: HostView, result: JsonMap) -> Refuse | None:
    for one in services:
        for key, value in _differences(one, expected).items():
            why = f"{one['name']} on {host.name} has {key.replace('_', ' ')} {one[key]}, expected {value}"
            return Refuse(why=why, remedy="read the System event log for the reason", result=result)
    return None


def ensure(service: JsonMap, wanted: JsonMap, args: Arguments) -> Script:
    """The change that gives one service the state and the start mode that are named."""
    mode, state = wanted.get("start_mode"), wanted.get("state")
    return script(
        "windows_service.ensure.ps1",
        {
            "name": service["name"],
            "state": state,
            "start_mode": _WMI_MODES.get(str(mode)),
            "timeout_s": args.get("start_timeout_s", 240),
        },
        changing=True,
    )


def _before(service: JsonMap, different: dict[str, str]) -> JsonMap:
    """The earlier values of what changes, as far as they can be wanted again."""
    known = ("running", "stopped", *_WMI_MODES)
    return {key: service[key] for key in different if service[key] in known}


def _change(different: list[JsonMap], wanted: JsonMap, args: Arguments, services: list[JsonMap]) -> Change:
    pairs = [(one, _differences(one, wanted)) for one in different]
    after: list[JsonMap] = [{**one, **(wanted if one in different else {})} for one in services]
    undo = [ensure(one, _before(one, keys), args) for one, keys in pairs if _before(one, keys)]
    return Change(
        why=", ".join(_difference_told(one, keys) for one, keys in pairs),
        before={str(one["name"]): {key: one[key] for key in keys} for one, keys in pairs},
        after={str(one["name"]): keys for one, keys in pairs},
        commands=tuple(ensure(one, keys, args) for one, keys in pairs),
        undo=tuple(reversed(undo)),
        result=_result(after, args),
    )


def _difference_told(service: JsonMap, keys: dict[str, str]) -> str:
    parts = [f"{key.replace('_', ' ')} {service[key]}, wanted {value}" for key, value in keys.items()]
    return f"{service['name']} has {' and '.join(parts)}"
