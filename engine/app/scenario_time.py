"""Lab time for a whole run: whatever would wait moves the lab's clock instead, so a reboot costs no real time.

One lane at a time, so that a rehearsal is the same every time.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any

from engine.execute.lanes import Lanes
from engine.execute.messages import Message, Result
from engine.lab.clock import LabClock
from engine.ports.connection import Connection

_ANSWER_WITHIN_S = 120.0


class LabTime:
    """The lab's clock as the engine's."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Epoch seconds of the lab."""
        return self._clock.now()

    def monotonic(self) -> float:
        """The same: a lab's clock never goes back."""
        return self._clock.now()


class LabStop(threading.Event):
    """The wish to stop; a pause until it comes moves the lab's clock."""

    def __init__(self, clock: LabClock) -> None:
        super().__init__()
        self._lab = clock

    def wait(self, timeout: float | None = None) -> bool:
        """Let the pause pass in lab time."""
        if not self.is_set():
            self._lab.advance(timeout or 0.0)
        return self.is_set()


class LabQueue(queue.Queue[Message]):
    """With nothing in flight an empty queue lets lab time pass instead of waiting."""

    def __init__(self, clock: LabClock) -> None:
        super().__init__()
        self._clock = clock
        self.in_flight = 0

    def get(self, block: bool = True, timeout: float | None = None) -> Message:  # noqa: FBT001, FBT002 - as the queue has it
        """The next message; ``queue.Empty`` after the time-out, which passes in lab time."""
        if self.in_flight == 0 and self.empty():
            self._clock.advance(timeout or 0.0)
            raise queue.Empty
        message = super().get(block, _ANSWER_WITHIN_S if block else None)
        if isinstance(message, Result):
            self.in_flight -= 1
        return message


class LabLanes(Lanes[Message]):
    """One worker at a time, counted."""

    def __init__(self, connect: Callable[[str], Connection], clock: LabClock) -> None:
        super().__init__(connect, forks=1)
        self.results: LabQueue = LabQueue(clock)

    def start(self, host: str, work: Callable[[], Any]) -> None:
        """Start it, and count it as in flight until its result was taken."""
        self.results.in_flight += 1
        super().start(host, work)
