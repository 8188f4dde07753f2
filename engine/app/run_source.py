"""Where a run came from, stored beside its plan, so that another process can take it up; and whether it still fits."""

from collections.abc import Mapping
from pathlib import Path

from engine.app.request import PlanRequest, RunRequest, parse_limit
from engine.app.wiring import state_option
from engine.model.data import JsonMap, JsonValue, canonical_json
from engine.model.errors import PlanOutdated, UsageMistake
from engine.model.inventory import Inventory
from engine.model.plan import Plan
from engine.ports.journal import JournalStore


def source_to_json(source: PlanRequest, request: RunRequest) -> JsonMap:
    """Absolute paths, and what was asked for; inputs are given by reference, so no secret is among them."""
    return {
        "runbook": str(Path(source.runbook).absolute()),
        "inventory": str(Path(source.inventory).absolute()),
        "params": list(source.params),
        "baseline": str(Path(source.baseline).absolute()) if source.baseline else None,
        "limit": parse_limit(source.limit),
        "check": request.check,
        "root": request.root,
    }


def source_from_json(data: JsonMap) -> PlanRequest:
    """The request as it was."""
    params = data.get("params")
    return PlanRequest(
        runbook=str(data.get("runbook", "")),
        inventory=str(data.get("inventory", "")),
        params=tuple(str(one) for one in params) if isinstance(params, (list, tuple)) else (),
        baseline=str(data["baseline"]) if data.get("baseline") else None,
        limit=str(data["limit"]) if data.get("limit") else None,
    )


def baseline_file(data: JsonMap) -> str:
    """The file of the baseline: the one that was named, else the one beside the inventory."""
    return str(data.get("baseline") or Path(str(data.get("inventory", ""))).parent / "baseline.yaml")


def refuse_nested(journal: JournalStore, run_id: str, state: Path) -> None:
    """``UsageMistake`` for a run that another one began and still waits for: only that one goes on with it."""
    root = mapping(journal.plan(run_id).get("source")).get("root")
    if isinstance(root, str) and not any(one.run_id == root and one.ended_at is not None for one in journal.runs()):
        raise UsageMistake(
            f"the run {run_id} is a part of the run {root}, which goes on with it",
            remedy=f"write {root} instead, as in: runbook resume {root}{state_option(state)}",
        )


def tree(journal: JournalStore, run_id: str) -> tuple[str, ...]:
    """A run and all that it began, directly or not, each after the one that began it."""
    return tuple(sorted(one.run_id for one in journal.runs() if f"{one.run_id}.".startswith(f"{run_id}.")))


def mapping(value: JsonValue) -> JsonMap:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def refuse_drift(plan: Plan, inventory: Inventory) -> None:
    """``PlanOutdated`` unless the hosts' entries are what the run was planned for."""
    from engine.planning.stamp import inventory_digest

    missing = [name for name in plan.hosts if name not in inventory.hosts]
    if missing or inventory_digest(inventory, plan.hosts) != plan.inventory_digest:
        what = f"{', '.join(missing)} left the inventory" if missing else "the hosts' entries changed"
        raise PlanOutdated(
            f"{inventory.file} is not what the run was planned for: {what}",
            remedy="put the inventory back as it was, or start a new run",
        )


def refuse_other_baseline(plan: Plan, child: Plan) -> None:
    """``PlanOutdated`` if the baseline was changed between the plan and that of a runbook which a step of it runs."""
    if canonical_json(plan.baseline) != canonical_json(child.baseline):
        raise PlanOutdated(
            f"the baseline changed after {plan.runbook} was planned, so {child.runbook} would go by another one",
            remedy="put the baseline back as it was, or make a new plan, review it, and run that one",
        )
