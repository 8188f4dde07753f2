"""``service_manager.media``: whether the installation media can be read from the host, and which product they hold.

The whole setup program is read, so that a share that lists its files but does not give them is found out.
"""

from engine.actions.base import BuiltIn, describe, script, whole
from engine.actions.service_manager_installation import version_key
from engine.actions.windows_path import second_hop
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_COPY = "copy the media to a disk of the host and name that folder"


class ServiceManagerMedia(BuiltIn):
    """One look, no change."""

    info = describe(
        "service_manager.media",
        summary="Whether the installation media can be read from the host, and which version they hold",
        effect=Effect.OBSERVE,
        yields=("media-reachable",),
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """The setup program, read to its end."""
        del host
        if seen:
            return None
        return script("windows_file.observe.ps1", {"path": _setup(args), "sha256": True, "contains": []})

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """A file that cannot be read is an answer."""
        del args, host, failed
        return True

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """There, readable to its end, and of the version that is expected."""
        path, value, expected = _setup(args), value_map(seen[0]), args.get("version")
        result = _result(path, seen[0])
        if not result["readable"]:
            cause = f" ({seen[0].errors[0].message})" if seen[0].errors else ""
            why = "cannot be read" if not seen[0].ok or value.get("found") is True else "is not there"
            return Refuse(
                why=f"{path} {why}, seen from {host.name}{cause}{second_hop(path)}",
                remedy=_COPY,
                result=result,
            )
        version = result["version"]
        if expected is not None and (not version_key(str(version)) or not _same(str(version), str(expected))):
            return Refuse(
                why=f"{path} holds version {version or 'unknown'}, expected {expected}",
                remedy="bring the media of the version that the baseline names",
                result=result,
            )
        return Unchanged(
            why=f"{path} can be read, version {version or 'unknown'}",
            result=result,
            examined=1,
            proofs=("media-reachable",),
        )


def _setup(args: Arguments) -> str:
    return f"{str(args['path']).rstrip(chr(92))}\\{args['file']}"


def _result(path: str, answer: CommandResult) -> JsonMap:
    value = value_map(answer)
    size, digest, version = whole(value.get("size")), value.get("sha256"), value.get("version")
    readable = answer.ok and value.get("kind") == "file" and size > 0 and isinstance(digest, str)
    return {
        "path": path,
        "examined": 1,
        "readable": readable,
        "size": size,
        "version": version if isinstance(version, str) and version else None,
        "sha256": digest if isinstance(digest, str) else None,
    }


def _same(version: str, expected: str) -> bool:
    """True if both are one build, or the expected one names only its first parts."""
    found, wanted = version_key(version), version_key(expected)
    return bool(wanted) and found[: len(wanted)] == wanted
