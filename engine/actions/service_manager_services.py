"""``service_manager.services``: the product's services together, looked at once; only those that differ are changed.

``services-stopped`` and ``services-running`` speak of the whole host, so they need a look at all three.
The sources name no order, so a stop keeps the order of the names, and a start begins with the data access service.
A stop owes a start: it stays on record until a look sees all of them run.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, as_list, describe, maps, script, whole
from engine.actions.windows_service import as_seen, ensure
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Owed, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

PRODUCT = ("OMSDK", "OMCFG", "HealthService")
_NO_ANSWER = "no answer"
_STATES = ("running", "stopped")
_MODES = ("automatic", "manual", "disabled")
_START = Owed(
    key="services-stopped",
    what="start its services after the recovery",
    how="The recovery does it at its end. By hand: where server and database have one version; then verify-recovery.",
)


class ServiceManagerServices(BuiltIn):
    """Looks at the services, then starts, stops or re-configures those that differ."""

    info = describe(
        "service_manager.services",
        summary="Look at the services of Service Manager; start or stop them together",
        effect=Effect.REVERSIBLE,
        yields=("services-stopped", "services-running"),
        changes_with=("state", "start_mode"),
        timeout_s=900.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """All of them in one look."""
        del host
        return None if seen else script("windows_service.observe.ps1", {"names": as_list(args["names"])})

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """A missing service refuses unless this role does without it; differences change."""
        services = _services(args, value_map(seen[0]))
        silent = [str(one["name"]) for one in services if one["state"] == _NO_ANSWER]
        if silent:
            return Refuse(why=f"{host.name} gave no answer about {', '.join(silent)}", result=_result(services))
        optional = {name.lower() for name in as_list(args.get("optional"))}
        present = [one for one in services if one["found"]]
        missing = [str(one["name"]) for one in services if not one["found"]]
        needed = [name for name in missing if name.lower() not in optional]
        if needed:
            return Refuse(
                why=f"{host.name} has no service {', '.join(needed)}",
                remedy="check the host's role, or name under optional what this role does without",
                result=_result(services),
            )
        wanted = _wanted(args)
        if not present and wanted.get("state") == "running":
            return Refuse(
                why=f"{host.name} has none of the services that are to run",
                remedy="install the role before its services are started",
                result=_result(services),
            )
        different = [one for one in present if _difference(one, wanted)]
        if different:
            return _change(args, services, different, wanted)
        told = ", ".join(f"{one['name']} is {one['state']}" for one in present)
        proofs = _proofs(services, optional)
        return Unchanged(
            why=told or "none of the services is there, so none runs",
            result=_result(services),
            examined=len(services),
            proofs=proofs,
            pays=_paid(args, proofs),
        )


def _services(args: Arguments, value: JsonMap) -> list[JsonMap]:
    """What was answered for each name asked."""
    answered = {
        str(one.get("name", "")).lower(): as_seen(one)
        for one in maps(value.get("services"))
        if isinstance(one.get("found"), bool)
    }
    return [_told(name, answered.get(name.lower(), {"state": _NO_ANSWER})) for name in as_list(args["names"])]


def _told(name: str, one: JsonMap) -> JsonMap:
    return {
        "name": name,
        "found": one.get("found") is True,
        "state": str(one.get("state", "")),
        "start_mode": str(one.get("start_mode", "")),
        "account": str(one.get("account", "")),
        "exit_code": whole(one.get("exit_code")),
    }


def _wanted(args: Arguments) -> JsonMap:
    named = {"state": args.get("state"), "start_mode": args.get("start_mode")}
    return {key: str(value) for key, value in named.items() if value not in (None, "as_is")}


def _difference(service: JsonMap, wanted: JsonMap) -> JsonMap:
    return {key: value for key, value in wanted.items() if service[key] != value}


def _change(args: Arguments, services: list[JsonMap], different: list[JsonMap], wanted: JsonMap) -> Change:
    starting, stopping = wanted.get("state") == "running", wanted.get("state") == "stopped"
    forward, back = _ordered(different, first=starting), _ordered(different, first=stopping)
    after: list[JsonMap] = [{**one, **(wanted if one in different else {})} for one in services]
    earlier = [(one, _restorable(one, _difference(one, wanted))) for one in back]
    return Change(
        why=", ".join(_difference_told(one, _difference(one, wanted)) for one in forward),
        before={str(one["name"]): {key: one[key] for key in _difference(one, wanted)} for one in forward},
        after={str(one["name"]): _difference(one, wanted) for one in forward},
        commands=tuple(ensure(one, _difference(one, wanted), args) for one in forward),
        undo=tuple(ensure(one, values, args) for one, values in earlier if values),
        result=_result(after),
        owes=(_START,) if stopping and args.get("owed") is True else (),
    )


def _ordered(services: Sequence[JsonMap], *, first: bool) -> list[JsonMap]:
    """The order of the names, with the data access service in front where services are started."""
    return sorted(services, key=lambda one: str(one["name"]).lower() != "omsdk") if first else list(services)


def _restorable(service: JsonMap, changed: JsonMap) -> JsonMap:
    """The earlier values of what changes, as far as they can be wanted again."""
    known = {"state": _STATES, "start_mode": _MODES}
    return {key: service[key] for key in changed if service[key] in known[key]}


def _difference_told(service: JsonMap, changed: JsonMap) -> str:
    parts = [f"{key.replace('_', ' ')} {service[key]}, wanted {value}" for key, value in changed.items()]
    return f"{service['name']} has {' and '.join(parts)}"


def _proofs(services: Sequence[JsonMap], optional: set[str]) -> tuple[str, ...]:
    """A service that is not there does not run; that it may be missing was decided before."""
    looked_at = {str(one["name"]).lower() for one in services}
    if not all(name.lower() in looked_at | optional for name in PRODUCT):
        return ()
    states = {str(one["state"]) for one in services if one["found"]}
    if states <= {"stopped"} and {name.lower() for name in PRODUCT} <= looked_at:
        return ("services-stopped",)
    return ("services-running",) if states == {"running"} else ()


def _paid(args: Arguments, proofs: Sequence[str]) -> tuple[str, ...]:
    """A start is owed until all run, or until a step says that this server is not to come back."""
    settled = "services-running" in proofs or ("services-stopped" in proofs and args.get("owed") is False)
    return (_START.key,) if settled else ()


def _result(services: Sequence[JsonMap]) -> JsonMap:
    present = [one for one in services if one["found"]]
    return {
        "examined": len(services),
        "all_running": bool(present) and all(one["state"] == "running" for one in present),
        "all_stopped": all(one["state"] == "stopped" for one in present),
        "missing": [one["name"] for one in services if not one["found"]],
        "services": list(services),
    }
