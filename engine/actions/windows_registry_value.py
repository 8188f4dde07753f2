r"""``windows.registry_value``: look at one value, or ensure it: exactly, at least, or absent.

``at_least`` never lowers a number. What was there before is kept, and the undo puts it back or deletes what was new.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, describe, script
from engine.model.command import Command, Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged, value_map
from engine.model.secret import Secret
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_KINDS = {
    "string": "String",
    "expand": "ExpandString",
    "multi": "MultiString",
    "dword": "DWord",
    "qword": "QWord",
    "binary": "Binary",
}
_TYPES = {kind: name for name, kind in _KINDS.items()}
_LIMITS = {"dword": 2**32, "qword": 2**63}


def _fits(kind: str, value: object) -> bool:
    """True if a value can be stored under that type."""
    match kind:
        case "dword" | "qword":
            return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LIMITS[kind]
        case "multi":
            return isinstance(value, Sequence) and not isinstance(value, str)
        case "binary":
            return isinstance(value, str) and len(value) % 2 == 0 and set(value.lower()) <= set("0123456789abcdef")
        case _:
            return isinstance(value, str)


def _same(one: object, other: object) -> bool:
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return list(one) == list(other)
    return type(one) is type(other) and one == other


def _place(args: Arguments) -> dict[str, JsonValue]:
    return {"key": str(args["key"]), "name": str(args["name"])}


class WindowsRegistryValue(BuiltIn):
    """One value of HKLM or HKCU, read and written by its kind."""

    info = describe(
        "windows.registry_value",
        summary="Look at a registry value, or ensure it exactly, at least, or absent",
        effect=Effect.REVERSIBLE,
        changes_with=("value", "at_least", "absent"),
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Read the value once."""
        del host
        return None if seen else script("windows_registry_value.observe.ps1", _place(args))

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Only look, or ensure."""
        del host
        now = _as_seen(value_map(seen[0]), args)
        kind, wanted = str(args.get("type", "dword")), args.get("value", args.get("at_least"))
        if isinstance(wanted, str) and kind == "binary":
            wanted = wanted.lower()
        if args.get("absent"):
            return (
                _removal(now, args)
                if now["found"]
                else Unchanged(why=f"{_told(now)} is absent", result=now, examined=1)
            )
        if wanted is None:
            return Unchanged(why=f"{_told(now)} is {_shown(now)}", result=now, examined=1)
        if isinstance(wanted, Secret):
            why = "A secret cannot be a registry value, which others on the host can read and the record shows"
            return Refuse(why=why, remedy="Hand the secret to a windows.script in its arguments.", result=now)
        if not _fits(kind, wanted):
            return Refuse(why=f"{wanted!r} cannot be stored as {kind}", remedy="correct type or value", result=now)
        if _satisfied(now, kind, wanted, at_least="value" not in args):
            return Unchanged(why=f"{_told(now)} is {_shown(now)}", result=now, examined=1)
        return _write(now, args, kind, wanted)


def _as_seen(raw: JsonMap, args: Arguments) -> JsonMap:
    value = raw.get("value")
    kind = str(raw.get("kind", ""))
    return {
        **_place(args),
        "key_found": raw.get("key_found") is True,
        "found": raw.get("found") is True,
        "type": _TYPES.get(kind, kind.lower()),
        "value": list(value) if isinstance(value, (list, tuple)) else value,
    }


def _told(now: JsonMap) -> str:
    return f"{now['key']}\\{now['name']}"


def _shown(now: JsonMap) -> str:
    return f"{now['value']} ({now['type']})" if now["found"] else "absent"


def _satisfied(now: JsonMap, kind: str, wanted: object, *, at_least: bool) -> bool:
    if not now["found"] or now["type"] != kind:
        return False
    if at_least and isinstance(now["value"], int) and isinstance(wanted, int):
        return now["value"] >= wanted
    return _same(now["value"], wanted)


def _set(args: Arguments, kind: str, value: JsonValue) -> Script:
    arguments = {**_place(args), "kind": _KINDS[kind], "value": value}
    return script("windows_registry_value.set.ps1", arguments, changing=True)


def _remove(args: Arguments) -> Script:
    return script("windows_registry_value.remove.ps1", _place(args), changing=True)


def _restore(now: JsonMap, args: Arguments) -> tuple[Command, ...]:
    """The undo: the value as it was, or none. A kind that cannot be written has no undo."""
    if not now["found"]:
        return (_remove(args),)
    kind = str(now["type"])
    return (_set(args, kind, now["value"]),) if kind in _KINDS else ()


def _write(now: JsonMap, args: Arguments, kind: str, wanted: JsonValue) -> Change:
    after = {**now, "key_found": True, "found": True, "type": kind, "value": wanted}
    return Change(
        why=f"{_told(now)} is {_shown(now)}, wanted {_shown(after)}",
        before=_shown(now),
        after=_shown(after),
        commands=(_set(args, kind, wanted),),
        undo=_restore(now, args),
        result=after,
    )


def _removal(now: JsonMap, args: Arguments) -> Change:
    return Change(
        why=f"{_told(now)} is {_shown(now)}, wanted absent",
        before=_shown(now),
        after="absent",
        commands=(_remove(args),),
        undo=_restore(now, args),
        result={**now, "found": False, "type": "", "value": None},
    )
