"""What a runbook author wrote, typed, every part with its place; nothing rendered, nothing resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.model.data import JsonMap, JsonValue
from engine.model.expression import Expression, Template
from engine.model.origin import Origin
from engine.model.status import Effect

ArgValue: TypeAlias = "None | bool | int | float | str | Template | tuple[ArgValue, ...] | Mapping[str, ArgValue]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamSpec:
    """A declared input. ``schema`` is the JSON Schema of its value, without ``default`` and ``secret``."""

    name: str
    schema: JsonMap
    description: str
    origin: Origin
    default: JsonValue = None
    has_default: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """A named set of hosts: an inventory pattern and how many hosts it must give."""

    name: str
    pattern: str
    origin: Origin
    exactly: int | None = None
    at_least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySpec:
    """``attempts`` tries in all; before n+1 a pause of ``delay_s * backoff ** (n - 1)``, at most ``max_delay_s``."""

    attempts: int
    delay_s: float = 5.0
    backoff: float = 2.0
    max_delay_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitSpec:
    """Look again every ``every_s`` until ``until`` (which may read ``result``) is true or ``timeout_s`` has passed."""

    until: Expression
    every_s: float = 5.0
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A proof that must stand before the step: ``kind(subject)``, observed at most ``max_age_s`` ago. A name is one of
    a ``host``: as written one of the runbook's ``hosts``, in a plan the host that the proof has to come from.
    """

    kind: str
    subject: str
    origin: Origin
    max_age_s: float = 3600.0
    host: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}({self.subject})" if self.host is None else f"{self.kind}({self.subject}@{self.host})"


ABORT, CONTINUE, FINDING = "abort", "continue", "finding"
ON_FAILURE = (ABORT, CONTINUE, FINDING)


def leads_to(on_failure: str) -> str | None:
    """The later step that a failure leads to, if it is one of those."""
    return None if on_failure in ON_FAILURE else on_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """One step as written. ``on_failure`` is ``abort``, ``continue``, ``finding`` (what a look finds is no failure) or
    the id of a later step.
    ``hosts`` names entries of the runbook's ``hosts``; empty for steps of the operator or the engine.
    An ``always`` step runs even if an earlier failure has ended the run. ``places`` says where the values are written,
    by key, and each of several hosts.
    """

    id: str
    name: str
    action: str
    origin: Origin
    why: str | None = None
    args: Mapping[str, ArgValue] = field(default_factory=dict)
    arg_origins: Mapping[str, Origin] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    when: Expression | None = None
    effect: Effect | None = None
    disruptive: bool | None = None
    requires: tuple[Requirement, ...] = ()
    retry: RetrySpec | None = None
    wait: WaitSpec | None = None
    timeout_s: float | None = None
    serial: int | None = None
    max_failures: int = 0
    on_failure: str = "abort"
    tags: tuple[str, ...] = ()
    always: bool = False
    places: Mapping[str, Origin] = field(default_factory=dict)

    def at(self, *keys: str) -> Origin:
        """The place of the first of these that is written, else of the step."""
        return next((self.places[key] for key in keys if key in self.places), self.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookSpec:
    """A whole runbook as written. ``digest`` is taken of its parsed content, so comments do not change it."""

    name: str
    version: str
    title: str
    purpose: str
    file: str
    digest: str
    origin: Origin
    steps: tuple[StepSpec, ...]
    phase: str | None = None
    product: str | None = None
    builds: str | None = None
    sources: tuple[str, ...] = ()
    params: Mapping[str, ParamSpec] = field(default_factory=dict)
    targets: Mapping[str, TargetSpec] = field(default_factory=dict)
