"""``service_manager.management_packs``: which management packs the data access service gives."""

from engine.actions.base import BuiltIn, describe, whole
from engine.actions.service_manager_module import SERVICE_MANAGER, look, not_installed, where
from engine.actions.service_manager_packs import OBSERVE, packs_of
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


class ServiceManagerManagementPacks(BuiltIn):
    """Two looks, no change."""

    info = describe(
        "service_manager.management_packs",
        summary="The management packs that a Service Manager server gives",
        effect=Effect.OBSERVE,
        yields=("management-packs-readable",),
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Where the product is, then its packs."""
        del args, host
        if not seen:
            return where()
        return look(OBSERVE, seen, SERVICE_MANAGER) if len(seen) == 1 else None

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """At least as many as expected."""
        if len(seen) == 1:
            return not_installed(host)
        packs = packs_of(seen[1])
        unsealed = [one for one in packs if not one.sealed]
        result: JsonMap = {
            "examined": len(packs),
            "count": len(packs),
            "sealed": len(packs) - len(unsealed),
            "unsealed": [{"name": one.name, "version": one.version} for one in unsealed],
        }
        least = max(1, whole(args.get("min_count")))
        if packs and len(packs) < least:
            return Refuse(
                why=f"{host.name} gives {len(packs)} management packs, at least {least} were expected",
                remedy="import what is missing, or look whether this is the database it should be",
                result=result,
            )
        return Unchanged(
            why=f"{host.name} gives {len(packs)} management packs, {len(unsealed)} of them unsealed",
            result=result,
            examined=len(packs),
            proofs=("management-packs-readable",) if packs else (),
        )
