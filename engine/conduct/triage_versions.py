"""Today's versions against the baseline, item by item. What is unknown on either side is neither equal nor changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.model.triage import UNKNOWN, Concern, Evidence, EvidenceHost, Missing

EQUAL, CHANGED = "equal", "changed"
_EARLIER = (
    "its own upgrade may have been completed before. If it was, take a baseline that says so (runbook baseline amend)"
)
_SERVERS = ("management-server", "data-warehouse-server")
_WAREHOUSE = (
    "dwstagingandconfig",
    "dwrepository",
    "dwdatamart",
    "omdwdatamart",
    "cmdwdatamart",
    "dwasdatabase",
    "analyst",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One version of the baseline and what became of it. ``kind``: binaries, management packs or a database.
    ``doubt``: why a version that differs shows no change made by this upgrade. ``nameless``: nothing tells whether it
    is of a management server or of the warehouse.
    """

    kind: str
    name: str
    host: str
    before: str
    now: str
    state: str
    file: str | None
    warehouse: bool = False
    doubt: str = ""
    nameless: bool = False


def items(evidence: Evidence, failed: frozenset[str] = frozenset()) -> tuple[tuple[Item, ...], tuple[Missing, ...]]:
    """All comparisons, and what keeps some from being made. ``failed``: hosts on which setup was seen to fail."""
    if evidence.baseline is None:
        why = "nothing was recorded before the upgrade, so no version can be compared"
        return (), (Missing(what="the baseline", file=evidence.baseline_file, why=why, concerns=Concern.BASELINE),)
    started = evidence.upgrade.started_at
    if evidence.baseline_at is not None and started is not None and evidence.baseline_at > started:
        why = "it was recorded after the upgrade had started and proves nothing"
        what = "a baseline from before the upgrade"
        return (), (Missing(what=what, file=evidence.baseline_file, why=why, concerns=Concern.BASELINE),)
    missing: list[Missing] = []
    found = [item for host in evidence.baseline for item in _host_items(evidence, host, missing)]
    if not found:
        why = "it records no version"
        missing.append(Missing(what="the baseline", file=evidence.baseline_file, why=why, concerns=Concern.BASELINE))
        return (), tuple(missing)
    every = _nameless((*found, *_strangers(evidence, found, failed)), evidence, missing)
    return _doubted(_begun(every, evidence.upgrade.from_version), evidence.upgrade.to_version, failed), tuple(missing)


def _nameless(found: tuple[Item, ...], evidence: Evidence, missing: list[Missing]) -> tuple[Item, ...]:
    """What may be of either side, because nothing tells its role; a single one beside the other side is no riddle."""
    every = (*evidence.hosts, *(evidence.baseline or ()))
    servers = {short(one.name) for one in every if one.role in _SERVERS}
    main = [one for one in found if not one.warehouse]
    databases = [one for one in main if one.kind == "database"]
    odd: list[Item] = []
    if not evidence.warehouse_databases and len({one.name.lower() for one in databases}) > 1:
        odd = [one for one in databases if short(one.host) not in servers and not _is_main(one.name, evidence)]
    binaries = [one for one in main if one.kind == "binaries"]
    if len({short(one.host) for one in binaries}) > 1:
        odd += [one for one in binaries if short(one.host) not in servers]
    for one in odd:
        what = "the server" if one.kind == "binaries" else f"the database {one.name}"
        side = "a management server" if one.kind == "binaries" else "ServiceManager"
        why = f"nothing tells whether it is {side} or of the warehouse; the registry of the servers does"
        gap = Missing(what=f"the role of {what}", host=one.host, file=one.file, why=why, concerns=Concern.REGISTRY)
        missing.append(gap)
    return tuple(replace(one, nameless=True) if one in odd else one for one in found)


def _begun(found: tuple[Item, ...], start: str | None) -> tuple[Item, ...]:
    """What stands at the version that the upgrade began with was not changed by it, whatever the baseline says."""
    if start is None:
        return found
    return tuple(
        replace(one, state=UNKNOWN, doubt=_older_baseline(one))
        if one.state == CHANGED and same_version(one.now, start)
        else one
        for one in found
    )


def _older_baseline(item: Item) -> str:
    told = f"today it is {item.now}, with which the upgrade is said to have begun, and the baseline says {item.before}"
    return f"{told}: the baseline is older than the last update, or upgrade.from is wrong"


