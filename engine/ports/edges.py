"""The small contracts: clock, secrets, the person, and who listens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from engine.model.event import ApprovalAsked, QuestionAsked, RunEvent
from engine.model.secret import Secret, SecretRef
from engine.ports.action import Action


class Clock(Protocol):
    """Time, handed in so that tests need not sleep."""

    def now(self) -> float:
        """Epoch seconds, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""


class SecretProvider(Protocol):
    """Opens references of one scheme."""

    def open(self, ref: SecretRef) -> Secret:
        """The secret, or ``SecretUnavailable``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAnswer:
    """What a person said: an answer's key, ``approve``, ``deny`` or ``later``."""

    answer: str
    by: str
    reason: str = ""


class Person(Protocol):
    """Whoever can be asked. None means: nobody here, park the run."""

    def question(self, asked: QuestionAsked) -> PersonAnswer | None:
        """An answer to an operator step."""

    def approval(self, asked: ApprovalAsked) -> PersonAnswer | None:
        """``approve``, ``deny`` or ``later``."""


@runtime_checkable
class Forehanded(Protocol):
    """A person who may have said something before being asked again."""

    def beforehand(self, asked: QuestionAsked) -> PersonAnswer | None:
        """The answer to a question of an earlier process, where it was given when the run was taken up."""


class EventSink(Protocol):
    """A listener. It sees masked events only, in order, from one thread."""

    def handle(self, event: RunEvent) -> None:
        """One event."""

    def close(self) -> None:
        """No more events."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Actions by name, as the composition root wired them."""

    actions: Mapping[str, Action]
