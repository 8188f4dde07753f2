"""``windows.account_logon``: whether the accounts of services can log on, by what Windows has on record; none is tried.

A running service has logged on at its last start. A failure of the same account after that start, of whatever service,
counts against it, as the password may have changed since. What leaves no record is unknown, and unknown is no success.
"""

from collections.abc import Iterable, Sequence

from engine.actions.base import BuiltIn, as_list, describe, maps, script, whole
from engine.actions.windows_service import as_seen
from engine.model.command import Argument, Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_ENTERED_A_STATE, _START_FAILED, _LOGON_FAILED, _RIGHT_MISSING = 7036, 7000, 7038, 7041
_LOGON_CODE = 1069
_REMEDY = (
    "correct the password or the right to log on as a service in the service's properties; "
    "nothing was tried here, as every attempt counts toward a lock-out"
)


class WindowsAccountLogon(BuiltIn):
    """Two looks, no change."""

    info = describe(
        "windows.account_logon",
        summary="Whether the accounts of services can log on, by the services' states and the System event log",
        effect=Effect.OBSERVE,
        yields=("accounts-log-on",),
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """The services, then what the Service Control Manager has logged."""
        del host
        if not seen:
            return script("windows_service.observe.ps1", {"names": as_list(args["services"])})
        return script("windows_event_log.observe.ps1", _events_wanted(args)) if len(seen) == 1 else None

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """One verdict a service; all of them must be good."""
        records = sorted(maps(value_map(seen[1]).get("events")), key=lambda one: whole(one.get("record")))
        asked = {name.lower() for name in as_list(args["services"])}
        answered = [as_seen(one) for one in maps(value_map(seen[0]).get("services"))]
        services = [one for one in answered if str(one.get("name", "")).lower() in asked]
        found = [_judge(one, records, require_running=args.get("require_running") is not False) for one in services]
        present = [one for one in found if one["verdict"] != "missing"]
        result: JsonMap = {
            "examined": len(present),
            "records": len(records),
            "complete": value_map(seen[1]).get("complete") is True,
            "all_log_on": bool(present) and all(one["verdict"] == "logs-on" for one in found),
            "services": found,
        }
        bad = [one for one in found if one["verdict"] != "logs-on"]
        if bad:
            return Refuse(
                why=f"On {host.name}, {'; '.join(str(one['why']) for one in bad)}",
                remedy=_remedy(bad),
                result=result,
            )
        return Unchanged(
            why="; ".join(str(one["why"]) for one in found) or "no service was looked at",
            result=result,
            examined=len(present),
            proofs=("accounts-log-on",) if len(found) == len(asked) else (),
        )


def _events_wanted(args: Arguments) -> dict[str, Argument]:
    return {
        "log": "System",
        "ids": [_ENTERED_A_STATE, _START_FAILED, _LOGON_FAILED, _RIGHT_MISSING],
        "sources": ["Service Control Manager"],
        "levels": [],
        "since": None,
        "limit": 2000,
        "scan_limit": whole(args["scan_limit"]),
    }


def _remedy(bad: Sequence[JsonMap]) -> str:
    verdicts = {one["verdict"] for one in bad}
    if verdicts == {"missing"}:
        return "correct the names, or look at the inventory's groups"
    return _REMEDY if "failed" in verdicts else "start the service, which is the one log-on that tells, and look again"


def _judge(service: JsonMap, records: Sequence[JsonMap], *, require_running: bool) -> JsonMap:
    name, account = str(service.get("name", "")), str(service.get("account", ""))
    answer: JsonMap = {"name": name, "account": account, "state": str(service["state"]), "since": None}
    if service["found"] is not True:
        return {**answer, "verdict": "missing", "why": f"there is no service {name}"}
    display = str(service.get("display_name", "")).lower()
    own = [one for one in records if _string(one, 0).lower() == display]
    moves = [whole(one.get("record")) for one in own if one.get("id") == _ENTERED_A_STATE]
    # The last state that a service entered which does not run is not its start.
    entered = max(moves if service["state"] == "running" else moves[:-1], default=0)
    start = next((one for one in own if whole(one.get("record")) == entered), None)
    # Records of failed starts name the service as people see it, those of failed log-ons by its short name.
    names = (display, name.lower())
    failure = _last(
        one for one in records if _string(one, 0).lower() in names or _string(one, 1).lower() == account.lower()
    )
    if failure is not None and whole(failure.get("record")) > entered:
        return {**answer, **_failed(name, account, service, failure, known=entered > 0)}
    if service["state"] == "running":
        since = str(start.get("time")) if start else None
        return {**answer, "since": since, "verdict": "logs-on", "why": f"{name} runs as {account}"}
    return {**answer, **_stopped(name, account, service, None if require_running else own)}


def _failed(name: str, account: str, service: JsonMap, failure: JsonMap, *, known: bool) -> JsonMap:
    told = f"event {failure.get('id')} of {failure.get('time')}"
    if service["state"] == "running" and not known:
        why = f"{name} runs as {account}, and {told} tells of a failed log-on, before or after its start"
        return {"verdict": "unknown", "why": why}
    return {"verdict": "failed", "why": f"the account {account} of {name} could not log on: {told}"}


def _stopped(name: str, account: str, service: JsonMap, own: Sequence[JsonMap] | None) -> JsonMap:
    """``own`` are the records that may stand for a start that is over."""
    if whole(service.get("exit_code")) == _LOGON_CODE:
        return {"verdict": "failed", "why": f"{name} is {service['state']} with error 1069, {account} could not log on"}
    if own and own[-1].get("id") == _ENTERED_A_STATE:
        last = str(own[-1].get("time"))
        return {"since": last, "verdict": "logs-on", "why": f"{name} is stopped, and {account} had logged on before"}
    return {
        "verdict": "unknown",
        "why": f"{name} is {service['state']}, and nothing tells whether {account} can log on",
    }


def _last(records: Iterable[JsonMap]) -> JsonMap | None:
    """The newest record that tells of a failed log-on."""
    failures = [one for one in records if _is_failure(one)]
    return failures[-1] if failures else None


def _is_failure(one: JsonMap) -> bool:
    if one.get("id") == _START_FAILED:
        return _string(one, 1) == f"%%{_LOGON_CODE}"
    return one.get("id") in (_LOGON_FAILED, _RIGHT_MISSING)


def _string(one: JsonMap, index: int) -> str:
    """An insertion string of a record, else the empty one."""
    strings = one.get("strings")
    return str(strings[index]) if isinstance(strings, (list, tuple)) and len(strings) > index else ""