def _doubted(found: tuple[Item, ...], target: str | None, failed: frozenset[str]) -> tuple[Item, ...]:
    """The data warehouse is upgraded first, further management servers last. What stands whole at the version that the
    upgrade leads to, where setup failed on another server, may have been completed before: versions do not tell that
    from a change made by this upgrade.
    """
    if target is None:
        return found
    reached = frozenset(id(one) for one in found if one.now != UNKNOWN and same_version(one.now, target))
    doubted = (*_warehouse_before(found, failed, reached), *_server_before(found, failed, reached))
    reasons = {id(one): why for one, why in doubted if one.state == CHANGED}
    return tuple(replace(one, state=UNKNOWN, doubt=reasons[id(one)]) if id(one) in reasons else one for one in found)


def _warehouse_before(
    found: tuple[Item, ...], failed: frozenset[str], reached: frozenset[int]
) -> Iterable[tuple[Item, str]]:
    mine = [one for one in found if one.warehouse]
    servers = _servers(mine)
    whole = bool(servers) and any(one.kind == "database" for one in mine)
    # Where no log says on which server setup failed, a change of a management server shows that its setup came later.
    elsewhere = not failed & servers if failed else any(one.state == CHANGED for one in found if not one.warehouse)
    if not whole or not elsewhere or any(id(one) not in reached for one in mine):
        return
    other = "setup failed on another server" if failed else "a management server, which comes later, was changed too"
    for one in mine:
        yield one, f"it is {one.now}, as all of the data warehouse, and {other}: {_EARLIER}"


def _server_before(
    found: tuple[Item, ...], failed: frozenset[str], reached: frozenset[int]
) -> Iterable[tuple[Item, str]]:
    mine = [one for one in found if not one.warehouse]
    failed -= _servers([one for one in found if one.warehouse])
    servers = _servers(mine)
    done = {name for name in servers if all(id(one) in reached for one in mine if short(one.host) == name)}
    shared = [one for one in mine if short(one.host) not in servers or one.kind == "database"]
    if not done or not failed or failed & done or any(id(one) not in reached for one in shared):
        return
    for one in mine:
        # Packs that a server names lie in the database.
        if one in shared or short(one.host) in done or (one.kind != "binaries" and id(one) in reached):
            yield (
                one,
                (
                    f"it is {one.now}, to which a management server was upgraded whole, and setup failed on another "
                    f"server: {_EARLIER}"
                ),
            )


def settled(found: Sequence[Item]) -> Iterable[str]:
    """What a person does about versions that were read, where it is in doubt what they mean."""
    before = [one for one in found if one.doubt.endswith(_EARLIER)]
    for one in before:
        if one.kind == "binaries":
            names = [each.name for each in before if each.kind == "database" and each.warehouse == one.warehouse]
            inside = "".join(f" --database {name}" for name in names)
            yield f"If the upgrade of {one.host} was completed before, say so, then run the triage again with FILE:"
            yield f"runbook baseline amend BASELINE --completed {one.host} --to {one.now}{inside} --out FILE"
    if any(one.doubt and one not in before for one in found):
        yield (
            "Bring the baseline that was recorded last before the upgrade, or correct upgrade.from; "
            "then run the triage again."
        )


def _servers(found: Sequence[Item]) -> frozenset[str]:
    return frozenset(short(one.host) for one in found if one.kind == "binaries")


def _strangers(evidence: Evidence, found: Sequence[Item], failed: frozenset[str]) -> Iterable[Item]:
    """Versions of today that the baseline does not know.

    One that is equal to any that it does know shows no change. Any other may be a change, and nobody can tell.
    """
    recorded = {one.before for one in found if one.before != UNKNOWN}
    known = {(one.kind, one.name.lower(), "" if one.kind == "database" else short(one.host)) for one in found}
    for host in evidence.hosts:
        role = next((one.role for one in evidence.baseline or () if short(one.name) == short(host.name)), host.role)
        warehouse = (host.role if role == UNKNOWN else role) == "data-warehouse-server"
        seen = [("database", name, now, "databases") for name, now in host.versions.databases.items()]
        seen.append(("management packs", "management packs", host.versions.management_packs, "management_packs"))
        seen.append(("binaries", "binaries", host.versions.binaries, "binaries"))
        for kind, name, now, field in seen:
            place = "" if kind == "database" else short(host.name)
            blind = now == UNKNOWN and kind == "binaries" and place in failed and host.role != "sql-server"
            strange = now != UNKNOWN and not any(same_version(now, one) for one in recorded)
            if (kind, name.lower(), place) not in known and (blind or strange):
                of_warehouse = _is_warehouse(name, evidence) if kind == "database" else warehouse
                file = host.versions.files.get(field)
                yield _item(kind, name, host.name, UNKNOWN, now, file, warehouse=of_warehouse)


