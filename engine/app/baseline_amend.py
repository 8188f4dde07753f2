"""Use case: say in a baseline that the upgrade of one server was completed, before that of the next one begins.

An upgrade goes server by server, the data warehouse first. A baseline from before all of it takes a warehouse that was
upgraded well for one that was damaged. The amended document has the versions that the completed upgrade leads to, and
says who amended it; all else stays, so that what a recovery has to bring back (schedules, accounts) is still known.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.app import documents
from engine.app.baseline_signing import signed
from engine.app.wiring import make_folder, write_text
from engine.language.load import load_baseline
from engine.model.diagnostic import has_errors
from engine.model.errors import UsageMistake


def amend(
    file: Path, server: str, version: str, databases: Sequence[str], out: Path, state: Path, *, by: str, at: str
) -> tuple[str, ...]:
    """Write the amended baseline, signed by this jump host; what was changed in it, a line each."""
    document: dict[str, Any] = json.loads(json.dumps(documents.baseline(str(file), "")))
    hosts: dict[str, Any] = document["hosts"]
    if server not in hosts:
        raise UsageMistake(f"{file} knows no host {server}", remedy=f"one of: {', '.join(sorted(hosts))}")
    if out.exists():
        raise UsageMistake(
            f"{out} is there already", remedy="name a new file: the baseline as recorded is still needed"
        )
    names = {one.lower() for one in (*databases, *_named(hosts[server]))}
    lines = [*_server(server, hosts[server], version), *_databases(hosts, names, version)]
    unknown = sorted(names - {line.partition(" ")[0].lower() for line in lines})
    if unknown or not names:
        told = f"no version of {', '.join(unknown)}" if unknown else f"no database of {server}"
        remedy = "name the databases that its upgrade changed, as the baseline spells them: --database NAME"
        raise UsageMistake(f"{file} records {told}", remedy=remedy)
    more = {"at": at, "by": by, "server": server, "version": version}
    document["amended"] = [*document.get("amended", ()), more]
    text = json.dumps(signed(document, make_folder(state), at), indent=1) + "\n"
    _, found = load_baseline(text, str(out))
    if has_errors(found):
        raise UsageMistake(f"{version} is no version: {found[0].message}", remedy="write it as 7.5.2905.0")
    write_text(out, text)
    return tuple(lines)


def told(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What was amended, a line each."""
    return tuple(
        f"amended at {one['at']} by {one['by']}: the upgrade of {one['server']} to {one['version']} was completed"
        for one in document.get("amended", ())
    )


def _named(host: Mapping[str, Any]) -> list[str]:
    return [str(one["name"]) for one in host.get("database_names", {}).values()]


def _server(name: str, host: dict[str, Any], version: str) -> list[str]:
    versions = host.setdefault("versions", {})
    kinds = [one for one in ("binaries", "management_packs") if one in versions]
    lines = [f"{one.replace('_', ' ')} of {name}: {versions[one]} -> {version}" for one in kinds]
    versions.update(dict.fromkeys(kinds, version))
    return lines


def _databases(hosts: Mapping[str, Any], names: set[str], version: str) -> list[str]:
    """The databases wherever they are recorded; management packs of a server that holds no others go with them."""
    lines = []
    for host, body in hosts.items():
        versions = body.get("versions", {})
        inside: dict[str, str] = versions.get("databases", {})
        mine = [one for one in inside if one.lower() in names]
        lines += [f"{one} on {host}: {inside[one]} -> {version}" for one in mine]
        inside.update(dict.fromkeys(mine, version))
        if mine and len(mine) == len(inside) and body.get("role") == "sql-server" and "management_packs" in versions:
            lines.append(f"management packs of {host}: {versions['management_packs']} -> {version}")
            versions["management_packs"] = version
    return lines
