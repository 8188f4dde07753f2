"""``windows.volume_space``: size and free space of the volume that holds a path; ``at_least`` makes it a gate."""

from engine.actions.base import BuiltIn, describe, script, whole
from engine.model.command import Command
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


def _folder(path: str) -> str:
    r"""The path as a folder, so that ``C:`` and a mount point without its last separator are found."""
    return path.replace("/", "\\").rstrip("\\") + "\\"


class WindowsVolumeSpace(BuiltIn):
    """One look at the fixed volumes."""

    info = describe(
        "windows.volume_space",
        summary="Size and free space of the volume that holds a path",
        effect=Effect.OBSERVE,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Look once."""
        del host
        return None if seen else script("windows_volume_space.observe.ps1", {"path": _folder(str(args["path"]))})

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Enough, or a refusal that says how much is missing."""
        value = value_map(seen[0])
        if value.get("found") is not True:
            return Refuse(
                why=f"{host.name} has no fixed volume that holds {args['path']}",
                remedy="give a path on a local disk; shares are not measured",
            )
        free, size = whole(value.get("free_bytes")), whole(value.get("size_bytes"))
        volume = str(value.get("volume", ""))
        result: JsonMap = {
            "volume": volume,
            "label": str(value.get("label", "")),
            "size_bytes": size,
            "free_bytes": free,
        }
        least = whole(args.get("at_least"))
        if free < least:
            why = f"{volume} on {host.name} has {free} bytes free, {least - free} too few"
            return Refuse(why=why, remedy="free or extend the volume, then run the step again", result=result)
        return Unchanged(why=f"{volume} on {host.name} has {free} of {size} bytes free", result=result, examined=1)
