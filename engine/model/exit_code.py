"""The exit codes of the command line: one stable table, shown by ``runbook --help`` and held by a test."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process's exit code means."""

    DONE = 0
    STEP_FAILED = 1
    USAGE = 2
    DOCUMENTS_REJECTED = 3
    UNREACHABLE = 4
    GATE_REFUSED = 5
    PLAN_OUTDATED = 6
    EXPECTATIONS_MISSED = 7
    IN_DOUBT = 8
    WAITING_FOR_PERSON = 9
    HOST_LOCKED = 10
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143
