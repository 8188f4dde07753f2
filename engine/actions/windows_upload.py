"""``windows.upload``: put a file on a host, whatever its bytes are. Another file of that name is never replaced."""

import base64
import binascii
import hashlib

from engine.actions.base import BuiltIn, describe, script
from engine.actions.windows_path import backup_name, split
from engine.model.command import Script, Upload
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged, value_map
from engine.model.secret import Secret
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


class WindowsUpload(BuiltIn):
    """One look, one transfer; the second look compares digests."""

    info = describe(
        "windows.upload",
        summary="Put a file on a host, and compare what arrived",
        effect=Effect.REVERSIBLE,
        timeout_s=600.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """What lies at the path."""
        del host
        if seen or _content(args) is None:
            return None
        return script("windows_file.observe.ps1", {"path": str(args["path"]), "sha256": True, "contains": []})

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The digests of both ends must be the same."""
        content, path = _content(args), str(args["path"])
        if content is None:
            return Refuse(why="The content is not base64", remedy="Encode the file's bytes, without line breaks.")
        found, digest = value_map(seen[0]), hashlib.sha256(content).hexdigest()
        result: JsonMap = {"size": len(content), "sha256": digest}
        if found.get("found") is not True:
            return _change(path, content, result)
        if found.get("sha256") == digest:
            return Unchanged(why=f"{path} on {host.name} already has this content", result=result, examined=1)
        return Refuse(
            why=f"Something else is at {path} on {host.name}",
            remedy="Name a path where nothing is, or move that away first.",
        )


def _content(args: Arguments) -> bytes | None:
    text = args["content_base64"]
    try:
        return None if isinstance(text, Secret) else base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        return None


def _change(path: str, content: bytes, result: JsonMap) -> Change:
    folder, name = split(path)
    away = {"folder": folder, "name": name, "backup": backup_name(name, str(result["sha256"]))}
    return Change(
        why=f"{path} is not there",
        before="not there",
        after=result["sha256"],
        commands=(Upload(path=path, content=content),),
        undo=(script("windows_file.remove.ps1", away, changing=True),),
        result=result,
    )
