"""``service_manager.export_management_packs``: every unsealed management pack as a file in a folder made for it.

The folder has to be there and holds nothing else, so that whoever imports it later imports exactly this. A run that was
broken off goes on with what is missing; a file of another version is never written over.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, describe, script
from engine.actions.service_manager_module import SERVICE_MANAGER, look, module_path, not_installed, where
from engine.actions.service_manager_packs import OBSERVE, Folder, Pack, folder_of, look_into, packs_of, twice
from engine.actions.windows_path import second_hop
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_LOOKS = 3


class ServiceManagerExportManagementPacks(BuiltIn):
    """Three looks; the undo takes away the files that were written."""

    info = describe(
        "service_manager.export_management_packs",
        summary="Export the unsealed management packs into an empty folder",
        effect=Effect.REVERSIBLE,
        yields=("management-packs-exported",),
        timeout_s=900.0,
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
        """Export what is missing in the folder."""
        module = module_path(seen[0], SERVICE_MANAGER)
        if module is None:
            return not_installed(host)
        packs, folder, path = packs_of(seen[1]), folder_of(seen[2]), str(args["path"])
        unsealed = [one for one in packs if not one.sealed]
        missing = _missing(unsealed, folder)
        result = _result(path, packs, unsealed, missing)
        unfit = _unfit(path, host, unsealed, folder)
        if unfit:
            return Refuse(why=unfit, remedy="name an empty folder of the host that is there", result=result)
        if missing:
            return _change(module, path, missing, _result(path, packs, unsealed, []))
        return Unchanged(
            why=f"{path} holds all {len(unsealed)} unsealed management packs of {host.name}",
            result=result,
            examined=len(packs),
            proofs=("management-packs-exported",) if packs else (),
        )


def _missing(unsealed: Sequence[Pack], folder: Folder) -> list[Pack]:
    there = {one.name.lower() for one in folder.files}
    return [one for one in unsealed if one.name.lower() not in there]


def _unfit(path: str, host: HostView, unsealed: Sequence[Pack], folder: Folder) -> str | None:
    """Why nothing can be exported there."""
    if not folder.found:
        return f"There is no folder {path}, seen from {host.name}{second_hop(path)}"
    if folder.foreign:
        return f"{path} holds what is no management pack: {', '.join(folder.foreign[:5])}"
    versions = {one.name.lower(): one.version for one in unsealed}
    wrong = [one for one in folder.files if versions.get(one.name.lower()) != one.version]
    if wrong:
        return (
            f"{path} holds {wrong[0].name} {wrong[0].version}, and the server gives {_given(versions, wrong[0].name)}"
        )
    return f"{path} holds {', '.join(twice(folder.files))} more than once" if twice(folder.files) else None


def _given(versions: dict[str, str], name: str) -> str:
    return versions.get(name.lower(), "no such unsealed pack")


def _change(module: str, path: str, missing: Sequence[Pack], result: JsonMap) -> Change:
    names = [one.name for one in missing]
    return Change(
        why=f"{len(names)} unsealed management packs are not in {path}",
        before="not there",
        after={one.name: one.version for one in missing},
        commands=(
            script(
                "service_manager_management_packs.export.ps1",
                {"module": module, "folder": path, "names": names},
                changing=True,
            ),
        ),
        undo=(script("service_manager_management_packs.remove.ps1", {"folder": path, "names": names}, changing=True),),
        result=result,
    )


def _result(path: str, packs: Sequence[Pack], unsealed: Sequence[Pack], missing: Sequence[Pack]) -> JsonMap:
    return {
        "path": path,
        "examined": len(packs),
        "packs": [{"name": one.name, "version": one.version} for one in unsealed],
        "missing": [one.name for one in missing],
    }
