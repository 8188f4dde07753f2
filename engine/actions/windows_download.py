"""``windows.download``: bring a file of a host home as evidence, and compare what arrived with what lies there."""

import hashlib

from engine.actions.base import BuiltIn, describe, script, whole
from engine.model.command import Command, Download
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


class WindowsDownload(BuiltIn):
    """A look at the file, then the file itself."""

    info = describe(
        "windows.download",
        summary="Bring a file of a host home as evidence",
        effect=Effect.OBSERVE,
        timeout_s=600.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Nothing is fetched that is no file or too large."""
        del host
        path = str(args["path"])
        if not seen:
            return script("windows_file.observe.ps1", {"path": path, "sha256": True, "contains": []})
        found, most = value_map(seen[0]), whole(args["max_bytes"])
        fits = found.get("kind") == "file" and whole(found.get("size")) <= most
        return Download(path=path, max_bytes=most) if len(seen) == 1 and fits else None

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The digests of both ends must be the same."""
        found, place = value_map(seen[0]), f"{args['path']} on {host.name}"
        if found.get("kind") != "file":
            return Refuse(why=f"{place} is no file", remedy="Check the path and the account's rights.")
        if len(seen) == 1:
            told = f"{place} has {found.get('size')} bytes, and at most {args['max_bytes']} are fetched"
            return Refuse(why=told, remedy="Raise max_bytes, or fetch it by other means.")
        content = seen[1].content or b""
        digest = hashlib.sha256(content).hexdigest()
        result: JsonMap = {"size": len(content), "sha256": digest}
        if digest != found.get("sha256"):
            return Refuse(
                why=f"What arrived of {place} is not what was seen there: the file changed meanwhile, or was damaged",
                remedy="Repeat the step; fetch a file that is being written to once its writer is done.",
                result=result,
            )
        return Unchanged(why=f"{place} was fetched, {len(content)} bytes", result=result, examined=1)
