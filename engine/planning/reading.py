"""What a step reads: the paths of its condition, its wait and its arguments."""

from collections.abc import Iterator, Mapping, Sequence

from engine.language.expression import lone_expression
from engine.language.syntax import Tree, parse, path_of
from engine.model.expression import Expression, Template
from engine.model.plan import PlannedStep
from engine.model.runbook import ArgValue, StepSpec

Reading = Expression | Template


def templates(value: ArgValue) -> Iterator[Template]:
    """Every template in an argument."""
    if isinstance(value, Template):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from templates(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from templates(item)


def readings(step: StepSpec | PlannedStep) -> Iterator[Reading]:
    """Every expression and template of a step."""
    if step.when is not None:
        yield step.when
    if step.wait is not None:
        yield step.wait.until
    by_host = step.args_by_host.values() if isinstance(step, PlannedStep) else ()
    for args in (step.args, *by_host):
        for value in args.values():
            yield from templates(value)


def is_lone_name(template: Template) -> bool:
    """True if the text is one ``{{ name }}``, which hands a value on as it is."""
    lone = lone_expression(template.text)
    tree = None if lone is None else parse(lone)
    return isinstance(tree, Tree) and path_of(tree.node) is not None


def steps_read(step: StepSpec | PlannedStep) -> tuple[str, ...]:
    """The ids of the steps whose results it reads, in the order they are read."""
    found = (path[1] for one in readings(step) for path in one.names if path[0] == "steps" and len(path) > 1)
    return tuple(dict.fromkeys(found))


def facts_read(step: StepSpec | PlannedStep) -> bool:
    """True if it reads facts."""
    return any(path[0] == "facts" for one in readings(step) for path in one.names)


def params_read(steps: Sequence[StepSpec]) -> frozenset[str]:
    """The names of the inputs that any step reads."""
    return frozenset(
        path[1]
        for step in steps
        for one in readings(step)
        for path in one.names
        if path[0] == "params" and len(path) > 1
    )
