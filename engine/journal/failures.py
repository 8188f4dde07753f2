"""SQLite's and the file system's errors, told as sentences with a remedy."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.model.errors import EngineError, JournalDamaged, StorageFailed

_FULL = "free some space on that disk; everything committed so far is kept, and `runbook resume` goes on from there"
_READ_ONLY = "make the directory writable for this user, or name another one"


@contextmanager
def told(path: Path, what: str) -> Iterator[None]:
    """Turn what goes wrong inside into ``StorageFailed`` or ``JournalDamaged`` about ``path``."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise from_sqlite(path, what, error) from error
    except OSError as error:
        raise from_os(path, what, error) from error


def from_sqlite(path: Path, what: str, error: sqlite3.Error) -> EngineError:
    """The failure that an SQLite error means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    place = f"{path}: {what}"
    if code == sqlite3.SQLITE_FULL:
        return StorageFailed(f"{place} failed: the disk is full", remedy=_FULL)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StorageFailed(f"{place} failed: the file or its directory cannot be written", remedy=_READ_ONLY)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageFailed(
            f"{place} failed: another process kept the journal busy for too long",
            remedy="end programs that hold the file open, such as a database viewer, and try again",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return JournalDamaged(
            f"{place} failed: the file is damaged or is no journal ({error})",
            remedy="keep the file as it is, move it away, and restore it from a backup; "
            "what each run did, the export in its folder tells: runbook report --from events.jsonl",
        )
    return StorageFailed(f"{place} failed: {error}", remedy="check the disk that holds the journal")


def from_os(path: Path, what: str, error: OSError) -> EngineError:
    """The failure that an operating system error means."""
    place = f"{path}: {what}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC):
        return StorageFailed(f"{place} failed: the disk is full", remedy=_FULL)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageFailed(f"{place} failed: the file or its directory cannot be written", remedy=_READ_ONLY)
    reason = error.strerror or str(error)
    return StorageFailed(f"{place} failed: {reason}", remedy="check the directory that was named and the disk below it")
