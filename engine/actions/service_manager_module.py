"""The looks that need a PowerShell module of the product: first where Setup put it, then what the module tells."""

from collections.abc import Mapping

from engine.actions.base import script
from engine.actions.service_manager_installation import PAYLOAD
from engine.model.command import Argument, Script
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Refuse, value_map
from engine.ports.action import Seen

SERVICE_MANAGER = "PowerShell\\System.Center.Service.Manager.psd1"
WAREHOUSE = "Microsoft.EnterpriseManagement.Warehouse.Cmdlets.psd1"


def where() -> Script:
    """The first look: the folder of the installation."""
    return script(PAYLOAD)


def module_path(first: CommandResult, module: str) -> str | None:
    """The module's file; None where no installation was found."""
    folder = value_map(first).get("install_directory")
    return f"{folder.rstrip(chr(92))}\\{module}" if isinstance(folder, str) and folder else None


def look(payload: str, seen: Seen, module: str, more: Mapping[str, Argument] | None = None) -> Script | None:
    """A look through the module; None where there is no installation to look at."""
    path = module_path(seen[0], module)
    return script(payload, {"module": path, **(more or {})}) if path else None


def not_installed(host: HostView) -> Refuse:
    """What is decided where no installation was found."""
    return Refuse(
        why=f"The folder of Service Manager was not found in the registry of {host.name}",
        remedy="look at the host's role; a removed server has no management packs and no jobs",
    )
