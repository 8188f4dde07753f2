"""``service_manager.key_backup``: whether the encryption key was backed up between installation and upgrade.

The file's inside says nothing and its password is never asked for: who holds that is for a person to say. When Setup
ran is read from the uninstall key or the program folder; the upgrade may have written either anew, so a time that is
not before the upgrade tells nothing, and an unknown time of installation is no proof.
"""

from datetime import UTC, datetime

from engine.actions.base import BuiltIn, describe, maps, script, whole
from engine.actions.service_manager_installation import PAYLOAD, beside_the_server
from engine.actions.windows_path import second_hop
from engine.model.command import Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_WIZARD = (
    "make the backup with Tools\\SecureStorageBackup\\SecureStorageBackup.exe of the media while the server is whole"
)
_LOST = (
    "look for another backup of this server's key; without one made before the upgrade "
    "the management server cannot be recovered"
)


class ServiceManagerKeyBackup(BuiltIn):
    """Two looks, no change."""

    info = describe(
        "service_manager.key_backup",
        summary="Whether a backup of the encryption key was made after the installation and before the upgrade",
        effect=Effect.OBSERVE,
        yields=("key-backed-up",),
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Where the product is, then the file."""
        del host
        if _mistake(args) or len(seen) > 1:
            return None
        if not seen:
            return script(PAYLOAD)
        folder = value_map(seen[0]).get("install_directory")
        return script(
            "service_manager_key_backup.observe.ps1",
            {"path": str(args["path"]), "folder": folder if isinstance(folder, str) else None},
        )

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """There, not empty, newer than the installation and older than the upgrade."""
        mistake = _mistake(args)
        before = _moment(args["before"])
        if mistake or before is None:
            return Refuse(why=str(mistake), remedy="write it as 2013-03-02T08:30:00+01:00")
        value = value_map(seen[1])
        installed, source = _installed(args, value, before)
        result = _result(args, value, installed, source, before)
        path = str(args["path"])
        place = f"{path} on {host.name}"
        if value.get("found") is not True:
            return Refuse(
                why=f"{path} is not there, seen from {host.name}{second_hop(path)}", remedy=_LOST, result=result
            )
        unfit = _unfit(place, value)
        if unfit:
            return Refuse(why=unfit, remedy=_LOST, result=result)
        return _judge_time(place, _moment(value.get("modified")), installed, before, result)


def _judge_time(
    place: str, written: datetime | None, installed: datetime | None, before: datetime, result: JsonMap
) -> Decision:
    if written is None:
        return Refuse(why=f"When {place} was written is unknown", remedy=_LOST, result=result)
    if written >= before:
        why = f"{place} was written {_iso(written)}, not before the upgrade began {_iso(before)}"
        return Refuse(why=why, remedy=_LOST, result=result)
    if installed is None:
        return Refuse(
            why=f"{place} is older than the upgrade, but nothing tells when Service Manager was installed",
            remedy="give the time of the installation as installed_after, out of the baseline or the records",
            result=result,
        )
    if written <= installed:
        why = f"{place} was written {_iso(written)}, before the installation {_iso(installed)}: it holds another key"
        return Refuse(why=why, remedy=_WIZARD, result=result)
    return Unchanged(
        why=f"{place} was written {_iso(written)}, after the installation and before the upgrade",
        result=result,
        examined=1,
        proofs=("key-backed-up",),
    )


def _unfit(place: str, value: JsonMap) -> str | None:
    if value.get("kind") != "file":
        return f"{place} is a folder and not a key backup"
    if whole(value.get("size")) <= 0:
        return f"{place} is empty"
    return None if value.get("readable") is True else f"{place} cannot be read"


def _mistake(args: Arguments) -> str | None:
    for name in ("before", "installed_after"):
        if args.get(name) not in (None, "") and _moment(args[name]) is None:
            return f"{args[name]} is no moment with its offset from UTC"
    return None


def _moment(value: object) -> datetime | None:
    """A moment with its offset, in UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(str(value))
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _installed(args: Arguments, value: JsonMap, before: datetime) -> tuple[datetime | None, str | None]:
    """When the product was installed and what says so; the latest time before the upgrade that is on record."""
    given = _moment(args.get("installed_after"))
    if given is not None:
        return given, "argument"
    servers = [one for one in maps(value.get("programs")) if not beside_the_server(str(one.get("name", "")))]
    told: list[tuple[JsonValue, str]] = [(one.get("installed"), "uninstall-key") for one in servers]
    told.append((value.get("folder_created"), "program-folder"))
    known = [(moment, source) for text, source in told if (moment := _moment(text)) is not None and moment < before]
    return max(known, default=(None, None))


def _result(
    args: Arguments, value: JsonMap, installed: datetime | None, source: str | None, before: datetime
) -> JsonMap:
    return {
        "path": str(args["path"]),
        "examined": 1,
        "found": value.get("found") is True,
        "size": whole(value.get("size")),
        "modified": _iso(_moment(value.get("modified"))),
        "installed": _iso(installed),
        "installed_by": source,
        "before": _iso(before),
    }
