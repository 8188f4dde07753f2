"""``windows.event_log``: the newest matching records of one event log. A log that is not there is an answer."""

from engine.actions.base import BuiltIn, as_list, describe, maps, script, whole
from engine.model.command import Argument, Command
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


def _numbers(value: Argument) -> tuple[int, ...]:
    items = value if isinstance(value, (list, tuple)) else () if value is None else (value,)
    return tuple(item for item in items if isinstance(item, int))


class WindowsEventLog(BuiltIn):
    """One backward read with limits."""

    info = describe(
        "windows.event_log",
        summary="Find records of an event log by source, id, level and time",
        effect=Effect.OBSERVE,
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Read once."""
        del host
        arguments: dict[str, Argument] = {
            "log": args["log"],
            "sources": as_list(args.get("source")),
            "ids": _numbers(args.get("id")),
            "levels": [one.capitalize() for one in as_list(args.get("level"))],
            "since": args.get("since"),
            "within_s": args.get("within_s"),
            "limit": args.get("limit", 50),
            "scan_limit": args.get("scan_limit", 20000),
        }
        return None if seen else script("windows_event_log.observe.ps1", arguments)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The records as found; a log that is not there refuses unless that is allowed."""
        value = value_map(seen[0])
        events, examined = list(maps(value.get("events"))), whole(value.get("examined"))
        log_found, complete = value.get("log_found") is True, value.get("complete") is True
        result: JsonMap = {
            "log_found": log_found,
            "found": bool(events),
            "count": len(events),
            "examined": examined,
            "complete": complete,
            "events": events,
        }
        allowed = args.get("allow_none") is True
        if not log_found and not allowed:
            return Refuse(
                why=f"{host.name} has no event log {args['log']!r}",
                remedy="correct the name, or allow_none: true where the log may be missing",
                result=result,
            )
        if args.get("expect") == "none" and events:
            newest = events[0]
            return Refuse(
                why=f"the {args['log']} log of {host.name} has {len(events)} such records; the newest is event"
                f" {newest.get('id')} of {newest.get('source')} at {newest.get('time')}",
                remedy="read them in the step's result",
                result=result,
            )
        if args.get("expect") == "none" and log_found and not complete:
            return Refuse(
                why=f"only the newest {examined} records of the {args['log']} log of {host.name} were read",
                remedy="raise scan_limit, or look at a shorter time; what was not read may hold such a record",
                result=result,
            )
        told = f"{len(events)} of {examined} records match" if log_found else "not there"
        return Unchanged(
            why=f"{args['log']} log of {host.name}: {told}", result=result, examined=None if allowed else examined
        )
