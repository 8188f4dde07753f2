"""What passes between the workers, the signal handler and the driver's thread."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.execute.outcome import Outcome
from engine.model.exit_code import ExitCode
from engine.model.plan import StepRunId
from engine.model.result import Change, EvidenceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A worker wants to send a change; it waits until the intent is on record, or was refused."""

    id: StepRunId
    attempt: int
    change: Change
    commands: tuple[str, ...]
    acknowledged: threading.Event = field(default_factory=threading.Event)
    refused: list[BaseException] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a worker is doing right now, and how much of it is done (0 to 1) where that is known."""

    id: StepRunId
    text: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An attempt is over; ``refresh`` if it only looked at a gate again. ``evidence`` is stored already; what kept it
    from being stored is in ``unstored``, and ends the run: what cannot be put on record is not done.
    """

    id: StepRunId
    attempt: int
    outcome: Outcome
    refresh: bool
    evidence: tuple[EvidenceRef, ...] = ()
    unstored: BaseException | None = None


Message: TypeAlias = Intent | Report | Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Why ``drive`` returned: the exit code, one sentence for the person, and how to go on: commands with what each
    one means. ``answers`` are the ``STEP=ANSWER`` of those commands.
    """

    exit_code: int
    reason: str
    ways: tuple[tuple[str, str], ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Interrupts:
    """How often the operator interrupted: once drains, twice stops. Set from a signal handler, read by the driver."""

    count: int = 0
    exit_code: int = int(ExitCode.INTERRUPTED)
    stop: threading.Event = field(default_factory=threading.Event)

    def interrupt(self, exit_code: int = int(ExitCode.INTERRUPTED)) -> None:
        """One more interruption."""
        self.count += 1
        self.exit_code = exit_code
        if self.is_second:
            self.stop.set()

    @property
    def is_second(self) -> bool:
        """True once the operator insisted: stop without waiting for what is in flight."""
        return self.count > 1
