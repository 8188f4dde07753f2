"""The contract of an action: pure functions around values. The engine observes, decides, gates, applies, verifies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from engine.model.command import Argument, Command
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Decision
from engine.model.status import Effect, Rerun


class RunsOn(StrEnum):
    """Where an action's commands go."""

    HOST = "host"
    OPERATOR = "operator"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionInfo:
    """What an action declares. ``arguments`` and ``result`` are JSON Schemas (objects). ``yields`` are kinds of proof
    its observations can give, ``consumes`` kinds its changes need. ``facts`` is true if its result joins
    the host's facts. ``changes_with`` names the arguments without which the action only looks (none named: it may
    always change). ``about`` names the argument (a text or a list of texts) that its proofs speak of, such as
    ``databases``; without it they speak of the host. A name is one of its host, and there of what the argument
    ``within`` names, such as ``instance``. In ``consumes``, ``kind(about)`` means one proof for each of these names, of
    the same host; ``kind(subject)`` that one, and ``kind`` the estate. ``timeout_s`` is the default for one attempt of
    a step.
    """

    name: str
    summary: str
    arguments: JsonMap
    result: JsonMap
    effect: Effect
    rerun: Rerun = Rerun.SAFE
    platforms: tuple[str, ...] = ("windows",)
    runs_on: RunsOn = RunsOn.HOST
    disruptive: bool = False
    yields: tuple[str, ...] = ()
    consumes: tuple[str, ...] = ()
    about: str | None = None
    within: str | None = None
    facts: bool = False
    changes_with: tuple[str, ...] = ()
    timeout_s: float = 60.0


Arguments = Mapping[str, Argument]
Seen = Sequence[CommandResult]


class Action(Protocol):
    """One file in ``engine/actions``. Every function is pure; an action never sees a connection or a clock."""

    @property
    def info(self) -> ActionInfo:
        """What it is."""

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """The next look given what was seen so far (empty at first); None when enough was seen. Never changes anything.

        Args are already rendered and valid against ``info.arguments``, with the schema's defaults filled in.
        A look whose result is not ``ok`` ends the observation: the step run fails with its errors, unless
        ``tolerates`` says that the action wants to see it.
        """

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """True if a failed look is an answer this action can decide on."""

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """What follows from what was seen."""

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """After the change and a second observation: ``Unchanged`` with the step's result, or ``Refuse``.

        The usual implementation is ``decide(args, host, after)``, where anything but ``Unchanged`` means the change
        did not take.
        """
