"""An exclusive lock on a file, held for as long as the process lives: the proof that an owner is alive.

The operating system drops the lock when the process ends, however it ends, so nobody waits for a lease to run out.
Lock files stay behind: removing one would let two processes lock two files of the same name.
"""

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class LockFile:
    """A held lock. ``acquire`` gives None while another process, or another holder in this one, has it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, path: Path) -> "LockFile | None":
        """Take the lock without waiting; ``OSError`` if the file cannot be made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if _lock(descriptor):
            return cls(descriptor)
        os.close(descriptor)
        return None

    def release(self) -> None:
        """Let go; may be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        # Windows answers a held lock with "permission denied"
        return False
    return True
