"""Use case: make a plan, or open a saved one and prove that it still holds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import __version__
from engine.app import documents
from engine.app.request import PlanRequest, parse_limit, parse_params
from engine.app.wiring import catalogue
from engine.model.diagnostic import Diagnostic, Severity, has_errors
from engine.model.errors import DocumentsRejected, OptionsRejected, PlanOutdated, UsageMistake
from engine.model.inventory import Inventory
from engine.model.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with what it was made from, and the warnings on the way."""

    plan: Plan
    inventory: Inventory
    diagnostics: tuple[Diagnostic, ...]


def make(request: PlanRequest, depth: int = 0) -> Planned:
    """The plan of a request, or ``DocumentsRejected`` with everything that is wrong, also in the runbooks that it runs
    (``depth`` is how many runbooks ran one another to come here).
    """
    from engine.app.children import child_findings
    from engine.language.located import with_excerpts
    from engine.planning.children import with_nested
    from engine.planning.planner import make_plan

    loaded = documents.runbook(request.runbook)
    inventory = documents.inventory(request.inventory)
    plan, found = make_plan(
        loaded.spec,
        inventory,
        catalogue(),
        params=parse_params(request.params),
        limit=parse_limit(request.limit),
        tags=_tags(request.tags),
        start_at=request.start_at,
        baseline=documents.baseline(request.baseline, request.inventory),
        engine_version=__version__,
    )
    if plan is not None:
        more, nested = child_findings(plan, loaded.spec, request, make, depth)
        found, plan = (*found, *more), with_nested(plan, nested)
    shown = tuple(
        with_excerpts((one,), loaded.text)[0] if one.origin and one.origin.file == loaded.spec.file else one
        for one in found
    )
    diagnostics = loaded.diagnostics + shown
    if plan is None or has_errors(diagnostics):
        raise (OptionsRejected if _about_options(found) else DocumentsRejected)(diagnostics)
    return Planned(plan=plan, inventory=inventory, diagnostics=diagnostics)


def _tags(written: str | None) -> tuple[str, ...]:
    """The tags; a lone comma is one that no step has, not none."""
    if not written:
        return ()
    return tuple(tag.strip() for tag in written.split(",") if tag.strip()) or (written,)


OPTION_CODES = frozenset({"P515", "P520", "P521", "P522", "P523"})
"""What is wrong with --start-at, --tags and -e; a finding about --limit has that as its place."""


def _about_options(found: Sequence[Diagnostic]) -> bool:
    errors = [one for one in found if one.severity is Severity.ERROR]
    return bool(errors) and all(
        one.code in OPTION_CODES or (one.origin is not None and one.origin.file == "--limit") for one in errors
    )


def save(plan: Plan, path: Path) -> None:
    """Write the plan as JSON."""
    from engine.planning.plan_json import plan_to_json

    try:
        path.write_text(json.dumps(plan_to_json(plan), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageMistake(f"{path} cannot be written: {error.strerror}") from error


def saved(path: Path, request: PlanRequest) -> Planned:
    """A saved plan, made again from its sources: ``PlanOutdated`` names what differs."""
    from engine.planning.difference import differences
    from engine.planning.stamp import saved_plan, stamped

    try:
        data = json.loads(documents.read_text(path, "a saved plan"))
    except (ValueError, RecursionError) as error:
        raise UsageMistake(
            f"{path} is no saved plan: {error}", remedy="make one with: runbook plan ... --out FILE"
        ) from error
    old = stamped(saved_plan(data))  # anew, as the digest of an older engine's plan covers fewer fields
    now = make(request)
    if old.digest != now.plan.digest:
        changed = differences(old, now.plan)
        detail = "; ".join(changed[:5]) or "its sources differ"
        raise PlanOutdated(
            f"the saved plan {old.digest[:8]} no longer matches its sources: {detail}",
            remedy="make a new plan, review it, and run that one",
        )
    return Planned(plan=old, inventory=now.inventory, diagnostics=now.diagnostics)
