"""``service_manager.versions``: which versions a host's binaries, management packs and databases have.

With ``compare_with`` a baseline, every version recorded for the host must be the same now; only then the proof
``baseline-unchanged`` is given. A version that cannot be read is ``unknown`` and never counts as equal.
"""

from collections.abc import Mapping
from typing import TypeAlias

from engine.actions.base import BuiltIn, as_list, describe, script
from engine.actions.service_manager_installation import PAYLOAD, installation, version_key
from engine.model.command import Argument, Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

UNKNOWN = "unknown"
PROOF = "baseline-unchanged"
Items: TypeAlias = "dict[str, str]"


class ServiceManagerVersions(BuiltIn):
    """First the installation, then the databases where the host has any."""

    info = describe(
        "service_manager.versions",
        summary="Versions of binaries, management packs and databases, compared with a baseline",
        effect=Effect.OBSERVE,
        yields=(PROOF,),
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """One look at the registry, one at the databases; none where there is nothing to compare with."""
        if _missing_baseline(args, host):
            return None
        if not seen:
            return script(PAYLOAD)
        instances = as_list(value_map(seen[0]).get("sql_instances"))
        if len(seen) > 1 or not (instances or _databases(args, host)):
            return None
        return script("service_manager_versions.databases.ps1", _database_arguments(args, host, instances))

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Equal to the baseline, or which items are not."""
        missing = _missing_baseline(args, host)
        if missing:
            return missing
        versions = _versions(seen)
        items = _flat(versions)
        if "compare_with" not in args:
            known = sum(version != UNKNOWN for version in items.values())
            result = _result(host, versions, {}, {})
            return Unchanged(why=f"{known} versions read on {host.name}", result=result, examined=known)
        baseline = _flat(_baseline(args, host) or {})
        return _compare(host, versions, items, baseline)


def _compare(host: HostView, versions: JsonMap, items: Items, baseline: Items) -> Decision:
    unknown = {one for one in baseline if UNKNOWN in (baseline[one], items.get(one, UNKNOWN))}
    differing = {one for one in baseline if one not in unknown and not _same(baseline[one], items[one])}
    result = _result(host, versions, baseline, {one: items.get(one, UNKNOWN) for one in baseline})
    result = {
        **result,
        "unchanged": not unknown and not differing,
        "unknown": sorted(unknown),
        "differing": sorted(differing),
    }
    if differing:
        told = ", ".join(f"{one} is {items[one]} and was {baseline[one]}" for one in sorted(differing))
        return Refuse(
            why=f"{host.name} is no longer as recorded before the upgrade: {told}",
            remedy="Permanent changes were made. Run the triage again; do not retry the upgrade.",
            result=result,
        )
    if unknown:
        return Refuse(
            why=f"{host.name} cannot be compared with the baseline: {', '.join(sorted(unknown))} unknown",
            remedy="Make the databases readable for the account, or record the missing versions in the baseline.",
            result=result,
        )
    why = f"{host.name} is as recorded before the upgrade: {len(baseline)} versions are the same"
    return Unchanged(why=why, result=result, examined=len(baseline), proofs=(PROOF,))


def _same(one: str, other: str) -> bool:
    return version_key(one) != () and version_key(one) == version_key(other)


def _missing_baseline(args: Arguments, host: HostView) -> Refuse | None:
    """Why no comparison can be made, if it is asked for and cannot."""
    if "compare_with" not in args:
        return None
    if not isinstance(args["compare_with"], Mapping):
        return Refuse(
            why="There is no baseline to compare with",
            remedy="Give the baseline recorded before the upgrade with --baseline FILE.",
        )
    entry = _baseline(args, host)
    if not entry or not _flat(entry):
        return Refuse(
            why=f"The baseline holds no versions of {host.name}",
            remedy=f"Record the versions of {host.name} in the baseline, under hosts: {host.name}: versions.",
        )
    return None


def _baseline(args: Arguments, host: HostView) -> JsonMap | None:
    """The versions that the baseline records for the host; names are compared without case."""
    document = args.get("compare_with")
    hosts = document.get("hosts") if isinstance(document, Mapping) else None
    for name, entry in hosts.items() if isinstance(hosts, Mapping) else ():
        if str(name).lower() == host.name.lower() and isinstance(entry, Mapping):
            versions = entry.get("versions")
            return versions if isinstance(versions, Mapping) else None
    return None


def _databases(args: Arguments, host: HostView) -> tuple[str, ...]:
    if "databases" in args:
        return as_list(args["databases"])
    recorded = (_baseline(args, host) or {}).get("databases")
    return tuple(str(name) for name in recorded) if isinstance(recorded, Mapping) else ()


def _database_arguments(args: Arguments, host: HostView, instances: tuple[str, ...]) -> dict[str, Argument]:
    """Without a name the only instance there is; the default instance needs none."""
    instance = str(args.get("instance") or (instances[0] if len(instances) == 1 else ""))
    return {
        "instance": "" if instance.upper() == "MSSQLSERVER" else instance,
        "databases": list(_databases(args, host)),
        "names_query": payload("service_manager_versions.names.sql"),
        "version_query": payload("service_manager_versions.version.sql"),
        "packs_query": payload("service_manager_versions.packs.sql"),
    }


def _versions(seen: Seen) -> JsonMap:
    """``{binaries, management_packs, databases: {NAME: V}}``, each a version or ``unknown``."""
    databases = value_map(seen[1]).get("databases") if len(seen) > 1 else {}
    rows = (
        {str(name): one for name, one in databases.items() if isinstance(one, Mapping)}
        if isinstance(databases, Mapping)
        else {}
    )
    packs = {str(one.get("management_packs")) for one in rows.values() if one.get("management_packs")}
    return {
        "binaries": str(installation(value_map(seen[0]))["build"] or UNKNOWN),
        "management_packs": packs.pop() if len(packs) == 1 else UNKNOWN,
        "databases": {name: str(one.get("version") or UNKNOWN) for name, one in sorted(rows.items())},
    }


def _flat(versions: JsonMap) -> Items:
    """Item to version, as ``binaries`` and ``databases.ServiceManager``; anything but a text is unknown."""
    items: Items = {}
    for name in ("binaries", "management_packs"):
        if name in versions:
            items[name] = _text(versions[name])
    databases = versions.get("databases")
    if isinstance(databases, Mapping):
        items.update({f"databases.{name}": _text(value) for name, value in databases.items()})
    return items


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) and version_key(value) else UNKNOWN


def _result(host: HostView, versions: JsonMap, baseline: Items, now: Items) -> JsonMap:
    comparisons: list[JsonValue] = [
        {"item": one, "baseline": baseline[one], "now": now[one], "same": _same(baseline[one], now[one])}
        for one in sorted(baseline)
    ]
    return {
        "host": host.name,
        "versions": versions,
        "comparisons": comparisons,
        "unchanged": None,
        "unknown": [],
        "differing": [],
    }
