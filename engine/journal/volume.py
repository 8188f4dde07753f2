"""Where the journal lies: local disks only, as locks and write-ahead logs do not hold on network shares."""

import sys
from pathlib import Path

from engine.model.errors import StorageFailed

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "ncpfs"}
)
_DRIVE_REMOTE = 4


def refuse_network_share(path: Path) -> None:
    """``StorageFailed`` if the path lies on a share; where that cannot be told, nothing."""
    kind = network_kind(path)
    if kind:
        raise StorageFailed(
            f"{path}: the journal would lie on a network share ({kind}), where its locks do not hold",
            remedy="name a directory on a local disk",
        )


def network_kind(path: Path) -> str | None:
    """What kind of share the path lies on, or None for a local disk or an unknown one."""
    return _windows_kind(path) if sys.platform == "win32" else _posix_kind(path)


def _posix_kind(path: Path) -> str | None:
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    kind = file_system(path.resolve(), mounts)
    return kind if kind in NETWORK_FILE_SYSTEMS else None


def file_system(path: Path, mounts: str) -> str | None:
    """The type of the file system that holds the path, read from the text of ``/proc/self/mountinfo``."""
    best, found = -1, None
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        columns = left.split()
        if len(columns) < 5 or not right:  # noqa: PLR2004 - the fifth column is the mount point
            continue
        point = Path(columns[4].replace("\\040", " "))
        # later lines hide earlier ones at the same place
        if (path == point or point in path.parents) and len(point.parts) >= best:
            best, found = len(point.parts), right.split()[0]
    return found


def _windows_kind(path: Path) -> str | None:
    resolved = str(path.absolute())
    if resolved.startswith("\\\\") and not resolved.startswith(("\\\\?\\", "\\\\.\\")):
        return "UNC path"
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - there is no windll elsewhere

        if ctypes.windll.kernel32.GetDriveTypeW(path.absolute().anchor) == _DRIVE_REMOTE:
            return "mapped drive"
    return None
