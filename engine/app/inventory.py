"""Use case: what an inventory gives, as plain values; secrets stay references."""

from typing import Any

from engine.app import documents
from engine.app.request import parse_limit
from engine.model.errors import OptionsRejected, UsageMistake
from engine.model.inventory import Host, Inventory


def listing(name: str, limit: str | None) -> list[dict[str, Any]]:
    """The selected hosts in the order of the file; none is a mistake with a sentence."""
    inventory = documents.inventory(name)
    return [_host(inventory.hosts[one]) for one in selected(inventory, limit)]


def selected(inventory: Inventory, limit: str | None) -> tuple[str, ...]:
    """Names of the hosts that a pattern selects; every host without one."""
    from engine.language.hosts import select_hosts
    from engine.model.origin import Origin

    if limit is None:
        return tuple(inventory.hosts)
    pattern = parse_limit(limit) or "all"
    names, found = select_hosts(pattern, inventory, Origin("--limit", 1, 1))
    if found:
        raise OptionsRejected(tuple(found))
    if not names:
        raise UsageMistake(f"the pattern `{limit}` selects no host", remedy=f"hosts: {', '.join(inventory.hosts)}")
    return tuple(names)


def _host(host: Host) -> dict[str, Any]:
    return {
        "name": host.name,
        "connection": host.connection,
        "endpoint": f"{host.address}:{host.port}" if host.port else host.address,
        "platform": host.platform,
        "user": host.user,
        "password": str(host.password) if host.password else None,
        "options": dict(host.options),
        "groups": list(host.groups),
        "variables": dict(host.variables),
        "origin": str(host.origin),
    }
