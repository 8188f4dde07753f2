"""The plan as a table: every step, where it runs, what it may do, what it needs, and where the way back ends."""

import textwrap
from collections.abc import Sequence

from engine.model.plan import ENGINE_HOST, Plan, PlannedStep
from engine.model.runbook import Requirement
from engine.model.status import Effect
from engine.reporting.plain import one_line, pad, value_text, width
from engine.reporting.words import counted, listed, short_digest

_LEAST_STEP, _MAX_HOST, _LEAST_DETAILS = 20, 14, 44
_MANY = 3
_OWN_CODE = frozenset({"windows.script", "windows.scheduled_task", "posix.command"})
"""Actions that carry out what the runbook's author wrote: what undoes it, the engine cannot know."""


def plan_text(plan: Plan, *, columns: int = 80, command: str | None = None) -> str:
    """The whole screen; ``command`` is what runs exactly this plan."""
    lines = [*_summary_lines(plan, columns), "", *_table(plan, columns), "", *_footer(plan, columns)]
    if command:
        lines.append(f" Next   {command}")
    return "\n".join(line.rstrip() for line in lines)


def plan_summary(plan: Plan) -> str:
    """One line: which runbook, which plan, how many hosts it changes and reads."""
    changed = {h for step in plan.steps if step.effect is not Effect.OBSERVE for h in step.hosts if h != ENGINE_HOST}
    read = {h for step in plan.steps for h in step.hosts if h != ENGINE_HOST} - changed
    hosts = f"{counted(len(changed), 'host')} changed, {counted(len(read), 'host')} read"
    return f"{plan.runbook} {plan.version}    plan {short_digest(plan.digest)}    {hosts}"


def _summary_lines(plan: Plan, columns: int) -> list[str]:
    summary = plan_summary(plan)
    return [summary] if width(summary) <= columns else summary.rsplit("    ", 1)


def place_text(step: PlannedStep) -> str:
    """Where a step runs: its hosts, ``you`` for a person's step, ``engine`` for the engine's own."""
    if step.hosts == (ENGINE_HOST,):
        return "you" if step.runs_on == "operator" else "engine"
    return " ".join(step.hosts) if len(step.hosts) < _MANY else f"{len(step.hosts)} hosts"


def effect_text(step: PlannedStep) -> str:
    """What a step may do, in one word; the gravest one."""
    if step.hosts == (ENGINE_HOST,) and step.effect is Effect.OBSERVE:
        return "-"
    if step.effect is Effect.PERMANENT:
        return "PERMANENT"
    return "disruptive" if step.disruptive else step.effect.value


def no_return_text(plan: Plan) -> str | None:
    """The line that stands before the first permanent step, or None."""
    if plan.point_of_no_return is None:
        return None
    left = plan.steps[plan.point_of_no_return].exits.after
    names = listed([f'"{one}"' for one in left])
    rest = f"only {names} {'remains' if len(left) == 1 else 'remain'}" if left else "no way back remains"
    return f"-- point of no return: after this, {rest} --"


def _table(plan: Plan, columns: int) -> list[str]:
    """Wide screens have the details beside the step, narrow ones under it."""
    host_cells = min(max((width(place_text(s)) for s in plan.steps), default=4), _MAX_HOST)
    longest = max((width(one_line(s.name)) for s in plan.steps), default=4)
    step_cells = min(longest, max(columns - host_cells - 20, _LEAST_STEP))
    indent = 6 + step_cells + 2 + host_cells + 2 + 10 + 2
    beside = columns - indent >= _LEAST_DETAILS
    lines = [f"{'#':>4}  {pad('step', step_cells)}  {pad('host', host_cells)}  effect"]
    for number, step in enumerate(plan.steps, start=1):
        if number - 1 == plan.point_of_no_return:
            lines += _wrapped(" ", no_return_text(plan) or "", columns)
        start = f"{number:>4}  {pad(one_line(step.name), step_cells)}  {pad(place_text(step), host_cells)}"
        start = f"{start}  {pad(effect_text(step), 10)}  "
        details = _details(step, columns - (indent if beside else 8))
        if beside and details:
            lines += [start + details[0], *(" " * indent + one for one in details[1:])]
        else:
            lines += [start, *(" " * 8 + one for one in details)]
    return lines


def _details(step: PlannedStep, cells: int) -> list[str]:
    parts = [f"yields {one}" for one in step.yields] + [f"needs {_requirement(one)}" for one in step.requires]
    if step.when is not None:
        parts.append(f"when {one_line(step.when.text)}")
    return [
        line for part in parts for line in textwrap.wrap(part, cells, subsequent_indent="  ", break_on_hyphens=False)
    ]


def _requirement(one: Requirement) -> str:
    if one.kind == "approval":
        return "your approval" if one.subject == "operator" else str(one)
    return f"{one} <{_age(one.max_age_s)}"


def _age(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)} {unit}"
    return f"{seconds:g} s"


def _footer(plan: Plan, columns: int) -> list[str]:
    sentences = []
    if plan.point_of_no_return is None:
        sentences.append("No point of no return in this plan.")
    reversible = {
        n: step.action
        for n, step in enumerate(plan.steps, start=1)
        if step.effect is Effect.REVERSIBLE and not step.disruptive and step.action != "runbook"
    }
    undo = [str(n) for n, action in reversible.items() if action not in _OWN_CODE]
    if undo:
        sentences.append(f"Undo exists for {'step' if len(undo) == 1 else 'steps'} {listed(undo)}.")
    called = [str(n) for n, action in reversible.items() if action in _OWN_CODE]
    if called:
        steps, them = ("Step", "is"), "it"
        if len(called) > 1:
            steps, them = ("Steps", "are"), "them"
        sentences.append(f"{steps[0]} {listed(called)} {steps[1]} called reversible by the runbook.")
        sentences.append(f"The engine knows no undo of {them}.")
    sentences += _nested(plan)
    if plan.steps and plan.steps[-1].exits.after:
        sentences.append(f"Exits at the end: {', '.join(plan.steps[-1].exits.after)}.")
    return [*_wrapped(" ", "  ".join(sentences), columns), *_inputs(plan, columns)]


def _nested(plan: Plan) -> list[str]:
    """The counts of the summary are those of this runbook's own steps."""
    steps = {
        str(n): str(step.args.get("name")) for n, step in enumerate(plan.steps, start=1) if step.action == "runbook"
    }
    if not steps:
        return []
    names = ", ".join(dict.fromkeys(one_line(name) for name in steps.values()))
    if len(steps) == 1:
        return [f"Step {next(iter(steps))} runs another runbook, {names}. The hosts of that one are not counted above."]
    return [f"Steps {listed(list(steps))} run other runbooks: {names}. The hosts of those are not counted above."]


def _inputs(plan: Plan, columns: int) -> list[str]:
    lines: list[str] = []
    for number, one in enumerate(plan.params):
        value = "********" if one.secret else value_text(one.value)
        head = " Inputs  " if number == 0 else "         "
        lines += _wrapped(head, f"{one.name} = {value}  ({one_line(one.source)})", columns)
    return lines


def _wrapped(head: str, text: str, columns: int) -> Sequence[str]:
    return textwrap.wrap(text, columns, initial_indent=head, subsequent_indent=" " * len(head))
