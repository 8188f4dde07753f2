"""Is it the same boot? Windows works a boot's time out from its clock, so correcting the clock moves it by seconds."""

from datetime import datetime

CLOCK_CORRECTION_S = 20.0


def is_same_boot(one: str, other: str) -> bool:
    """True if two boot identities mean one boot: equal, or times less than ``CLOCK_CORRECTION_S`` apart.

    Two boots are further apart than that: a machine that answered before its restart had been up longer.
    """
    if one == other:
        return True
    try:
        first, second = datetime.fromisoformat(one), datetime.fromisoformat(other)
        return abs((first - second).total_seconds()) < CLOCK_CORRECTION_S
    except (ValueError, TypeError):
        return False
