"""``service_manager.import_management_packs``: every management pack of a folder, each after those it builds on.

What is there at the same version stays; an older file, a file against a sealed pack and a missing reference refuse
before anything is imported, as an import cannot be taken back.
"""

from collections.abc import Mapping, Sequence

from engine.actions.base import BuiltIn, describe, script
from engine.actions.mssql_ask import version_of
from engine.actions.service_manager_module import SERVICE_MANAGER, look, module_path, not_installed, where
from engine.actions.service_manager_packs import (
    OBSERVE,
    Folder,
    Pack,
    PackFile,
    by_name,
    folder_of,
    in_order,
    look_into,
    packs_of,
    unfit_folder,
)
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_LOOKS = 3


class ServiceManagerImportManagementPacks(BuiltIn):
    """Three looks; there is no undo."""

    info = describe(
        "service_manager.import_management_packs",
        summary="Import the management packs of a folder that are not there at these versions",
        effect=Effect.PERMANENT,
        yields=("management-packs-imported",),
        timeout_s=1800.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Where the product is, its packs, and the folder."""
        del host
        if not seen:
            return where()
        if len(seen) == 1:
            return look(OBSERVE, seen, SERVICE_MANAGER)
        return look_into(args["path"]) if len(seen) < _LOOKS else None

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Import what is missing or older."""
        module = module_path(seen[0], SERVICE_MANAGER)
        if module is None:
            return not_installed(host)
        installed, folder, path = by_name(packs_of(seen[1])), folder_of(seen[2]), str(args["path"])
        due = [one for one in in_order(folder.files) if _version(installed, one) != one.version]
        result = _result(path, folder, due)
        unfit = unfit_folder(path, host.name, folder) or _unfit_packs(installed, folder.files)
        if unfit:
            return Refuse(why=unfit, remedy="leave in the folder what is to be imported and fits", result=result)
        if due:
            return _change(module, path, installed, due, _result(path, folder, []))
        return Unchanged(
            why=f"{host.name} has all {len(folder.files)} management packs of {path} at their versions",
            result=result,
            examined=len(folder.files),
            proofs=("management-packs-imported",) if folder.files else (),
        )


def _version(installed: Mapping[str, Pack], one: PackFile) -> str | None:
    there = installed.get(one.name.lower())
    return there.version if there else None


def _unfit_packs(installed: Mapping[str, Pack], files: Sequence[PackFile]) -> str | None:
    """Why a file cannot go in: sealed there, newer there, or something it builds on is missing."""
    known = {*installed, *(one.name.lower() for one in files)}
    for one in files:
        there = installed.get(one.name.lower())
        if there is not None and there.sealed:
            return f"{one.file} cannot replace {one.name}, which is sealed"
        if there is not None and _newer(there.version, one.version):
            return f"{one.file} is {one.name} {one.version}, and {there.version} is there"
        missing = [name for name in one.references if name.lower() not in known]
        if missing:
            return f"{one.file} builds on {missing[0]}, which is neither there nor in the folder"
    return None


def _newer(there: str, file: str) -> bool:
    """True unless the file's version is certainly the same or a later one."""
    if there == file:
        return False
    first, second = version_of(there), version_of(file)
    return first is None or second is None or first > second


def _change(module: str, path: str, installed: Mapping[str, Pack], due: Sequence[PackFile], result: JsonMap) -> Change:
    folder = path.rstrip("\\")
    return Change(
        why=f"{len(due)} management packs of {path} are not there at their versions",
        before={one.name: _version(installed, one) or "not there" for one in due},
        after={one.name: one.version for one in due},
        commands=tuple(
            script(
                "service_manager_management_packs.import.ps1",
                {"module": module, "file": f"{folder}\\{one.file}"},
                changing=True,
            )
            for one in due
        ),
        result=result,
    )


def _result(path: str, folder: Folder, due: Sequence[PackFile]) -> JsonMap:
    return {
        "path": path,
        "examined": len(folder.files),
        "files": [one.told() for one in folder.files],
        "missing": [one.name for one in due],
    }
