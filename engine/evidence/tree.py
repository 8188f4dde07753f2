"""The files that were brought, out of folders and zips alike.

Nothing is extracted; links that lead out of the folder are not followed.
What cannot be opened or must not be trusted (names that lead outside, encrypted or oversized members) is a ``Missing``.
"""

import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, cast

from engine.model.triage import Concern, Missing

MAX_MEMBER = 2 * 1024**3
MAX_TOTAL = 8 * 1024**3
MAX_RATIO = 400
SMALL = 16 * 1024**2
MAX_MEMBERS = 20_000
MAX_DEPTH = 40
NESTING = 2
_ZIP = b"PK\x03\x04"

Note = Callable[[Missing], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file: its parts below what was named, its size, and how to open it. ``path`` is set for a file on disk.

    ``modified``: when it was last written; out of a zip it is the time of some place, fit to compare with its like.
    """

    parts: tuple[str, ...]
    size: int
    open: Callable[[], IO[bytes]]
    path: Path | None = None
    label: str = ""
    modified: float | None = None

    @property
    def shown(self) -> str:
        """The path as people see it; with the name of what was brought where several things were."""
        return "/".join((self.label, *self.parts) if self.label else self.parts)

    def head(self, count: int = 4096) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return stream.read(count)


def walk(root: Path, note: Note, label: str = "") -> Iterator[Found]:
    """All files under ``root``: a folder, a zip, or one file. Zips inside are opened in place."""
    if label and not root.is_dir() and not _is_zip(root):
        # A file that was named itself is shown as it was named; its folder is its label.
        label = "" if root.parent == Path() else root.parent.as_posix()

    def labelled(missing: Missing) -> None:
        gap = replace(missing, concerns=Concern.ANYTHING)
        note(replace(gap, file=f"{label}/{gap.file}") if label and gap.file else gap)

    files = _folder(root, root.resolve(), (), labelled) if root.is_dir() else _file(root, (root.name,), labelled, 0)
    for found in files:
        yield replace(found, label=label) if label else found


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) == _ZIP or path.suffix.lower() == ".zip"
    except OSError:
        return False


def _folder(folder: Path, top: Path, parts: tuple[str, ...], note: Note) -> Iterator[Found]:
    shown = "/".join(parts) or "."
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names alone; broken entries must not end the listing
    except OSError as error:
        note(Missing(what="a folder", file=shown, why=f"it cannot be listed: {error.strerror or error}"))
        return
    for name in names:
        path = folder / name
        inner = (*parts, _printable(name))
        try:
            mode = path.stat().st_mode
            if path.is_symlink() and not path.resolve().is_relative_to(top):
                note(
                    Missing(what="a link", file="/".join(inner), why="it leads outside the folder and is not followed")
                )
            elif stat.S_ISDIR(mode):
                yield from _inner_folder(path, top, inner, note)
            elif stat.S_ISREG(mode):
                yield from _file(path, inner, note, 0)
            else:
                note(Missing(what="an entry", file="/".join(inner), why="it is neither a file nor a folder"))
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            note(Missing(what="an entry", file="/".join(inner), why=f"it cannot be read: {why}"))


def _inner_folder(path: Path, top: Path, parts: tuple[str, ...], note: Note) -> Iterator[Found]:
    if path.is_symlink():
        note(Missing(what="a linked folder", file="/".join(parts), why="linked folders are not followed"))
    elif len(parts) > MAX_DEPTH:
        note(Missing(what="a folder", file="/".join(parts), why=f"it lies deeper than {MAX_DEPTH} folders"))
    else:
        yield from _folder(path, top, parts, note)


def _file(path: Path, parts: tuple[str, ...], note: Note, depth: int) -> Iterator[Found]:
    try:
        state = path.stat()
        found = Found(parts=parts, size=state.st_size, open=lambda: path.open("rb"), path=path, modified=state.st_mtime)
        magic = found.head(4)
    except OSError as error:
        note(Missing(what="a file", file="/".join(parts), why=f"it cannot be read: {error.strerror or error}"))
        return
    if magic == _ZIP or path.suffix.lower() == ".zip":
        yield from _archive(found, note, depth)
    else:
        yield found


def _archive(found: Found, note: Note, depth: int) -> Iterator[Found]:
    source: IO[bytes] | None = None
    try:
        source = found.open()
        archive = zipfile.ZipFile(source)
        members = archive.infolist()
    except Exception as error:  # noqa: BLE001 - a damaged directory raises struct.error and others besides BadZipFile
        if source is not None:
            source.close()
        note(Missing(what="a zip", file=found.shown, why=f"it cannot be opened: {error}"))
        return
    with source, archive:
        if len(members) > MAX_MEMBERS:
            note(
                Missing(
                    what="a zip", file=found.shown, why=f"only the first {MAX_MEMBERS} of {len(members)} files are read"
                )
            )
        base = _archive_parts(found)
        total = 0
        for member in members[:MAX_MEMBERS]:
            total += member.file_size
            if total > MAX_TOTAL:
                why = f"it would unpack to more than {MAX_TOTAL // 1024**3} GiB; the rest of it was not read"
                note(Missing(what="a zip", file=found.shown, why=why))
                return
            yield from _member(archive, member, base, note, depth)


def _archive_parts(found: Found) -> tuple[str, ...]:
    name = found.parts[-1]
    return (*found.parts[:-1], name[:-4] if name.lower().endswith(".zip") else name)


def _member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, base: tuple[str, ...], note: Note, depth: int
) -> Iterator[Found]:
    if member.is_dir():
        return
    name = member.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    shown = "/".join((*base, *(_printable(one) for one in parts)))
    refusal = _refusal(member, name, parts)
    if refusal:
        note(Missing(what="a file of a zip", file=shown, why=refusal))
        return
    found = Found(
        parts=(*base, *(_printable(one) for one in parts)),
        size=member.file_size,
        open=lambda: archive.open(member),
        modified=_written(member),
    )
    try:
        magic = found.head(4)
    except Exception as error:  # noqa: BLE001 - zlib, lzma and zipfile raise many kinds for damaged members
        note(Missing(what="a file of a zip", file=shown, why=f"it cannot be read: {error}"))
        return
    if magic == _ZIP and depth >= NESTING and shown.lower().endswith(".zip"):
        why = f"a zip in more than {NESTING} others is not opened; unpack it and bring what is in it"
        note(Missing(what="a zip in a zip", file=shown, why=why, concerns=Concern.ANYTHING))
    elif magic == _ZIP and depth < NESTING:
        yield from _nested(found, note, depth + 1)
    else:
        yield found


def _written(member: zipfile.ZipInfo) -> float | None:
    try:
        return datetime(*member.date_time, tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _nested(found: Found, note: Note, depth: int) -> Iterator[Found]:
    try:
        copy = spooled(found)
    except Exception as error:  # noqa: BLE001 - as above
        note(Missing(what="a zip in a zip", file=found.shown, why=f"it cannot be read: {error}"))
        return
    with copy:
        inner = Found(parts=found.parts, size=found.size, open=lambda: cast("IO[bytes]", _Shared(copy)))
        yield from _archive(inner, note, depth)


class _Shared(io.RawIOBase):
    """A second view of a spooled file that leaves it open when closed."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source = source
        source.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        return self._source.read(-1 if size is None else size)


def spooled(found: Found) -> IO[bytes]:
    """A seekable copy, in memory up to 16 MiB, else in a temporary file."""
    copy = tempfile.SpooledTemporaryFile(max_size=SMALL)  # noqa: SIM115 - the caller closes it
    with found.open() as stream:
        while piece := stream.read(1024 * 1024):
            copy.write(piece)
    copy.seek(0)
    return copy


def _refusal(member: zipfile.ZipInfo, name: str, parts: tuple[str, ...]) -> str | None:
    if name.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")) or not parts:
        return "its name leads outside the zip"
    if member.flag_bits & 1:
        return "it is encrypted"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "it is a link, and links in a zip are not followed"
    if member.file_size > MAX_MEMBER:
        return f"it would unpack to more than {MAX_MEMBER // 1024**3} GiB"
    if member.file_size > SMALL and member.file_size > MAX_RATIO * max(1, member.compress_size):
        return f"it would unpack to more than {MAX_RATIO} times its size"
    return None


def _printable(name: str) -> str:
    return "".join(one if one.isprintable() else "\ufffd" for one in name)
