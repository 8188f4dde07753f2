"""Are the proofs there, and fresh? The same question the planner answered for every path, asked again at run time."""

from dataclasses import dataclass
from typing import TypeAlias

from engine.conduct.policy import SET_BACK_S
from engine.conduct.state import RunState
from engine.model.event import ApprovalGiven
from engine.model.plan import ENGINE_HOST, Plan, PlannedStep, StepRunId
from engine.model.result import Proof
from engine.model.runbook import Requirement
from engine.planning.subjects import ANY

APPROVAL = "approval"
ESTATE = "estate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The requirement stands; ``proofs`` are what it stands on."""

    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """It stood, but was observed too long ago, or by a clock that was set back: these step runs must look again."""

    refresh: tuple[StepRunId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """It does not stand, and nothing in this run can make it stand without a person."""

    why: str


Gate: TypeAlias = Held | Stale | Missing


def needs_approval(step: PlannedStep) -> bool:
    """True if a person must say yes before the step's change."""
    return any(one.kind == APPROVAL for one in step.requires)


def is_approved(approval: ApprovalGiven | None, now: float) -> bool:
    """True while a person's yes still counts."""
    return approval is not None and approval.at - SET_BACK_S <= now <= approval.expires_at


def check(plan: Plan, state: RunState, requirement: Requirement, now: float, host: str = ENGINE_HOST) -> Gate:
    """Whether one requirement other than an approval holds now for a step run on ``host``."""
    if requirement.subject == ESTATE:
        return _estate(plan, state, requirement, now)
    proofs = [p for p in state.proofs if _counts(p, requirement, host)]
    if not proofs:
        return Missing(why=_missing(plan, state, requirement))
    return _fresh(plan, (max(proofs, key=lambda one: one.observed_at),), requirement, now)


def _counts(proof: Proof, requirement: Requirement, host: str) -> bool:
    """A name is one of the host that it was looked at on: the one that is required, else the step run's own."""
    if (proof.kind, proof.subject) != (requirement.kind, requirement.subject):
        return False
    if proof.host in (ENGINE_HOST, proof.subject):
        return True  # a person's word, or a proof about the host itself
    wanted = requirement.host or host
    return wanted in (ENGINE_HOST, proof.host)


def _estate(plan: Plan, state: RunState, requirement: Requirement, now: float) -> Gate:
    """Holds if every host of one yielding step has proven it, of every name: an absent host is not a proven one."""
    stale: Stale | None = None
    for step in plan.steps:
        if requirement.kind not in step.yields:
            continue
        proofs = [_proofs_of(state, step, host, requirement.kind) for host in step.hosts]
        if proofs and all(proofs):
            gate = _fresh(plan, tuple(one for each in proofs for one in each), requirement, now)
            if isinstance(gate, Held):
                return gate
            stale = gate
    return stale or Missing(why=_missing(plan, state, requirement))


def _proofs_of(state: RunState, step: PlannedStep, host: str, kind: str) -> tuple[Proof, ...]:
    """What a step has proven on one host; nothing while it lacks one of the names that it is about there."""
    proofs = tuple(p for p in state.proofs if (p.step, p.host, p.kind) == (step.id, host, kind))
    known = [name for name in step.names_on(host) or () if name != ANY]
    return proofs if {one.subject for one in proofs} >= set(known) else ()


def _fresh(plan: Plan, proofs: tuple[Proof, ...], requirement: Requirement, now: float) -> Held | Stale:
    """What was seen grows old; what a person said in this run stands."""
    seen = (p for p in proofs if plan.step(p.step).runs_on != "operator")
    old = tuple(p for p in seen if not -SET_BACK_S <= now - p.observed_at <= requirement.max_age_s)
    if not old:
        return Held(proofs=proofs)
    return Stale(refresh=tuple(dict.fromkeys(StepRunId(p.step, p.host or ENGINE_HOST) for p in old)))


def _missing(plan: Plan, state: RunState, requirement: Requirement) -> str:
    """A sentence: which step would prove it, and what became of that step."""
    yielding = [step for step in plan.steps if requirement.kind in step.yields]
    if not yielding:
        return f"no step of this plan yields the proof {requirement}"
    again = [step.id for step in yielding if step.id in state.refused_refreshes]
    parts = [f"step {one} looked again and it no longer holds: {state.refused_refreshes[one]}" for one in again] or [
        f"{StepRunId(step.id, host)} is {state.of(step.id, host).status}"
        for step in yielding
        for host in step.hosts
        if requirement.host in (None, host) and not _proofs_of(state, step, host, requirement.kind)
    ]
    about = requirement.subject if requirement.host is None else f"{requirement.subject} on {requirement.host}"
    detail = "; ".join(parts) or f"nothing was proven about {about}"
    return f"the proof {requirement} is missing: {detail}"
