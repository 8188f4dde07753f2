"""What a lab's SQL Server remembers: its history of backups, and for each database how far its transaction log is.

Numbers only grow along one path. Bringing a database back to an earlier point starts a new path (a fork), on which the
numbers after that point are used again.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.model.data import JsonValue

Row = dict[str, JsonValue]


def guid_of(text: str) -> str:
    """An identifier that is the same on every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, text))


@dataclass(slots=True, kw_only=True)
class TransactionLog:
    """``fork`` is the recovery path, ``lsn`` the number of the next record; ``log_start`` is that of the first record
    no log backup holds yet, or None where the chain of log backups is broken; ``fork_since`` is the path before a fork
    that lies after ``log_start``, ``fork_point`` where it forked.
    """

    lsn: int = 1000
    fork: str = ""
    fork_since: str | None = None
    fork_point: int | None = None
    log_start: int | None = None
    base: str | None = None
    base_lsn: int | None = None

    def work(self, records: int = 1) -> None:
        """Write records."""
        self.lsn += records

    def break_chain(self) -> None:
        """Forget what was not backed up, as changing to the recovery model SIMPLE and back does."""
        self.log_start = None
        self.fork_since = self.fork_point = None

    def rewind(self, to: "TransactionLog", fork: str) -> None:
        """Be as ``to`` was, recovered on a new path; the recovery writes a record of its own."""
        self.lsn, self.log_start, self.base, self.base_lsn = to.lsn, to.log_start, to.base, to.base_lsn
        self.fork_since, self.fork_point = to.fork_since, to.fork_point
        if self.log_start is not None and self.fork_since is None:
            self.fork_since, self.fork_point = to.fork, to.lsn
        elif self.log_start is not None:
            # Two forks since the last log backup: no log backup can describe that, so the chain ends here.
            self.break_chain()
        self.fork = fork
        self.work()


@dataclass(slots=True, kw_only=True)
class Rolling:
    """How far a restore has come that waits for more: the last set that was brought in, and what it holds."""

    guid: str
    log: TransactionLog
    contents: Mapping[str, Any]
    full_only: bool = True


@dataclass(slots=True)
class History:
    """The tables of ``msdb`` that tell of backups and restores, as rows by column."""

    backupset: list[Row] = field(default_factory=list)
    backupmediaset: list[Row] = field(default_factory=list)
    backupmediafamily: list[Row] = field(default_factory=list)
    restorehistory: list[Row] = field(default_factory=list)
    made: int = 0
