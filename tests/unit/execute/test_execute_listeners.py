"""Listeners of a run: one that fails hears no more, and the others hear everything."""

from typing import Any

from engine.execute.listeners import Audience
from engine.model.event import RunParked


class Ear:
    def __init__(self, fails_at: int | None = None) -> None:
        self.heard: list[Any] = []
        self.fails_at = fails_at

    def handle(self, event: Any) -> None:
        if self.fails_at is not None and len(self.heard) >= self.fails_at:
            raise BrokenPipeError("nobody reads")
        self.heard.append(event)

    def close(self) -> None:
        pass


def test_a_listener_that_fails_is_told_once_and_left_alone() -> None:
    good, bad = Ear(), Ear(fails_at=1)
    audience = Audience(sinks=(bad, good))
    for number in range(3):
        audience.tell(RunParked(at=float(number), reason="r", command="c"))
    assert [one.at for one in good.heard] == [0.0, 1.0, 2.0]
    assert [one.at for one in bad.heard] == [0.0]
    assert list(audience.deaf.values()) == ["Ear failed and heard no more: BrokenPipeError: nobody reads"]
