"""A point in time up to which a whole call may last, shared by everything the call does."""

import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock."""

    ends_at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The moment this many seconds from now."""
        return cls(time.monotonic() + seconds)

    def within(self, seconds: float) -> "Deadline":
        """The sooner of this moment and the one this many seconds from now."""
        return Deadline(min(self.ends_at, time.monotonic() + seconds))

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.ends_at - time.monotonic())

    @property
    def passed(self) -> bool:
        """True once no time is left."""
        return self.remaining() <= 0.0
