"""Lab time: starts where it is told, runs ``speed`` times as fast as real time, or only moves when somebody waits.

A manual clock (``speed=None``) makes tests exact: every wait moves it at once, nothing sleeps.
"""

import threading
import time
from datetime import UTC, datetime

DEFAULT_START = datetime(2013, 3, 2, 9, 0, tzinfo=UTC).timestamp()


class LabClock:
    """Epoch seconds of one estate; all its machines share it."""

    def __init__(self, start: float = DEFAULT_START, *, speed: float | None = 1.0) -> None:
        if speed is not None and speed <= 0:
            raise ValueError("a lab clock does not run backwards")
        self.speed = speed
        self._lock = threading.Lock()
        self._base = start
        self._since = time.monotonic()

    def now(self) -> float:
        """Epoch seconds, UTC, of lab time."""
        with self._lock:
            return self._base + self._elapsed()

    def _elapsed(self) -> float:
        return 0.0 if self.speed is None else (time.monotonic() - self._since) * self.speed

    def advance(self, seconds: float) -> None:
        """Move lab time forward at once."""
        with self._lock:
            self._base += seconds

    def real_seconds(self, seconds: float) -> float:
        """How long ``seconds`` of lab time last on the wall; 0 on a manual clock."""
        return 0.0 if self.speed is None else seconds / self.speed

    def wait(self, seconds: float, condition: threading.Condition) -> None:
        """Let lab time pass; the condition's lock, which the caller holds, is free meanwhile."""
        if self.speed is None:
            self.advance(seconds)
            return
        end = time.monotonic() + self.real_seconds(seconds)
        while (left := end - time.monotonic()) > 0:
            condition.wait(left)


def iso(moment: float) -> str:
    """``2013-03-02T09:00:00Z``: whole seconds, cut, as the payloads write times."""
    return datetime.fromtimestamp(int(moment), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
