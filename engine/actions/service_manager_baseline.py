"""``service_manager.baseline``: the results of earlier steps as one document, complete or refused with every gap named.

What a recovery cannot do without must be known: names, versions, databases, accounts, schedules. A database that a
server's registry names and that no SQL Server showed is a gap as well. Nothing is sent to any host.
"""

from collections.abc import Iterator, Mapping

from engine.actions.base import BuiltIn, describe
from engine.actions.baseline_entry import REPORT_URL, Looks, entry, facts
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, RunsOn, Seen

_LOOKS = (
    "installations",
    "computers",
    "versions",
    "services",
    "instances",
    "databases",
    "jobs",
    "management_packs",
)
_SERVER: Mapping[str, str] = {
    "install_directory": "its installation folder",
    "database_names": "the names of its databases",
    "services": "the accounts of its services",
    "management_packs": "its management packs",
}
# What a host of each role must tell besides its role and name, and how a person reads it.
_NEEDED: Mapping[str, Mapping[str, str]] = {
    "management-server": _SERVER,
    "data-warehouse-server": {**_SERVER, "job_schedules": "which job schedules are on"},
    "sql-server": {"sql": "its version, edition and collation", "databases": "its databases"},
}


class ServiceManagerBaseline(BuiltIn):
    """Pure: everything was looked at by the steps before."""

    info = describe(
        "service_manager.baseline",
        summary="Put what earlier steps found together into a baseline of the estate",
        effect=Effect.OBSERVE,
        runs_on=RunsOn.ENGINE,
        yields=("baseline-recorded",),
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> None:
        """Nothing to look at."""
        del args, host, seen

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The document, or every gap in it."""
        del host, seen
        hosts = {name: entry(_looks(args, name)) for name in sorted(_of(args["installations"]))}
        gaps = [gap for name, one in hosts.items() for gap in _gaps(args, name, one)]
        gaps += _unseen_databases(hosts)
        count = facts(hosts)
        document: JsonMap = {"schema": "baseline/v1", "hosts": hosts}
        result: JsonMap = {"document": document, "hosts": len(hosts), "examined": count, "gaps": gaps}
        if gaps:
            return Refuse(
                why=f"The baseline lacks {len(gaps)} thing{'' if len(gaps) == 1 else 's'}: {'; '.join(gaps)}",
                remedy="Make the hosts answer the steps before this one, and run it again.",
                result=result,
            )
        return Unchanged(
            why=f"The baseline holds {count} facts of {len(hosts)} host{'' if len(hosts) == 1 else 's'}",
            result=result,
            examined=count if hosts else 0,
            proofs=("baseline-recorded",),
        )


def _of(value: object) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}


def _looks(args: Arguments, host: str) -> Looks:
    registry = args.get("registry")
    values = registry if isinstance(registry, (list, tuple)) else ()
    return Looks(
        of={name: _of(_of(args.get(name)).get(host)) for name in _LOOKS},
        registry=tuple(_of(_of(one)[host]) for one in values if host in _of(one)),
        instance=str(args.get("instance") or ""),
    )


def _gaps(args: Arguments, host: str, told: JsonMap) -> Iterator[str]:
    """What is not known of the host and has to be."""
    role = told.get("role")
    if not isinstance(role, str) or role not in _NEEDED:
        yield f"{host}: what it is for"
        return
    if "computer_name" not in told:
        yield f"{host}: its computer name"
    versions = _of(told.get("versions"))
    if role == "sql-server" and "databases" not in versions:
        yield f"{host}: the version of any database"
    if role != "sql-server" and "binaries" not in versions:
        yield f"{host}: the version of its binaries"
    yield from (f"{host}: {words}" for name, words in _NEEDED[role].items() if name not in told)
    for one in _looks(args, host).registry:
        if one.get("found") is not True:
            what = "the report server's address" if one.get("name") == REPORT_URL else f"the value {one.get('name')}"
            yield f"{host}: {what} in the registry"


def _unseen_databases(hosts: Mapping[str, JsonMap]) -> Iterator[str]:
    """Databases that a registry names and that nothing showed, or showed without a version."""
    seen = {name.lower() for one in hosts.values() for name in _of(one.get("databases"))}
    known = {name.lower() for one in hosts.values() for name in _of(_of(one.get("versions")).get("databases"))}
    for host, one in hosts.items():
        for named in _of(one.get("database_names")).values():
            name, server = str(_of(named).get("name")), str(_of(named).get("server"))
            if name.lower() not in seen:
                yield f"{host}: its registry names the database {name} on {server}, and no SQL Server showed it"
            elif name.lower() not in known:
                yield f"{host}: the version of the database {name} on {server}"
