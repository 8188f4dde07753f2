r"""``windows.log_search``: find log files by wildcards and, in them, the lines that match patterns.

A pattern is a list of texts that must all occur in a line, or a regular expression; case does not count. With ``bind``
a line counts only if the nearest preceding line of a kind says the right thing, as a line of an error code says nothing
without the line before it that names the service.
"""

import re
from collections.abc import Mapping

from engine.actions.base import BuiltIn, as_list, describe, maps, script, whole
from engine.model.command import Argument, Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_GLOB = re.compile(r"[A-Za-z]:\\[^<>|\":/]+")


class WindowsLogSearch(BuiltIn):
    """One look at the files, no change."""

    info = describe(
        "windows.log_search",
        summary="Log files found by wildcards, and the lines in them that match patterns",
        effect=Effect.OBSERVE,
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Search once; a search that makes no sense is not sent."""
        del host
        if seen or _mistake(args):
            return None
        return script("windows_log_search.observe.ps1", _payload_arguments(args))

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """What was found; no file at all is a failure unless the step allows it."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(why=mistake, remedy="Correct the step's arguments.")
        value = value_map(seen[0])
        files, matches, skipped = maps(value.get("files")), maps(value.get("matches")), maps(value.get("skipped"))
        counts = {one: sum(match.get("pattern") == one for match in matches) for one in _ids(args)}
        result: JsonMap = {
            "found": bool(files),
            "matched": bool(matches),
            "files": list(files),
            "matches": list(matches),
            "counts": counts,
            "skipped": list(skipped),
            "truncated": value.get("truncated") is True,
        }
        if skipped and not files:
            return Refuse(
                why=f"{host.name}: {_skipped(skipped)}", remedy="Check the rights of the account.", result=result
            )
        if not files and args.get("allow_none") is not True:
            return Refuse(
                why=f"No file on {host.name} matches {', '.join(as_list(args['files']))}",
                remedy="Check the path, or set allow_none if an absent log is an answer.",
                result=result,
            )
        lines = sum(whole(one.get("lines")) for one in files)
        read = f"{_count(lines, 'line', 'lines')} of {_count(len(files), 'file', 'files')}"
        why = f"{_count(len(matches), 'match', 'matches')} in {read}"
        why += f"; {_skipped(skipped)}" if skipped else ""
        return Unchanged(why=why, result=result, examined=len(files) or 1)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _skipped(skipped: tuple[Mapping[str, object], ...]) -> str:
    first = skipped[0]
    return (
        f"{_count(len(skipped), 'place', 'places')} could not be read, such as {first.get('path')} ({first.get('why')})"
    )


def _patterns(args: Arguments) -> tuple[Mapping[str, Argument], ...]:
    patterns = args["patterns"]
    return tuple(one for one in patterns if isinstance(one, Mapping)) if isinstance(patterns, (list, tuple)) else ()


def _ids(args: Arguments) -> tuple[str, ...]:
    return tuple(str(one["id"]) for one in _patterns(args))


def _rule(rule: Mapping[str, Argument]) -> dict[str, JsonValue]:
    if rule.get("regex"):
        return {"regex": str(rule["regex"])}
    return {"contains": list(as_list(rule.get("contains")))}


def _payload_arguments(args: Arguments) -> dict[str, Argument]:
    patterns: list[JsonValue] = []
    for one in _patterns(args):
        sent: dict[str, JsonValue] = {"id": str(one["id"]), **_rule(one)}
        bind = one.get("bind")
        if isinstance(bind, Mapping):
            sent["bind"] = {**_rule(bind), "require": list(as_list(bind.get("require")))}
        patterns.append(sent)
    return {
        "files": list(as_list(args["files"])),
        "patterns": patterns,
        "depth": args.get("depth", 1),
        "max_matches": args.get("max_matches", 500),
        "max_bytes": args.get("max_bytes", 256 * 1024 * 1024),
        "max_text": args.get("max_text", 1000),
    }


def _mistake(args: Arguments) -> str | None:
    """The first thing in the arguments that the schema cannot see, as a sentence."""
    for glob in as_list(args["files"]):
        if not _GLOB.fullmatch(glob):
            return f"{glob} is not a full Windows path such as C:\\Users\\*\\AppData\\Local\\Temp\\**\\SCSM*.log"
    ids = _ids(args)
    if len(set(ids)) < len(ids):
        return "Two patterns have the same id"
    for pattern in _patterns(args):
        bind = pattern.get("bind")
        for rule in (pattern, bind if isinstance(bind, Mapping) else {}):
            if rule.get("regex"):
                try:
                    re.compile(str(rule["regex"]))
                except re.error as problem:
                    return f"The regular expression of pattern {pattern['id']} is wrong: {problem}"
    return None
