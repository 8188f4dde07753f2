"""Target sets resolved: which hosts a runbook's names stand for. No host is an error, never a success.

A limit narrows every set, and the counts hold for what is left: so one of several is chosen for ``exactly: 1``.
"""

from collections.abc import Mapping

from engine.language.hosts import select_hosts
from engine.model.diagnostic import Diagnostic, has_errors
from engine.model.inventory import Inventory
from engine.model.origin import Origin
from engine.model.runbook import RunbookSpec, TargetSpec
from engine.planning.findings import error, listed

LIMIT = Origin("--limit", 1, 1)

Targets = Mapping[str, tuple[str, ...]]
Found = tuple[Diagnostic, ...]


def whole_targets(spec: RunbookSpec, inventory: Inventory) -> tuple[dict[str, tuple[str, ...]], Found]:
    """The hosts of each set as the inventory has them, without a limit and without counting."""
    targets: dict[str, tuple[str, ...]] = {}
    found: list[Diagnostic] = []
    for target in spec.targets.values():
        names, wrong = select_hosts(target.pattern, inventory, target.origin)
        targets[target.name] = tuple(names)
        found.extend(wrong)
    return targets, tuple(found)


def limited(
    spec: RunbookSpec, inventory: Inventory, whole: Targets, limit: str | None, used: frozenset[str]
) -> tuple[dict[str, tuple[str, ...]], Found]:
    """The sets under the limit, counted; only sets that a planned step names are counted."""
    chosen: tuple[str, ...] = tuple(inventory.hosts)
    if limit is not None:
        names, wrong = select_hosts(limit, inventory, LIMIT)
        if has_errors(tuple(wrong)):
            return dict(whole), tuple(wrong)
        chosen = tuple(names)
        if not chosen:
            return dict(whole), (error("P510", f"--limit {limit} leaves no host", LIMIT),)
    targets = {name: tuple(host for host in hosts if host in chosen) for name, hosts in whole.items()}
    found = []
    for name in (name for name in targets if name in used):
        others = [spec.targets[other].pattern for other in targets if other in used and other != name]
        found.append(_counted(spec.targets[name], targets[name], whole[name], limit, others))
    return targets, tuple(one for one in found if one is not None)


def _counted(
    target: TargetSpec, hosts: tuple[str, ...], whole: tuple[str, ...], limit: str | None, others: list[str]
) -> Diagnostic | None:
    if not hosts:
        because = f" under --limit {limit}; without it: {listed(whole)}" if whole and limit else ""
        return error(
            "P510",
            f'"{target.name}" ({target.pattern}) has no host{because}',
            target.origin,
            "a run with no host would prove nothing: correct the pattern, the inventory or the limit",
        )
    if target.exactly is not None and len(hosts) != target.exactly:
        return error(
            "P511",
            f'"{target.name}" must have exactly {target.exactly} host{_s(target.exactly)}, '
            f"but {target.pattern} gives {len(hosts)}: {listed(hosts)}",
            target.origin,
            f"choose with --limit, such as -l {','.join((hosts[0], *others))}" if len(hosts) > target.exactly else None,
        )
    if len(hosts) < target.at_least:
        return error(
            "P511",
            f'"{target.name}" must have at least {target.at_least} host{_s(target.at_least)}, '
            f"but {target.pattern} gives {len(hosts)}: {listed(hosts)}",
            target.origin,
        )
    return None


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def lost_to_limit(spec: RunbookSpec, whole: Targets, targets: Targets) -> dict[str, tuple[str, ...]]:
    """Hosts that the limit took out of each set. A set of ``exactly`` is made by choosing, so it loses nothing."""
    return {
        name: tuple(host for host in whole[name] if host not in targets[name])
        for name, target in spec.targets.items()
        if target.exactly is None
    }
