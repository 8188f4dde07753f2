"""The state of a small POSIX host of the lab: files and folders with modes, and a disk that may be full.

Owner and account are one, as for an account that works in its own folders; links and other rights are left out.
"""

import posixpath
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

FOLDER_MODE, FILE_MODE = 0o755, 0o644


class PosixRefusal(Exception):
    """A program ended with an exit code other than 0; ``str`` is what it said, ``stdout`` what it gave all the same."""

    def __init__(self, said: str, code: int = 1, stdout: str = "") -> None:
        super().__init__(said)
        self.code = code
        self.stdout = stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What lies at a path; ``content`` is None for a folder."""

    mode: int
    content: bytes | None = None

    @property
    def is_file(self) -> bool:
        """A plain file."""
        return self.content is not None


@dataclass(slots=True, kw_only=True)
class PosixMachine:
    """One host's state. ``free_bytes`` is the room left on its disk (None: plenty); ``up`` whether it runs."""

    name: str = "JUMP01"
    passwords: Mapping[str, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=lambda: {"/": Entry(mode=FOLDER_MODE)})
    free_bytes: int | None = None
    up: bool = True
    boot: int = 1
    lock: threading.RLock = field(default_factory=threading.RLock)

    def at(self, path: str) -> Entry | None:
        """What lies there. A path ending in a slash, and one below a file, has nothing but a folder."""
        entry = self.entries.get(plain(path))
        return None if entry is not None and entry.is_file and path.endswith("/") else entry

    def add_folder(self, path: str, mode: int = FOLDER_MODE) -> None:
        """A folder, and those above it."""
        place = plain(path)
        if place not in self.entries:
            if place != "/":
                self.add_folder(posixpath.dirname(place))
            self.entries[place] = Entry(mode=mode)

    def add_file(self, path: str, content: bytes, mode: int = FILE_MODE) -> None:
        """A file, and the folders above it."""
        self.add_folder(posixpath.dirname(plain(path)))
        self.entries[plain(path)] = Entry(mode=mode, content=content)

    def read(self, path: str) -> bytes:
        """A file's content."""
        entry = self.at(path)
        if entry is None:
            raise PosixRefusal(f"{path}: No such file or directory")
        if entry.content is None:
            raise PosixRefusal(f"{path}: Is a directory")
        return entry.content

    def write(self, path: str, content: bytes, mode: int = FILE_MODE) -> None:
        """Open for writing and write: a file that is there keeps its mode."""
        before, place = self.at(path), plain(path)
        parent = self.entries.get(posixpath.dirname(place))
        if parent is None or parent.is_file or path.endswith("/"):
            raise PosixRefusal(f"cannot create {path}: Directory nonexistent", 2)
        if before is not None and before.content is None:
            raise PosixRefusal(f"cannot create {path}: Is a directory", 2)
        self._take_room(len(content) - len(before.content or b"" if before else b""), path)
        self.entries[place] = Entry(mode=mode if before is None else before.mode, content=content)

    def copy(self, source: str, target: str) -> None:
        """``cp -p`` of one file: into a folder if the target is one."""
        content, entry = self.read(source), self.entries[plain(source)]
        place = self._inside(source, target)
        self.write(place, content)
        self.set_mode(place, entry.mode)

    def move(self, source: str, target: str) -> None:
        """``mv -f``: into a folder if the target is one."""
        entry = self.at(source)
        if entry is None:
            raise PosixRefusal(f"cannot stat '{source}': No such file or directory")
        place = plain(self._inside(source, target))
        there, parent = self.entries.get(place), self.entries.get(posixpath.dirname(place))
        if not target or parent is None or parent.is_file:
            raise PosixRefusal(f"cannot move '{source}' to '{target}': No such file or directory")
        if there is not None and there.is_file is not entry.is_file:
            raise PosixRefusal(f"cannot overwrite '{place}' with '{source}'")
        moved = dict(self._below(plain(source)))
        for path in moved:
            del self.entries[path]
        self.entries |= {place + path[len(plain(source)) :]: one for path, one in moved.items()}

    def remove(self, path: str) -> None:
        """``rm -f`` of one file; nothing there is no failure."""
        entry = self.at(path)
        if entry is not None and not entry.is_file:
            raise PosixRefusal(f"cannot remove '{path}': Is a directory")
        if entry is not None:
            del self.entries[plain(path)]

    def set_mode(self, path: str, mode: int) -> None:
        """``chmod``."""
        entry = self.at(path)
        if entry is None:
            raise PosixRefusal(f"cannot access '{path}': No such file or directory")
        self.entries[plain(path)] = replace(entry, mode=mode)

    def _inside(self, source: str, target: str) -> str:
        entry = self.at(target) if target else None
        if entry is None or entry.is_file:
            return target
        return posixpath.join(target, posixpath.basename(plain(source)))

    def _below(self, place: str) -> Iterator[tuple[str, Entry]]:
        for path, entry in self.entries.items():
            if path == place or path.startswith(f"{place}/"):
                yield path, entry

    def _take_room(self, size: int, path: str) -> None:
        if self.free_bytes is None:
            return
        if size > self.free_bytes:
            raise PosixRefusal(f"{path}: No space left on device")
        self.free_bytes -= size


def plain(path: str) -> str:
    """The one name of a full path."""
    return posixpath.normpath("/" + path.lstrip("/"))
