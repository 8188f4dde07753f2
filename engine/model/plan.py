"""The plan: fully resolved and digest-stamped; what `plan` shows is exactly what `run` does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.data import JsonMap, JsonValue
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.runbook import ArgValue, Requirement, RetrySpec, WaitSpec
from engine.model.status import Effect, Rerun

ENGINE_HOST = "-"
"""The host name of step runs that belong to no host: operator and engine steps."""


@dataclass(frozen=True, slots=True, order=True)
class StepRunId:
    """One step on one host (``ENGINE_HOST`` for steps of the operator and the engine)."""

    step: str
    host: str

    def __str__(self) -> str:
        return self.step if self.host == ENGINE_HOST else f"{self.step}@{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundParam:
    """An input with its value and the place that won; ``value`` is ``None`` and ``secret`` true for secret inputs."""

    name: str
    value: JsonValue
    source: str
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """Which ways out exist before a step and which vanish with it, as words: retry, undo, restore, continue."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step with everything known now resolved. ``hosts`` are inventory names in order, or ``(ENGINE_HOST,)``.
    ``args`` keeps a ``Template`` where a value depends on facts, step results or the run.
    ``args_by_host`` overrides ``args`` where an argument reads ``host``. ``requires`` includes what the action itself
    consumes. ``facts`` and ``runs_on`` are the action's (``ActionInfo``). ``about`` are the names its proofs speak of
    (``about_by_host`` overrides it); None: they speak of its hosts. ``always`` steps run even after a failure that
    ended the run. ``runs`` is the digest of the runbook that the step runs: its content, that of all it runs in turn,
    and the inventory's entries of their hosts.
    """

    index: int
    id: str
    name: str
    action: str
    effect: Effect
    rerun: Rerun
    hosts: tuple[str, ...]
    origin: Origin
    timeout_s: float
    exits: Exits
    why: str | None = None
    disruptive: bool = False
    args: Mapping[str, ArgValue] = field(default_factory=dict)
    args_by_host: Mapping[str, Mapping[str, ArgValue]] = field(default_factory=dict)
    when: Expression | None = None
    requires: tuple[Requirement, ...] = ()
    yields: tuple[str, ...] = ()
    retry: RetrySpec | None = None
    wait: WaitSpec | None = None
    serial: int | None = None
    max_failures: int = 0
    on_failure: str = "abort"
    tags: tuple[str, ...] = ()
    facts: bool = False
    runs_on: str = "host"
    about: tuple[str, ...] | None = None
    about_by_host: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    always: bool = False
    runs: str | None = None

    def step_runs(self) -> tuple[StepRunId, ...]:
        """The step's units of state, in host order."""
        return tuple(StepRunId(self.id, host) for host in self.hosts)

    def arguments_for(self, host: str) -> Mapping[str, ArgValue]:
        """The arguments for one host."""
        return self.args_by_host.get(host, self.args)

    def names_on(self, host: str) -> tuple[str, ...] | None:
        """The names that its proofs of one host speak of; None: they speak of the host itself."""
        return self.about_by_host.get(host, self.about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done, in order. ``digest`` covers runbook, inventory slice, inputs and engine version.
    ``point_of_no_return`` is the index of the first permanent step, or None. ``document`` is the baseline (or None)
    that ``run.baseline`` reads.
    """

    runbook: str
    version: str
    title: str
    file: str
    engine_version: str
    runbook_digest: str
    inventory_file: str
    inventory_digest: str
    params: tuple[BoundParam, ...]
    steps: tuple[PlannedStep, ...]
    digest: str
    hosts: tuple[str, ...]
    host_variables: Mapping[str, JsonMap] = field(default_factory=dict)
    host_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    host_platforms: Mapping[str, str] = field(default_factory=dict)
    point_of_no_return: int | None = None
    baseline: JsonValue = None

    def step(self, step_id: str) -> PlannedStep:
        """The step of that id."""
        return next(step for step in self.steps if step.id == step_id)
