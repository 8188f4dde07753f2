"""Long operations of a lab's SQL Server: each takes lab time, ends when its time has come, dies with its process.

Which operation a statement asks for is told by patterns that other modules register. A job that is asked for, begun
again, forgotten or at work when the machine restarts behaves as the payloads say.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from engine.lab.machine import Machine, Process
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap

RUNNING, DONE, FAILED, UNKNOWN = "running", "done", "failed", "unknown"
NO_JOB, NO_RESULT = "the job is not on this host", "its process is gone and left no result"
_WHOLE = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a statement does: ``finish`` at its end (a ``PayloadError`` fails it), ``abort`` if it is broken off."""

    duration_s: float
    finish: Callable[[], None]
    abort: Callable[[], None] = lambda: None


Plan: TypeAlias = Callable[[Machine, "re.Match[str]", JsonMap], Operation]
_PLANS: list[tuple["re.Pattern[str]", Plan]] = []


@dataclass(slots=True, kw_only=True)
class Job:
    """One job under its key. ``operation`` is None where the statement failed at once."""

    digest: str
    process: Process
    started: float
    boots: int
    state: str = RUNNING
    message: str = ""
    operation: Operation | None = None
    dies: bool = False

    @property
    def due(self) -> float:
        """When it will be done."""
        return self.started + (self.operation.duration_s if self.operation else 0.0)

    def percent(self, now: float) -> float | None:
        """How far it is."""
        if self.state != RUNNING or self.operation is None:
            return None
        return round(min(_WHOLE, _WHOLE * (now - self.started) / max(self.operation.duration_s, 0.001)), 1)


def register(pattern: str, plan: Plan) -> None:
    """Let statements that match the whole pattern, in any case, do what ``plan`` says."""
    _PLANS.append((re.compile(pattern, re.IGNORECASE), plan))


def perform(machine: Machine, text: str, params: JsonMap) -> Operation:
    """The operation of a statement that has just begun; ``PayloadError`` as the server would refuse it."""
    plain = re.sub(r"\s+", " ", text).strip().rstrip("; ")
    for pattern, plan in _PLANS:
        found = pattern.fullmatch(plain)
        if found is not None:
            return plan(machine, found, params)
    raise PayloadError(f"The lab has no model of this statement: {plain[:200]}", "NotSpecified")


def registered(text: str) -> bool:
    """True if some pattern knows this statement."""
    plain = re.sub(r"\s+", " ", text).strip().rstrip("; ")
    return any(pattern.fullmatch(plain) for pattern, _ in _PLANS)


def start(machine: Machine, key: str, digest: str, text: str, params: JsonMap) -> bool:
    """Begin a job, or find it begun; another statement under its key is refused."""
    jobs = _jobs(machine)
    settle(machine)
    known = jobs.get(key)
    if known is not None:
        if known.digest != digest:
            raise PayloadError(f"Another statement was begun under the key {key}.")
        return False
    now = machine.clock.now()
    one = Job(digest=digest, process=machine.add_process("powershell.exe"), started=now, boots=machine.boots)
    jobs[key] = one
    if machine.sql is not None and machine.sql.dying_job:
        machine.sql.dying_job -= 1
        one.dies = machine.sql.dying_job == 0
    try:
        one.operation = perform(machine, text, params)
    except PayloadError as problem:
        _end(machine, one, FAILED, problem.message)
    return True


def settle(machine: Machine) -> None:
    """Let every job end whose time has come, and those be gone that a restart has ended."""
    now = machine.clock.now()
    jobs = [one for one in _jobs(machine).values() if one.state == RUNNING]
    for one in sorted(jobs, key=lambda each: each.due):
        down = machine.booted_at - machine.boot_s if machine.boots != one.boots else float("inf")
        halfway = one.started + (one.due - one.started) / 2
        ended = one.process not in machine.processes or machine.sql_at_work is None
        if one.due >= down or ended or (one.dies and halfway <= now):
            _break_off(machine, one)
        elif one.due <= now and one.operation is not None:
            _finish(machine, one, one.operation)


def told(machine: Machine, key: str) -> Job | None:
    """The job as it is now."""
    settle(machine)
    return _jobs(machine).get(key)


def forget(machine: Machine, key: str) -> bool:
    """Remove a job that is not at work."""
    one = told(machine, key)
    if one is None or one.state == RUNNING:
        return False
    del _jobs(machine)[key]
    return True


def kill(machine: Machine, key: str) -> None:
    """End a job's process, as a person at the Task Manager can."""
    one = _jobs(machine)[key]
    if one.state == RUNNING:
        _break_off(machine, one)


def _break_off(machine: Machine, one: Job) -> None:
    if one.operation is not None:
        one.operation.abort()
    _end(machine, one, UNKNOWN, NO_RESULT)


def _finish(machine: Machine, one: Job, operation: Operation) -> None:
    try:
        operation.finish()
    except PayloadError as problem:
        _end(machine, one, FAILED, problem.message)
    else:
        _end(machine, one, DONE, "")


def _end(machine: Machine, one: Job, state: str, message: str) -> None:
    one.state, one.message = state, message
    if one.process in machine.processes:
        machine.processes.remove(one.process)


def _jobs(machine: Machine) -> dict[str, Job]:
    return machine.sql.jobs if machine.sql is not None else {}
