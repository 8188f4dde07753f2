"""``posix.file``: what lies at a path of a POSIX host; and, where asked for, its content, mode or absence ensured.

What is replaced or taken away stays beside it under a backup name, which the undo puts back.
"""

import base64
import hashlib

from engine.actions.base import BuiltIn, describe
from engine.actions.windows_path import backup_name
from engine.model.command import Argument, Dialect, Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import Change, Decision, Refuse, Unchanged, value_map
from engine.model.secret import Secret
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


class PosixFile(BuiltIn):
    """A look; with ``content``, ``mode`` or ``absent`` a change that keeps the original."""

    info = describe(
        "posix.file",
        summary="A file or folder of a POSIX host; or its content, mode or absence ensured",
        effect=Effect.REVERSIBLE,
        changes_with=("content", "mode", "absent"),
        platforms=("posix",),
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Look once."""
        del host
        return None if seen or _mistake(args) else _script("observe", {"path": str(args["path"])}, changing=False)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """As asked: only a look, an expectation, a content and mode, or an absence."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(why=mistake, remedy="Correct the step's arguments.")
        path, value = str(args["path"]), _parse(str(value_map(seen[0]).get("stdout", "")))
        wants_file = "content" in args or "mode" in args
        if value["kind"] not in (None, "file") and (wants_file or args.get("absent") is True):
            return Refuse(why=f"{path} is not a plain file but a {value['kind']}", remedy="Name a file.", result=value)
        if wants_file:
            return _ensure(args, path, value)
        if args.get("absent") is True:
            return _ensure_absent(path, value)
        return _expectation(args, f"{path} on {host.name}", value)


def _script(verb: str, arguments: dict[str, Argument], *, changing: bool = True) -> Script:
    name = f"posix_file.{verb}.sh"
    return Script(name=name, text=payload(name), arguments=arguments, dialect=Dialect.POSIX, changing=changing)


def _mistake(args: Arguments) -> str | None:
    if args.get("absent") is True and ("content" in args or "mode" in args):
        return "A file cannot both be absent and have a content or a mode"
    if isinstance(args.get("content"), Secret):
        return "A secret cannot be the content of a file, as the record keeps the content's digest"
    return None if str(args["path"]).startswith("/") else f"{args['path']} is not a full path"


def _parse(stdout: str) -> JsonMap:
    """The answer's lines; an answer is data, so anything unexpected counts as not known."""
    pairs = dict(line.split("=", 1) for line in stdout.splitlines() if "=" in line)
    size = pairs.get("size", "")
    return {
        "found": pairs.get("found") == "yes",
        "kind": pairs.get("kind"),
        "size": int(size) if size.isdigit() else None,
        "mode": pairs["mode"].rjust(4, "0") if "mode" in pairs else None,
        "sha256": pairs.get("sha256"),
    }


def _expectation(args: Arguments, place: str, value: JsonMap) -> Decision:
    expect = args.get("expect", "any")
    if expect == "present" and not value["found"]:
        return Refuse(why=f"{place} is not there", remedy="Check the path and the account's rights.", result=value)
    if expect == "absent" and value["found"]:
        return Refuse(why=f"{place} is there and should not be", result=value)
    return Unchanged(
        why=f"{place} {'is a ' + str(value['kind']) if value['found'] else 'is not there'}", result=value, examined=1
    )


def _ensure(args: Arguments, path: str, value: JsonMap) -> Decision:
    if "content" not in args and not value["found"]:
        return Refuse(
            why=f"{path} is not there, so its mode cannot be set", remedy="Give its content too.", result=value
        )
    content = str(args["content"]).encode() if "content" in args else None
    digest = hashlib.sha256(content).hexdigest() if content is not None else value["sha256"]
    mode = str(args["mode"]).rjust(4, "0") if "mode" in args else value["mode"]
    if value["found"] and (digest, mode) == (value["sha256"], value["mode"]):
        return Unchanged(why=f"{path} is already as wanted", result=value, examined=1)
    backup = backup_name(path, str(value["sha256"])) if value["found"] else ""
    keep = "yes" if digest == value["sha256"] else "no"
    arguments: dict[str, Argument] = {
        "path": path,
        "backup": backup,
        "mode": str(args.get("mode", "")),
        "keep_content": keep,
        "content": base64.b64encode(content or b"").decode("ascii"),
    }
    size = len(content) if content is not None else value["size"]
    return Change(
        why=f"{path} differs from what is wanted" if value["found"] else f"{path} is not there",
        before=f"{value['sha256']} {value['mode']}" if value["found"] else "not there",
        after=f"{digest} {mode or 'default mode'}",
        commands=(_script("write", arguments),),
        undo=(_script("restore", {"path": path, "backup": backup}),),
        result={"found": True, "kind": "file", "size": size, "mode": mode, "sha256": digest},
    )


def _ensure_absent(path: str, value: JsonMap) -> Decision:
    if not value["found"]:
        return Unchanged(why=f"{path} is not there", result=value, examined=1)
    place: dict[str, Argument] = {"path": path, "backup": backup_name(path, str(value["sha256"]))}
    gone: JsonMap = {"found": False, "kind": None, "size": None, "mode": None, "sha256": None}
    return Change(
        why=f"{path} is there",
        before=str(value["sha256"]),
        after="not there",
        commands=(_script("remove", place),),
        undo=(_script("restore", place),),
        result=gone,
    )
