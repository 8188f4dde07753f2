"""Digests of a plan: one for its inventory slice, one for all of it. Passwords, places and key order do not count."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.model.data import JsonMap, JsonValue, digest
from engine.model.errors import PlanOutdated
from engine.model.inventory import Inventory
from engine.model.plan import Plan
from engine.planning.plan_json import plan_from_json, plan_to_json
from engine.planning.unplaced import without_places


def inventory_slice(inventory: Inventory, names: tuple[str, ...]) -> JsonMap:
    """What the plan relies on of these hosts. Of a password only where it is kept."""
    slice_: dict[str, JsonValue] = {}
    for name in names:
        host = inventory.hosts[name]
        slice_[name] = {
            "address": host.address,
            "connection": host.connection,
            "platform": host.platform,
            "port": host.port,
            "user": host.user,
            "password": None if host.password is None else str(host.password),
            "options": dict(host.options),
            "groups": list(host.groups),
            "variables": dict(host.variables),
        }
    return slice_


def inventory_digest(inventory: Inventory, names: tuple[str, ...]) -> str:
    """The digest of the slice."""
    return digest(inventory_slice(inventory, names))


def plan_digest(plan: Plan) -> str:
    """The digest of everything the plan says: runbook digest, inventory slice, inputs, engine version and each step.

    Where the files lie and on which lines the steps stand does not count.
    """
    return digest(plan_to_json(replace(without_places(plan), digest="")))


def stamped(plan: Plan) -> Plan:
    """The plan with its digest."""
    return replace(plan, digest=plan_digest(plan))


def saved_plan(data: JsonMap) -> Plan:
    """A plan out of a file; one that is damaged or was changed by hand is refused with ``PlanOutdated``."""
    try:
        plan = plan_from_json(data)
        genuine = _digest_as_written(plan, data) == plan.digest
    except (KeyError, TypeError, ValueError, AttributeError) as reason:
        raise PlanOutdated(
            f"the saved plan cannot be read: {_reason(reason)}", remedy="make it again: runbook plan --out FILE"
        ) from reason
    if not genuine:
        raise PlanOutdated(
            "the saved plan was changed after it was made: its digest does not match its content",
            remedy="make it again: runbook plan --out FILE",
        )
    return plan


def _digest_as_written(plan: Plan, data: JsonMap) -> str:
    """Of what the file holds: a field that came later was not in the digest of a plan that was made before."""
    return digest(_only_written(plan_to_json(replace(without_places(plan), digest="")), data))


def _only_written(value: JsonValue, written: JsonValue) -> JsonValue:
    if isinstance(value, Mapping) and isinstance(written, Mapping):
        return {key: _only_written(item, written[key]) for key, item in value.items() if key in written}
    if isinstance(value, Sequence) and isinstance(written, Sequence) and not isinstance(value, str):
        return [_only_written(one, other) for one, other in zip(value, written, strict=True)]
    return value


def _reason(reason: Exception) -> str:
    if isinstance(reason, KeyError):
        return f"{reason} is missing"
    # Python's words for a list where a mapping belongs, and the like, tell a reader nothing
    return str(reason) if isinstance(reason, ValueError) else "a part of it is not what it is in a plan"
