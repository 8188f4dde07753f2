"""A long operation is followed over lost sessions, and an end that nobody can tell is a doubt."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from engine.execute.bounds import Bounds
from engine.execute.detached import DetachedPerformer
from engine.model.command import Detached, Script
from engine.model.data import JsonMap
from engine.model.errors import CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.result import CommandResult

START = Script(name="job.start.ps1", text="start", changing=True)
POLL = Script(name="job.poll.ps1", text="poll")
Answer = JsonMap | Exception


@dataclass
class Hours:
    """A clock on which a pause costs nothing, and which remembers the pauses."""

    at: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class Told(threading.Event):
    """Waits no time; moves the clock."""

    def __init__(self, clock: Hours) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.at += timeout or 0.0
        self.clock.pauses.append(timeout or 0.0)
        return False


@dataclass
class Scripted:
    """A host that gives these answers in turn; an exception is raised."""

    answers: list[Answer]
    opened: int = 0
    sent: list[str] = field(default_factory=list)
    refuses: int = 0

    def open(self, deadline_s: float) -> None:
        del deadline_s
        self.opened += 1
        if self.refuses:
            self.refuses -= 1
            raise ConnectFailed("SQL01", "connect", "no route")

    def close(self) -> None:
        pass

    def run(self, command: Script, deadline_s: float) -> CommandResult:
        del deadline_s
        self.sent.append(command.name)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return CommandResult(ok=True, value=answer)


def follow(
    answers: Sequence[Answer], *, refuses: int = 0, timeout_s: float = 3600.0, clock: Hours | None = None
) -> tuple[object, Scripted, list]:
    clock = clock or Hours()
    bounds = Bounds(clock=clock, host="SQL01", step="restore", stop=Told(clock))
    bounds.begin(timeout_s)
    host, told = Scripted(list(answers), refuses=refuses), []
    performer = DetachedPerformer(
        connection=host,  # type: ignore[arg-type] # what it uses of a connection is there
        bounds=bounds,
        report=lambda text, fraction: told.append((text, fraction)),
    )
    try:
        return performer.run(Detached(start=START, poll=POLL, every_s=60.0)), host, told
    except Exception as raised:  # noqa: BLE001 - the outcome under test
        return raised, host, told


def running(percent: float | None) -> JsonMap:
    return {"state": "running", "percent": percent, "message": "restoring"}


def test_a_job_is_started_once_and_asked_until_it_is_done():
    begins = [running(None)] * 8  # about a minute
    ended, host, told = follow([{}, *begins, running(25.0), running(50.0), {"state": "done", "percent": 100.0}])
    assert isinstance(ended, CommandResult)
    assert ended.ok
    assert host.sent == ["job.start.ps1", *["job.poll.ps1"] * 11]
    assert told[8:] == [("restoring, 25 %, about 6 min left", 0.25), ("restoring, 50 %, about 3 min left", 0.5)]


def test_what_is_short_is_asked_after_soon_and_what_is_long_seldom():
    clock = Hours()
    follow([{}, *[running(None)] * 10, {"state": "done"}], clock=clock)
    assert clock.pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_lost_session_does_not_end_the_job():
    lost = ConnectionLost("SQL01", "job.poll.ps1", "reset by peer")
    ended, host, told = follow([{}, lost, running(80.0), {"state": "done"}], refuses=1)
    assert isinstance(ended, CommandResult)
    assert ended.ok
    assert host.opened == 1
    assert told[0] == ("reset by peer; the operation goes on, asking again", None)
    assert host.sent.count("job.start.ps1") == 1


GONE = ConnectionLost("SQL01", "job.start.ps1", "reset by peer")
AWAY = ConnectFailed("SQL01", "connect", "no route")


def test_a_start_whose_answer_was_lost_is_followed_also_while_the_host_is_away():
    ended, host, told = follow([GONE, AWAY, AWAY, AWAY, AWAY, AWAY, {}, {"state": "done"}], refuses=5)
    assert isinstance(ended, CommandResult)
    assert ended.ok
    assert host.sent.count("job.start.ps1") == 7
    assert told[0] == ("reset by peer; asking the host again to begin", None)
    assert told[1] == ("no route; asking the host again to begin", None)


def test_a_start_that_was_never_sent_is_not_followed():
    ended, host, _ = follow([AWAY])
    assert isinstance(ended, ConnectFailed)
    assert host.sent == ["job.start.ps1"]


def test_a_start_that_is_lost_again_and_again_ends():
    ended, host, _ = follow([GONE, AWAY, GONE, GONE, GONE])
    assert isinstance(ended, ConnectionLost)
    assert host.sent.count("job.start.ps1") == 5


def test_a_host_that_stays_away_after_a_lost_start_ends_with_the_time_of_the_step():
    ended, _, _ = follow([GONE, *[AWAY] * 20], timeout_s=600.0)
    assert isinstance(ended, CommandTimedOut)


def test_a_failed_job_says_why():
    ended, _, _ = follow([{}, {"state": "failed", "message": "The media family is incorrectly formed."}])
    assert isinstance(ended, CommandResult)
    assert not ended.ok
    assert ended.errors[0].message == "The media family is incorrectly formed."


@pytest.mark.parametrize("told", [{"state": "unknown"}, {}, {"state": 7}])
def test_an_end_that_nobody_can_tell_is_a_doubt(told: JsonMap):
    raised, _, _ = follow([{}, told])
    assert isinstance(raised, ConnectionLost)
    assert "cannot tell how the operation ended" in raised.message


LOST_START = ConnectionLost("SQL01", "job.start.ps1", "reset by peer")


def test_a_start_whose_answer_was_lost_is_sent_again():
    ended, host, told = follow([LOST_START, {}, {"state": "done"}])
    assert isinstance(ended, CommandResult)
    assert ended.ok
    assert host.sent == ["job.start.ps1", "job.start.ps1", "job.poll.ps1"]
    assert told == [("reset by peer; asking the host again to begin", None)]


def test_a_start_that_is_never_answered_is_a_doubt():
    raised, host, _ = follow([LOST_START] * 9)
    assert isinstance(raised, ConnectionLost)
    assert host.sent == ["job.start.ps1"] * 4


def test_the_time_of_the_step_bounds_the_waiting():
    raised, _, _ = follow([{}, *[running(1.0)] * 100], timeout_s=600.0)
    assert isinstance(raised, CommandTimedOut)


@pytest.mark.parametrize("percent", [None, -1, 400, True, "12"])
def test_a_percentage_out_of_range_is_not_shown(percent: object):
    _, _, told = follow([{}, {"state": "running", "percent": percent, "message": ""}, {"state": "done"}])
    assert told == [("at work", None)]
