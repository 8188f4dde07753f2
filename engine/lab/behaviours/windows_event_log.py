"""What ``windows_event_log.observe.ps1`` finds."""

from datetime import UTC, datetime

from engine.lab.clock import iso
from engine.lab.machine import Machine
from engine.lab.machine_events import LabEvent
from engine.model.data import JsonMap, JsonValue

_DAY_S = 86400.0


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """The newest matching records, read backwards."""
    log = machine.events.get(str(arguments["log"]))
    if log is None:
        return {"log_found": False, "examined": 0, "complete": True, "events": []}
    since = _moment(arguments.get("since"))
    if arguments.get("within_s"):
        since = machine.clock.now() - float(str(arguments["within_s"]))
    limit, scan_limit = int(str(arguments["limit"])), int(str(arguments["scan_limit"]))
    found: list[JsonValue] = []
    examined, complete = 0, True
    for event in reversed(log.entries):
        if examined >= scan_limit or len(found) >= limit:
            complete = False
            break
        examined += 1
        if since is not None and event.time < since:
            if event.time < since - _DAY_S:
                break
            continue
        if _matches(event, arguments):
            found.append(_shown(event))
    return {"log_found": True, "examined": examined, "complete": complete, "events": found}


def _moment(text: JsonValue) -> float | None:
    if not text:
        return None
    return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def _matches(event: LabEvent, arguments: JsonMap) -> bool:
    ids, sources, levels = arguments["ids"], arguments["sources"], arguments["levels"]
    assert isinstance(ids, (list, tuple))
    assert isinstance(sources, (list, tuple))
    assert isinstance(levels, (list, tuple))
    if levels and event.level not in levels:
        return False
    wanted = {str(source).lower() for source in sources}
    return (not ids or event.id in ids) and (not wanted or event.source.lower() in wanted)


def _shown(event: LabEvent) -> JsonMap:
    return {
        "time": iso(event.time),
        "id": event.id,
        "source": event.source,
        "level": event.level,
        "message": event.message,
        "strings": list(event.strings),
        "record": event.record,
    }
