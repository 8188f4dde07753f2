"""A Windows file tree as state: paths without case, bytes, times of change."""

from collections.abc import Iterator
from dataclasses import dataclass, field


def normal(path: str) -> str:
    r"""``C:\Users\x`` for any mix of slashes and trailing separators; the case is kept."""
    parts = [part for part in path.replace("/", "\\").split("\\") if part]
    text = "\\".join(parts)
    return text + "\\" if text.endswith(":") else text


def parent(path: str) -> str:
    """The folder that holds the path; the root is its own parent."""
    head, _, _ = normal(path).rstrip("\\").rpartition("\\")
    return normal(head) if head else normal(path)


@dataclass(slots=True, kw_only=True)
class LabFile:
    """One file as it lies there."""

    path: str
    content: bytes
    modified: float
    version: str | None = None


@dataclass(slots=True)
class Files:
    """All files of a machine. ``now`` gives the time that a write leaves."""

    entries: dict[str, LabFile] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, content: bytes, *, modified: float, version: str | None = None) -> None:
        """Create or replace a file and the folders above it."""
        path = normal(path)
        old = self.entries.get(path.lower())
        self.entries[path.lower()] = LabFile(
            path=old.path if old else path, content=content, modified=modified, version=version
        )
        self.make_folder(parent(path))

    def make_folder(self, path: str) -> None:
        """Create a folder and those above it."""
        path = normal(path)
        while path.lower() not in self.folders:
            self.folders[path.lower()] = path
            path = parent(path)

    def get(self, path: str) -> LabFile | None:
        """The file of that path, in any case."""
        return self.entries.get(normal(path).lower())

    def is_folder(self, path: str) -> bool:
        """True if the path is a folder."""
        return normal(path).lower() in self.folders

    def delete(self, path: str) -> bool:
        """Remove a file; false if there was none."""
        return self.entries.pop(normal(path).lower(), None) is not None

    def __iter__(self) -> Iterator[LabFile]:
        """All files, ordered by path without case."""
        return iter([self.entries[key] for key in sorted(self.entries)])