def _host_items(evidence: Evidence, base: EvidenceHost, missing: list[Missing]) -> Iterable[Item]:
    now = next((one for one in evidence.hosts if short(one.name) == short(base.name)), None)
    if now is None:
        why = "the baseline names it, and nothing was brought of it"
        missing.append(Missing(what="the host as a whole", host=base.name, why=why, concerns=Concern.ANYTHING))
        now = EvidenceHost(name=base.name)
    role = base.role if base.role != UNKNOWN else now.role
    warehouse = role == "data-warehouse-server" or _only_warehouse(evidence, base)
    for kind, field in (("binaries", "binaries"), ("management packs", "management_packs")):
        before, today = getattr(base.versions, field), getattr(now.versions, field)
        if before != UNKNOWN:
            yield _item(kind, kind, base.name, before, today, now.versions.files.get(field), warehouse=warehouse)
    for name, before in base.versions.databases.items():
        today, file = _database(evidence, base, now, name, missing)
        of_warehouse = _is_warehouse(name, evidence) or (warehouse and not _is_main(name, evidence))
        yield _item("database", name, base.name, before, today, file, warehouse=of_warehouse)


def _item(kind: str, name: str, host: str, before: str, now: str, file: str | None, *, warehouse: bool) -> Item:
    state = UNKNOWN if UNKNOWN in (before, now) else EQUAL if same_version(before, now) else CHANGED
    return Item(kind=kind, name=name, host=host, before=before, now=now, state=state, file=file, warehouse=warehouse)


def _database(
    evidence: Evidence, base: EvidenceHost, now: EvidenceHost, name: str, missing: list[Missing]
) -> tuple[str, str | None]:
    """The version of a database, whoever saw it: a management server may have asked the SQL Server."""
    owners = {short(one.name) for one in evidence.baseline or () if _lookup(one, name) is not None}
    others = owners - {short(base.name)}
    asked = [one for one in evidence.hosts if one.name == now.name or short(one.name) not in others]
    seen = [(_lookup(one, name) or UNKNOWN, one.versions.files.get("databases"), one.name) for one in asked]
    seen = [one for one in seen if one[0] != UNKNOWN]
    texts = [value for value, _, _ in seen]
    if any(not same_version(texts[0], other) for other in texts[1:]):
        told = ", ".join(f"{host} says {value}" for value, _, host in seen)
        why = f"the sources disagree: {told}"
        missing.append(Missing(what=f"the version of {name}", host=base.name, why=why, concerns=Concern.VERSIONS))
        return UNKNOWN, None
    return (texts[0], seen[0][1]) if texts else (UNKNOWN, now.versions.files.get("databases"))


def _lookup(host: EvidenceHost, name: str) -> str | None:
    return next((value for key, value in host.versions.databases.items() if key.lower() == name.lower()), None)


def _is_warehouse(name: str, evidence: Evidence) -> bool:
    lowered = name.lower()
    named = lowered in _WAREHOUSE or lowered in evidence.warehouse_databases
    return named or lowered.startswith(("dw", "omdw", "cmdw", "reportserver"))


def _only_warehouse(evidence: Evidence, base: EvidenceHost) -> bool:
    """Management packs lie in databases: those of a SQL Server of the warehouse alone are the warehouse's."""
    names = base.versions.databases
    return bool(names) and all(_is_warehouse(name, evidence) for name in names)


def _is_main(name: str, evidence: Evidence) -> bool:
    return name.lower().startswith("servicemanager") and name.lower() not in evidence.warehouse_databases


def overall(found: Sequence[Item]) -> str:
    """``changed`` if anything changed, ``equal`` if everything is known and equal, else ``unknown``."""
    states = {one.state for one in found}
    if CHANGED in states:
        return CHANGED
    return EQUAL if states == {EQUAL} else UNKNOWN


def same_version(left: str, right: str) -> bool:
    """Equal number by number; trailing zeros do not count, for both 7.5.1561.0 and 7.5.1561.0.0 are in print."""
    return _numbers(left) == _numbers(right)


def _numbers(text: str) -> list[str]:
    parts = [one.lstrip("0") or "0" for one in text.strip().split(".")]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return parts


def short(name: str) -> str:
    return name.lower() if name.replace(".", "").isdigit() else name.lower().partition(".")[0]
