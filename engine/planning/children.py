"""What is said of a step whose runbook cannot be run with it."""

from engine.model.diagnostic import Diagnostic
from engine.model.plan import PlannedStep
from engine.planning.findings import error


def unplannable(step: PlannedStep, why: str, hint: str | None) -> Diagnostic:
    """``why`` goes on from the step's name."""
    return error("P524", f"step {step.id} {why}", step.origin, hint)
