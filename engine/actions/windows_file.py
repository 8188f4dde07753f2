"""``windows.file``: what lies at a path; and, where asked for, its content or its absence ensured.

A file that is replaced or taken away stays beside it under a backup name, which the undo puts back.
"""

import base64
import hashlib

from engine.actions.base import BuiltIn, as_list, describe, script
from engine.actions.windows_path import backup_name, split
from engine.model.command import Argument, Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged, value_map
from engine.model.secret import Secret
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_CODECS = {"utf-8": "utf-8", "utf-8-bom": "utf-8-sig", "utf-16": "utf-16-le", "ascii": "ascii"}


class WindowsFile(BuiltIn):
    """A look; with ``content`` or ``absent`` a change that keeps the original."""

    info = describe(
        "windows.file",
        summary="A file or folder: whether it is there, its size, time, version and digest; or its content ensured",
        effect=Effect.REVERSIBLE,
        changes_with=("content", "absent"),
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Look once."""
        del host
        if seen or _mistake(args):
            return None
        changes = "content" in args or args.get("absent") is True
        arguments: dict[str, Argument] = {
            "path": str(args["path"]),
            "sha256": changes or args.get("sha256") is True,
            "contains": list(as_list(args.get("contains"))),
        }
        return script("windows_file.observe.ps1", arguments)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """As asked: only a look, an expectation, a content or an absence."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(why=mistake, remedy="Correct the step's arguments.")
        path, value = str(args["path"]), value_map(seen[0])
        if "content" in args:
            return _ensure_content(args, path, value)
        if args.get("absent") is True:
            return _ensure_absent(path, value)
        return _expectation(args, f"{path} on {host.name}", value)


def _mistake(args: Arguments) -> str | None:
    if "content" not in args:
        return None
    if isinstance(args["content"], Secret):
        return "A secret cannot be the content of a file, as the record keeps the content's digest"
    if args.get("absent") is True:
        return "A file cannot both have a content and be absent"
    try:
        _wanted(args)
    except UnicodeEncodeError as problem:
        return f"The content cannot be written as {args.get('encoding', 'utf-8')}: {problem.reason}"
    return None


def _wanted(args: Arguments) -> bytes:
    encoding = str(args.get("encoding", "utf-8"))
    text = str(args["content"])
    return (b"\xff\xfe" if encoding == "utf-16" else b"") + text.encode(_CODECS[encoding])


def _expectation(args: Arguments, place: str, value: JsonMap) -> Decision:
    expect, found = args.get("expect", "any"), value.get("found") is True
    if expect == "present" and not found:
        return Refuse(why=f"{place} is not there", remedy="Check the path and the account's rights.", result=value)
    if expect == "absent" and found:
        return Refuse(why=f"{place} is there and should not be", result=value)
    if args.get("contains") and value.get("contains") is not True:
        return Refuse(why=f"{place} does not hold the text {', '.join(as_list(args['contains']))}", result=value)
    kind = f"is a {value.get('kind')}" if found else "is not there"
    return Unchanged(why=f"{place} {kind}", result=value, examined=1)


def _ensure_content(args: Arguments, path: str, value: JsonMap) -> Decision:
    wanted = _wanted(args)
    digest = hashlib.sha256(wanted).hexdigest()
    if value.get("kind") == "folder":
        return Refuse(why=f"{path} is a folder", remedy="Name a file.", result=value)
    if value.get("sha256") == digest:
        return Unchanged(why=f"{path} already has this content", result=value, examined=1)
    folder, name = split(path)
    found = value.get("found") is True
    backup = backup_name(name, str(value.get("sha256"))) if found else ""
    place: dict[str, Argument] = {"folder": folder, "name": name, "backup": backup}
    content = base64.b64encode(wanted).decode("ascii")
    return Change(
        why=f"{path} has another content" if found else f"{path} is not there",
        before=str(value.get("sha256")) if found else "not there",
        after=digest,
        commands=(script("windows_file.write.ps1", {**place, "content": content}, changing=True),),
        undo=(script("windows_file.restore.ps1", place, changing=True),),
        result={**value, "found": True, "kind": "file", "size": len(wanted), "sha256": digest},
    )


def _ensure_absent(path: str, value: JsonMap) -> Decision:
    if value.get("found") is not True:
        return Unchanged(why=f"{path} is not there", result=value, examined=1)
    if value.get("kind") == "folder":
        return Refuse(why=f"{path} is a folder, and folders are not taken away", remedy="Name a file.", result=value)
    folder, name = split(path)
    place: dict[str, Argument] = {"folder": folder, "name": name, "backup": backup_name(name, str(value.get("sha256")))}
    return Change(
        why=f"{path} is there",
        before=str(value.get("sha256")),
        after="not there",
        commands=(script("windows_file.remove.ps1", place, changing=True),),
        undo=(script("windows_file.restore.ps1", place, changing=True),),
        result={key: False if key == "found" else None for key in value},
    )
