"""Management packs as values: those a server gives, those that lie in a folder as files, and the order of an import."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.actions.base import as_list, maps, script
from engine.actions.windows_path import second_hop
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.result import CommandResult, value_map

OBSERVE = "service_manager_management_packs.observe.ps1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A management pack that the server has."""

    name: str
    version: str
    sealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """A file in a folder. ``name`` is the pack's own, empty for a file that holds none."""

    file: str
    name: str
    version: str
    references: tuple[str, ...] = ()

    def told(self) -> JsonMap:
        """As a result shows it."""
        return {"file": self.file, "name": self.name, "version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What lies in a folder; ``others`` are names of what is no XML file."""

    found: bool
    files: tuple[PackFile, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def foreign(self) -> tuple[str, ...]:
        """Names of everything that is no management pack."""
        return (*self.others, *(one.file for one in self.files if not one.name))


def look_into(folder: object) -> Script:
    """The look into a folder."""
    return script("service_manager_management_packs.folder.ps1", {"folder": str(folder)})


def packs_of(answer: CommandResult) -> tuple[Pack, ...]:
    """The packs of an answer; what has no name is left out."""
    return tuple(
        Pack(name=str(one["name"]), version=str(one.get("version", "")), sealed=one.get("sealed") is not False)
        for one in maps(value_map(answer).get("packs"))
        if isinstance(one.get("name"), str) and one["name"]
    )


def folder_of(answer: CommandResult) -> Folder:
    """The folder of an answer."""
    value = value_map(answer)
    files = tuple(
        PackFile(
            file=str(one.get("name", "")),
            name=str(one.get("id") or ""),
            version=str(one.get("version") or ""),
            references=as_list(one.get("references")),
        )
        for one in maps(value.get("files"))
    )
    return Folder(found=value.get("found") is True, files=files, others=as_list(value.get("others")))


def unfit_folder(path: str, host: str, folder: Folder) -> str | None:
    """Why nothing can be imported from a folder, whatever the server has."""
    if not folder.found:
        return f"There is no folder {path}, seen from {host}{second_hop(path)}"
    if folder.foreign:
        return f"{path} holds what is no management pack: {', '.join(folder.foreign[:5])}"
    return f"{path} holds {', '.join(twice(folder.files))} more than once" if twice(folder.files) else None


def by_name(packs: Iterable[Pack]) -> Mapping[str, Pack]:
    """The packs by their name in small letters."""
    return {one.name.lower(): one for one in packs}


def twice(files: Sequence[PackFile]) -> tuple[str, ...]:
    """Names of packs that more than one file holds."""
    names = [one.name.lower() for one in files]
    return tuple(sorted({one.name for one in files if names.count(one.name.lower()) > 1}))


def in_order(files: Sequence[PackFile]) -> list[PackFile]:
    """Each file after those it builds on, as far as they are among these; a circle keeps the order given."""
    left, placed = list(files), list[PackFile]()
    while left:
        names = {one.name.lower() for one in left}
        ready = [one for one in left if not names & ({ref.lower() for ref in one.references} - {one.name.lower()})]
        taken = ready or left
        placed += taken
        left = [one for one in left if one not in taken]
    return placed
