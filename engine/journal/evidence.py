"""Evidence as files named by the SHA-256 of their content: written once, synced, never changed.

``RUN_FOLDER/evidence/ab/abcd...``: the first two characters of the digest are a folder, so that no folder grows long.
"""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from engine.journal.failures import told
from engine.model.errors import JournalDamaged, StorageFailed
from engine.model.result import EvidenceRef

MAX_BYTES = 256 * 1024 * 1024
_DIGEST_LENGTH = 64


class EvidenceFiles:
    """An ``EvidenceStore`` in the folder of one run; refuses a piece above ``max_bytes``. Any thread may use it."""

    def __init__(self, run_folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._root = run_folder / "evidence"
        self._max_bytes = max_bytes
        self._seen_whole: dict[str, tuple[int, int]] = {}

    def put(self, content: bytes, caption: str) -> EvidenceRef:
        """Store once, synced; the same content gives the same name. A damaged copy found there is replaced."""
        if len(content) > self._max_bytes:
            raise StorageFailed(
                f"{caption}: {len(content)} bytes of evidence, and one piece may have {self._max_bytes}",
                remedy="narrow what is collected, or copy the file by hand",
            )
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        with told(path, "storing evidence"):
            known = self._seen_whole.get(digest)
            if known is None or _mark(path) != known:
                if not (path.is_file() and _digest_of(path) == digest):
                    _write(path, content)
                self._seen_whole[digest] = _mark(path)
        return EvidenceRef(digest=digest, caption=caption, size=len(content))

    def get(self, digest: str) -> bytes:
        """The content; ``JournalDamaged`` if it no longer has that digest."""
        path = self.path(digest)
        if not path.is_file():
            raise JournalDamaged(
                f"{path}: the evidence is not there any more", remedy="restore the run's folder from a backup"
            )
        with told(path, "reading evidence"):
            content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise JournalDamaged(
                f"{path}: the evidence was altered: its content no longer has the digest that is its name",
                remedy="restore the run's folder from a backup",
            )
        return content

    def path(self, digest: str) -> Path:
        """Where the content of that digest lies; a text that is no digest never becomes a path."""
        if len(digest) != _DIGEST_LENGTH or not set(digest) <= set("0123456789abcdef"):
            raise JournalDamaged(f"{digest!r} is no evidence digest", remedy="`runbook report` lists a run's evidence")
        return self._root / digest[:2] / digest


def _mark(path: Path) -> tuple[int, int]:
    """What tells that nobody touched a file since it was last read; nothing is like that of a file that is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (-1, -1)
    return (found.st_size, found.st_mtime_ns)


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Complete or not at all: a temporary file beside it, synced, then renamed, then the folder synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename last; Windows has no such call and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_file(path: Path, content: bytes) -> None:
    """Write any file of a run complete or not at all; ``StorageFailed`` says why not."""
    with told(path, "writing"):
        _write(path, content)
