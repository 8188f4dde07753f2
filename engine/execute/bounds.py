"""The time an attempt may take, and the operator's wish to stop."""

import threading
from dataclasses import dataclass

from engine.model.errors import CommandTimedOut
from engine.ports.edges import Clock


@dataclass(slots=True, kw_only=True)
class Bounds:
    """Deadline of one attempt on the monotonic clock, set when its lane is free. ``stop`` wakes every pause early."""

    clock: Clock
    host: str
    step: str
    stop: threading.Event
    deadline: float = 0.0

    def begin(self, timeout_s: float) -> None:
        """The attempt's time starts now."""
        self.deadline = self.clock.monotonic() + timeout_s

    def monotonic(self) -> float:
        """Seconds on the clock that never goes back."""
        return self.clock.monotonic()

    def remaining_s(self) -> float:
        """Seconds left; ``CommandTimedOut`` when there are none."""
        left = self.deadline - self.clock.monotonic()
        if left <= 0:
            raise CommandTimedOut(
                self.host, f"step {self.step}", "its time is used up", remedy="raise the step's timeout"
            )
        return left

    def pause(self, seconds: float) -> None:
        """Wait, at most until the deadline; returns at once when the run is being stopped for good."""
        self.stop.wait(min(seconds, self.remaining_s()))
