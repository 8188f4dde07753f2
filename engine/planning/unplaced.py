"""A plan with every place in a file taken out: two plans that mean the same are then equal."""

from collections.abc import Mapping
from dataclasses import replace

from engine.model.expression import Expression, Template
from engine.model.origin import Origin
from engine.model.plan import Plan, PlannedStep
from engine.model.runbook import ArgValue, WaitSpec

_NOWHERE = Origin("", 0, 0)


def without_places(plan: Plan) -> Plan:
    """The same plan without file names, lines and columns."""
    return replace(plan, file="", inventory_file="", steps=tuple(_step(one) for one in plan.steps))


def _step(step: PlannedStep) -> PlannedStep:
    return replace(
        step,
        origin=_NOWHERE,
        when=None if step.when is None else _expression(step.when),
        wait=None if step.wait is None else _wait(step.wait),
        requires=tuple(replace(one, origin=_NOWHERE) for one in step.requires),
        args=_arguments(step.args),
        args_by_host={host: _arguments(args) for host, args in step.args_by_host.items()},
    )


def _expression(expression: Expression) -> Expression:
    return replace(expression, origin=_NOWHERE)


def _wait(wait: WaitSpec) -> WaitSpec:
    return replace(wait, until=_expression(wait.until))


def _arguments(args: Mapping[str, ArgValue]) -> dict[str, ArgValue]:
    return {name: _argument(value) for name, value in args.items()}


def _argument(value: ArgValue) -> ArgValue:
    if isinstance(value, Template):
        return replace(value, origin=_NOWHERE)
    if isinstance(value, tuple):
        return tuple(_argument(item) for item in value)
    if isinstance(value, Mapping):
        return _arguments(value)
    return value
