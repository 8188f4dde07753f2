"""``windows.volume_space``: size and free space of the volumes that hold paths; ``at_least`` makes it a gate."""

from engine.actions.base import BuiltIn, as_list, describe, script, whole
from engine.model.command import Command
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


def _folders(args: Arguments) -> tuple[str, ...]:
    r"""Each path once, as a folder, so that ``C:`` and a mount point without its last separator are found."""
    folders = (path.replace("/", "\\").rstrip("\\") + "\\" for path in as_list(args["path"]))
    return tuple({folder.lower(): folder for folder in folders}.values())


class WindowsVolumeSpace(BuiltIn):
    """A look at the fixed volumes for each path; each volume counts once."""

    info = describe(
        "windows.volume_space",
        summary="Size and free space of the volumes that hold paths",
        effect=Effect.OBSERVE,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Look once a path."""
        del host
        folders = _folders(args)
        if len(seen) == len(folders):
            return None
        return script("windows_volume_space.observe.ps1", {"path": folders[len(seen)]})

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Enough on each, or a refusal that says how much is missing where."""
        answers = [value_map(one) for one in seen]
        lost = [path for path, one in zip(_folders(args), answers, strict=True) if one.get("found") is not True]
        if lost or not answers:
            why = f"{host.name} has no fixed volume that holds {' or '.join(lost)}" if lost else "no path is given"
            return Refuse(why=why, remedy="give a path on a local disk; shares are not measured")
        volumes = {str(one.get("volume", "")): _measured(one) for one in answers}
        tightest = min(volumes.values(), key=lambda one: whole(one["free_bytes"]))
        result: JsonMap = {**tightest, "volumes": list(volumes.values())}
        least = whole(args.get("at_least"))
        short = [
            f"{name} on {host.name} has {free} bytes free, {least - free} too few ({_gib(free)} of {_gib(least)})"
            for name, one in volumes.items()
            if (free := whole(one["free_bytes"])) < least
        ]
        if short:
            remedy = "free or extend the volume, then run the step again"
            return Refuse(why="; ".join(short), remedy=remedy, result=result)
        told = [
            f"{name} has {_gib(one['free_bytes'])} of {_gib(one['size_bytes'])} free" for name, one in volumes.items()
        ]
        return Unchanged(why=f"on {host.name} {', '.join(told)}", result=result, examined=len(volumes))


def _gib(count: JsonValue) -> str:
    """For people; the result holds the bytes."""
    return f"{whole(count) / 2**30:.1f} GiB"


def _measured(value: JsonMap) -> JsonMap:
    return {
        "volume": str(value.get("volume", "")),
        "label": str(value.get("label", "")),
        "size_bytes": whole(value.get("size_bytes")),
        "free_bytes": whole(value.get("free_bytes")),
    }
