"""A restart whose end does not come: what was last seen of the machine is told, live and in the end."""

import threading
from typing import Any

import pytest

from engine.execute.bounds import Bounds
from engine.execute.perform_command import CommandPerformer
from engine.model.command import Reboot, Script
from engine.model.errors import CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.result import CommandResult
from engine.ports.connection import ConnectionInfo

BEFORE, LATER = "2013-03-02T10:00:00Z", "2013-03-02T11:00:00Z"


class Clock:
    """Moves by itself."""

    at = 0.0

    def now(self) -> float:
        self.at += 1
        return self.at

    monotonic = now


class Machine:
    """Says what it is told to, look by look; the last answer stays."""

    info = ConnectionInfo(kind="world", endpoint="-", persistent=True)

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def open(self, timeout_s: float) -> None:
        if self.answers[0] is ConnectFailed:
            self.run(Script(name="probe", text=""), timeout_s)

    def close(self) -> None: ...

    def run(self, script: Script, timeout_s: float) -> CommandResult:
        if script.name == "restart":
            return CommandResult(ok=True)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, type):
            raise answer("SM01", "look", "dropped")
        return CommandResult(ok=True, value={"boot_id": answer} if answer else {})

    def put(self, path: str, content: bytes, timeout_s: float) -> None: ...

    def get(self, path: str, max_bytes: int, timeout_s: float) -> bytes:
        return b""


def restart(*answers: Any) -> tuple[CommandResult | str, list[str]]:
    """What came of it, and what was told meanwhile."""
    told: list[str] = []
    stop = threading.Event()
    stop.set()  # pauses take no time
    bounds = Bounds(clock=Clock(), host="SM01", step="boot", stop=stop)
    bounds.begin(30)
    performer = CommandPerformer(
        connection=Machine(*answers),
        bounds=bounds,
        run_child=lambda _: CommandResult(ok=True),
        report=lambda words, _: told.append(words),
    )
    script = Script(name="restart", text="", changing=True)
    try:
        return performer.run(Reboot(script=script, probe=Script(name="probe", text=""), before=BEFORE)), told
    except CommandTimedOut as late:
        return late.message, told


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (ConnectFailed, "it does not answer"),
        (ConnectionLost, "it does not answer"),
        (CommandTimedOut, "it takes connections and does not answer"),
        (BEFORE, f"it is still up since {BEFORE}"),
        (None, "it answers, and does not tell since when it is up"),
    ],
)
def test_a_machine_that_does_not_come_back_is_told_from_one_that_never_went_down(answer: Any, seen: str) -> None:
    said, told = restart(answer)
    assert said == f"SM01: step boot timed out: its time is used up; {seen}"
    assert told[0] == "waiting for the reboot: the restart was sent"
    assert told[-1] == f"waiting for the reboot: {seen}"


def test_only_another_boot_ends_the_wait() -> None:
    said, told = restart(BEFORE, ConnectFailed, LATER)
    assert isinstance(said, CommandResult)
    assert said.value == {"boot_id": LATER}
    assert [one.partition(": ")[2] for one in told] == [
        "the restart was sent",
        f"it is still up since {BEFORE}",
        "it does not answer",
    ]
