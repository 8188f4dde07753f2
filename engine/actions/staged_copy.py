"""A copy of a database under another name: where its files go, and how it is known again as our own.

It is ours if it has the name, if every file of it lies in the folders under a name that we would have given it, and if
what was restored into it came from that database. A copy whose restore was broken off has nothing on record yet.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.actions.base import whole
from engine.actions.mssql_ask import number_of, text_of
from engine.actions.restore_plan import Progress
from engine.model.data import JsonMap

_PRIMARY = 1
_ENDINGS = {"L": ".ldf", "D": ".ndf"}
ONLINE, RESTORING = "ONLINE", "RESTORING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where the files of copies go, without a backslash at the end."""

    data: str
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The copy of ``source`` as it is found. ``state`` is empty where nothing has the name; ``paths`` are its files,
    ``size`` their bytes; ``why_foreign`` says why what has the name is not ours.
    """

    source: str
    name: str
    state: str
    paths: tuple[str, ...]
    size: int
    known: Progress
    why_foreign: str | None = None

    @property
    def is_ours(self) -> bool:
        """True if there is such a database and we made it."""
        return bool(self.state) and self.why_foreign is None


def folder(path: object) -> str:
    """A folder in one way of writing."""
    return str(path).replace("/", "\\").rstrip("\\")


def placed(listed: Sequence[JsonMap], target: str, folders: Folders) -> dict[str, str]:
    """For each file of a set, by its logical name, its place as part of the copy."""
    return {text_of(one, "LogicalName"): _path(one, target, folders) for one in listed}


def _path(one: JsonMap, target: str, folders: Folders) -> str:
    kind, number = text_of(one, "Type").strip().upper(), number_of(one, "FileId")
    ending = ".mdf" if number == _PRIMARY else _ENDINGS.get(kind, "")
    return f"{folders.log if kind == 'L' else folders.data}\\{target}_{number}{ending}"


def need(listed: Sequence[JsonMap]) -> tuple[int, int]:
    """Bytes that the files of a set take: data and log."""
    log = sum(number_of(one, "Size") for one in listed if text_of(one, "Type").strip().upper() == "L")
    return sum(number_of(one, "Size") for one in listed) - log, log


def found_copy(
    source: str, target: str, states: Mapping[str, str], files: Sequence[JsonMap], known: Progress, folders: Folders
) -> Copy:
    """What has the copy's name, out of the catalogue; ``states`` are by name in small letters."""
    own = [one for one in files if text_of(one, "database_name").lower() == target.lower()]
    paths = tuple(text_of(one, "physical_name") for one in own)
    state = states.get(target.lower(), "")
    return Copy(
        source=source,
        name=target,
        state=state,
        paths=paths,
        size=sum(whole(one.get("size_bytes")) for one in own),
        known=known,
        why_foreign=_foreign(source, target, state, paths, known, folders) if state else None,
    )


def _foreign(
    source: str, target: str, state: str, paths: Sequence[str], known: Progress, folders: Folders
) -> str | None:
    places = "|".join(re.escape(f"{one}\\{target}_") for one in (folders.data, folders.log))
    strange = [one for one in paths if not re.fullmatch(rf"(?:{places})[0-9]+(?:\.[mnl]df)?", one, re.IGNORECASE)]
    if not paths:
        return "its files are not known"
    if strange:
        return f"its file {strange[0]} is not where a staged copy has it"
    if known.origin.lower() == source.lower() or (not known.origin and state == RESTORING):
        return None
    return f"it was restored from {known.origin}" if known.origin else "nothing on record was restored into it"
