"""The built-in actions, one pure file each, with the scripts they send beside them."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from engine.ports.action import Action

# Action name: module of this package and class.
BUILTIN: Mapping[str, str] = {
    "assert": "assert_that:AssertThat",
    "mssql.backup_chain": "mssql_backup_chain:MssqlBackupChain",
    "mssql.backup_copy_only": "mssql_backup_copy_only:MssqlBackupCopyOnly",
    "mssql.check_integrity": "mssql_check_integrity:MssqlCheckIntegrity",
    "mssql.database": "mssql_database:MssqlDatabase",
    "mssql.database_option": "mssql_database_option:MssqlDatabaseOption",
    "mssql.instance": "mssql_instance:MssqlInstance",
    "mssql.query": "mssql_query:MssqlQuery",
    "mssql.restore_database": "mssql_restore_database:MssqlRestoreDatabase",
    "mssql.restore_progress": "mssql_restore_progress:MssqlRestoreProgress",
    "mssql.role_members": "mssql_role_members:MssqlRoleMembers",
    "mssql.server_option": "mssql_server_option:MssqlServerOption",
    "mssql.stage_restore": "mssql_stage_restore:MssqlStageRestore",
    "mssql.user_messages": "mssql_user_messages:MssqlUserMessages",
    "mssql.verify_backup": "mssql_verify_backup:MssqlVerifyBackup",
    "operator.ask": "operator_ask:OperatorAsk",
    "operator.instruct": "operator_instruct:OperatorInstruct",
    "posix.command": "posix_command:PosixCommand",
    "posix.file": "posix_file:PosixFile",
    "runbook": "run_runbook:RunAnotherRunbook",
    "service_manager.baseline": "service_manager_baseline:ServiceManagerBaseline",
    "service_manager.database_names": "service_manager_database_names:ServiceManagerDatabaseNames",
    "service_manager.export_management_packs": (
        "service_manager_export_management_packs:ServiceManagerExportManagementPacks"
    ),
    "service_manager.identity": "service_manager_identity:ServiceManagerIdentity",
    "service_manager.import_management_packs": (
        "service_manager_import_management_packs:ServiceManagerImportManagementPacks"
    ),
    "service_manager.installation": "service_manager_installation:ServiceManagerInstallation",
    "service_manager.promote": "service_manager_promote:ServiceManagerPromote",
    "service_manager.key_backup": "service_manager_key_backup:ServiceManagerKeyBackup",
    "service_manager.management_packs": "service_manager_management_packs:ServiceManagerManagementPacks",
    "service_manager.media": "service_manager_media:ServiceManagerMedia",
    "service_manager.pack_folder": "service_manager_pack_folder:ServiceManagerPackFolder",
    "service_manager.services": "service_manager_services:ServiceManagerServices",
    "service_manager.versions": "service_manager_versions:ServiceManagerVersions",
    "service_manager.warehouse_jobs": "service_manager_warehouse_jobs:ServiceManagerWarehouseJobs",
    "service_manager.warehouse_source": "service_manager_warehouse_source:ServiceManagerWarehouseSource",
    "windows.account_logon": "windows_account_logon:WindowsAccountLogon",
    "windows.file": "windows_file:WindowsFile",
    "windows.download": "windows_download:WindowsDownload",
    "windows.event_log": "windows_event_log:WindowsEventLog",
    "windows.host": "windows_host:WindowsHost",
    "windows.process": "windows_process:WindowsProcess",
    "windows.reboot": "windows_reboot:WindowsReboot",
    "windows.registry_value": "windows_registry_value:WindowsRegistryValue",
    "windows.scheduled_task": "windows_scheduled_task:WindowsScheduledTask",
    "windows.service": "windows_service:WindowsService",
    "windows.tcp_port": "windows_tcp_port:WindowsTcpPort",
    "windows.upload": "windows_upload:WindowsUpload",
    "windows.volume_space": "windows_volume_space:WindowsVolumeSpace",
    "windows.log_search": "windows_log_search:WindowsLogSearch",
    "windows.script": "windows_script:WindowsScript",
    "windows.xml_element": "windows_xml_element:WindowsXmlElement",
}


@cache
def _load(place: str) -> Action:
    module, name = place.split(":")
    action: Action = getattr(import_module(f"{__name__}.{module}"), name)()
    return action


class _Actions(Mapping[str, Action]):
    """Imports an action when it is first asked for."""

    def __getitem__(self, name: str) -> Action:
        return _load(BUILTIN[name])

    def __iter__(self) -> Iterator[str]:
        return iter(BUILTIN)

    def __len__(self) -> int:
        return len(BUILTIN)


def load_actions() -> Mapping[str, Action]:
    """The built-in actions by name; each is imported when it is first asked for."""
    return _Actions()
