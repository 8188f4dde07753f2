"""``service_manager.pack_folder``: whether a folder holds exported management packs, and nothing else.

A recovery imports them at its very end, so it looks before it changes anything: the product is not asked, as it may be
half upgraded by then, or gone.
"""

from engine.actions.base import BuiltIn, describe
from engine.actions.service_manager_packs import folder_of, look_into, unfit_folder
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


class ServiceManagerPackFolder(BuiltIn):
    """One look, no change."""

    info = describe(
        "service_manager.pack_folder",
        summary="Whether a folder of the host holds exported management packs and nothing else",
        effect=Effect.OBSERVE,
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """The folder."""
        del host
        return None if seen else look_into(args["path"])

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """There, not empty, and nothing in it that an import would refuse whatever the server has."""
        path, folder = str(args["path"]), folder_of(seen[0])
        result: JsonMap = {"path": path, "examined": len(folder.files), "files": [one.told() for one in folder.files]}
        unfit = unfit_folder(path, host.name, folder)
        if unfit is None and not folder.files:
            unfit = f"{path} on {host.name} is empty"
        if unfit:
            return Refuse(
                why=unfit,
                remedy="copy the export of the management packs to a disk of the host, and nothing else beside it",
                result=result,
            )
        return Unchanged(
            why=f"{path} on {host.name} holds {len(folder.files)} management packs",
            result=result,
            examined=len(folder.files),
        )
