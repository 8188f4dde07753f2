"""The lab's models of the packaged payloads, one function each; twin tests hold every one to its script.

A behaviour takes the machine (its lock held) and the payload's arguments, gives the value that the script would give,
changes the machine as the script would, and raises ``PayloadError`` where the script throws.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue

if TYPE_CHECKING:
    from engine.lab.machine import Machine

__all__ = ["BEHAVIOURS", "Behaviour", "PayloadError"]

Behaviour: TypeAlias = "Callable[[Machine, JsonMap], JsonValue]"

# Payload file name: module of this package and function.
_PLACES: dict[str, str] = {
    "file_get.ps1": "transfer:get",
    "file_put.ps1": "transfer:put",
    "mssql_apply.ps1": "mssql_apply:send",
    "mssql_backup_copy_only.folder.ps1": "mssql_backup_copy_only:make_folder",
    "mssql_job.forget.ps1": "mssql_job:forget",
    "mssql_job.poll.ps1": "mssql_job:poll",
    "mssql_job.start.ps1": "mssql_job:start",
    "mssql_query.observe.ps1": "mssql_query:observe",
    "service_manager_installation.observe.ps1": "service_manager_installation:observe",
    "service_manager_key_backup.observe.ps1": "service_manager_key_backup:observe",
    "service_manager_management_packs.export.ps1": "service_manager_management_packs:export",
    "service_manager_management_packs.folder.ps1": "service_manager_management_packs:folder",
    "service_manager_management_packs.import.ps1": "service_manager_management_packs:take_in",
    "service_manager_management_packs.observe.ps1": "service_manager_management_packs:observe",
    "service_manager_management_packs.remove.ps1": "service_manager_management_packs:remove",
    "service_manager_versions.databases.ps1": "service_manager_versions:databases",
    "service_manager_warehouse_jobs.observe.ps1": "service_manager_warehouse_jobs:observe",
    "service_manager_warehouse_jobs.schedules.ps1": "service_manager_warehouse_jobs:schedules",
    "windows_event_log.observe.ps1": "windows_event_log:observe",
    "windows_file.observe.ps1": "windows_file:observe",
    "windows_file.remove.ps1": "windows_file:remove",
    "windows_file.restore.ps1": "windows_file:restore",
    "windows_file.write.ps1": "windows_file:write",
    "windows_host.observe.ps1": "windows_host:observe",
    "windows_log_search.observe.ps1": "windows_log_search:observe",
    "windows_process.observe.ps1": "windows_process:observe",
    "windows_reboot.restart.ps1": "windows_reboot:restart",
    "windows_registry_value.observe.ps1": "windows_registry_value:observe",
    "windows_registry_value.remove.ps1": "windows_registry_value:remove",
    "windows_registry_value.set.ps1": "windows_registry_value:write",
    "windows_scheduled_task.poll.ps1": "windows_scheduled_task:poll",
    "windows_scheduled_task.remove.ps1": "windows_scheduled_task:remove",
    "windows_scheduled_task.start.ps1": "windows_scheduled_task:start",
    "windows_service.ensure.ps1": "windows_service:ensure",
    "windows_service.observe.ps1": "windows_service:observe",
    "windows_tcp_port.observe.ps1": "windows_tcp_port:observe",
    "windows_volume_space.observe.ps1": "windows_volume_space:observe",
    "windows_xml_element.ensure.ps1": "windows_xml_element:ensure",
    "windows_xml_element.observe.ps1": "windows_xml_element:observe",
}


class _Behaviours(Mapping[str, Behaviour]):
    """Imports a behaviour when it is first asked for."""

    def __getitem__(self, payload: str) -> Behaviour:
        module, function = _PLACES[payload].split(":")
        found: Behaviour = getattr(import_module(f"{__name__}.{module}"), function)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


BEHAVIOURS: Mapping[str, Behaviour] = _Behaviours()
