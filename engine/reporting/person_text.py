"""What a person reads before answering: a question of a step, or a change that waits for a yes."""

import textwrap
from collections.abc import Sequence

from engine.model.event import ApprovalAsked, QuestionAsked
from engine.model.plan import ENGINE_HOST, Plan
from engine.model.result import Proof
from engine.reporting.change_diff import diff_lines
from engine.reporting.plain import one_line, printable
from engine.reporting.words import duration, short_digest


def approval_text(asked: ApprovalAsked, plan: Plan, operator: str, *, columns: int = 80) -> str:
    """The screen before an approval, without the line that takes the answer."""
    name = one_line(asked.name) + ("" if asked.host == ENGINE_HOST else f" on {asked.host}")
    title = f"  {_position(asked.step, plan)}: {name}"
    grave = "PERMANENT" if asked.effect == "permanent" else "disruptive" if asked.disruptive else asked.effect
    lines = [_ends(title, grave, columns), *_field("Why", one_line(asked.why) or "no reason was recorded", columns)]
    for number, line in enumerate(diff_lines(asked.before, asked.after)):
        lines.append(f"  {'Change' if number == 0 else '':<8}  {line}".rstrip())
    for number, proof in enumerate(asked.proofs):
        lines += _field(
            "Proofs" if number == 0 else "", _proof(proof, asked.at, _limit(asked.step, plan, proof)), columns
        )
    if not asked.proofs:
        lines += _field("Proofs", "none is needed for this step", columns)
    lines += _field("Before", f"exits: {_exits(asked.exits_before)}", columns)
    lines += _field("After", f"exits: {_exits(asked.exits_after)}", columns)
    lost = [one for one in asked.exits_before if one not in asked.exits_after]
    if lost:
        lines += _field("Lost", f"{', '.join(lost)}: no longer possible once this is done", columns)
    lines += _field("Asked", f"{one_line(operator)}, plan {short_digest(asked.plan_digest)}", columns)
    return "\n".join(lines) + "\n"


def question_text(asked: QuestionAsked, plan: Plan, *, columns: int = 80) -> str:
    """The screen of an operator step: what to do, the question, and the answers with their keys."""
    lines = [f"  {_position(asked.step, plan)}: {one_line(_name(asked.step, plan))}", ""]
    for line in printable(asked.show).splitlines():
        lines += textwrap.wrap(line, columns - 4, initial_indent="    ", subsequent_indent="    ") or [""]
    lines += ["", f"  {one_line(asked.question)}"]
    cells = max((len(key) for key in asked.answers), default=0)
    for number, (key, label) in enumerate(asked.answers.items(), start=1):
        lines.append(f"    {number}  {one_line(key):<{cells}}   {one_line(label)}")
    if not asked.answers:
        lines.append("    1  done   when it is done")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _position(step_id: str, plan: Plan) -> str:
    for number, step in enumerate(plan.steps, start=1):
        if step.id == step_id:
            return f"Step {number} of {len(plan.steps)}"
    return f"Step {step_id}"


def _name(step_id: str, plan: Plan) -> str:
    return next((step.name for step in plan.steps if step.id == step_id), step_id)


def _limit(step_id: str, plan: Plan, proof: Proof) -> float | None:
    """How old the proof may be for this step."""
    for step in plan.steps:
        if step.id == step_id:
            return next((one.max_age_s for one in step.requires if one.kind == proof.kind), None)
    return None


def _proof(proof: Proof, now: float, limit: float | None) -> str:
    age = f"{duration(now - proof.observed_at)} old"
    valid = f", valid {duration(limit)}" if limit else ""
    return f"{one_line(str(proof))}   {age}{valid}"


def _exits(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _field(label: str, text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, columns, initial_indent=f"  {label:<8}  ", subsequent_indent=" " * 12)


def _ends(left: str, right: str, columns: int) -> str:
    return f"{left}{right:>{max(columns - len(left), len(right) + 2)}}"
