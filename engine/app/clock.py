"""The real clock, handed to everything that needs one."""

import time


class SystemClock:
    """Time of this machine."""

    def now(self) -> float:
        """Epoch seconds, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()
