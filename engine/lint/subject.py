"""What a rule looks at: the runbook as written and, if there is one, its plan."""

from dataclasses import dataclass

from engine.model.origin import Origin
from engine.model.plan import Plan, PlannedStep
from engine.model.runbook import RunbookSpec, StepSpec
from engine.model.status import Effect
from engine.planning.effects import FREE_FORM, declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A sentence, its place, and what to do."""

    message: str
    origin: Origin
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A runbook to judge. Without a plan an action's own effect is not known, so only what is written counts."""

    spec: RunbookSpec
    plan: Plan | None = None

    def planned(self, step: StepSpec) -> PlannedStep | None:
        """The step in the plan, if it is there."""
        if self.plan is None:
            return None
        return next((one for one in self.plan.steps if one.id == step.id), None)

    def effect(self, step: StepSpec) -> Effect | None:
        """Its effect as far as it is known."""
        planned = self.planned(step)
        if planned is not None:
            return planned.effect
        if step.action in FREE_FORM:
            return declared(step) or Effect.PERMANENT
        return step.effect

    def changes(self, step: StepSpec) -> bool:
        """True if it is known to change something."""
        return self.effect(step) in (Effect.REVERSIBLE, Effect.PERMANENT)
