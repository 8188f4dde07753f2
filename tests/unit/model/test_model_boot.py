"""A corrected clock is no reboot; a reboot is one."""

import pytest

from engine.model.boot import is_same_boot


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z", True),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:03Z", True),
        ("2026-11-22T10:00:03Z", "2026-11-22T10:00:00Z", True),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:04:00Z", False),
        ("a", "a", True),
        ("a", "b", False),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:03", False),
    ],
)
def test_boots(one: str, other: str, same: bool) -> None:
    assert is_same_boot(one, other) is same
