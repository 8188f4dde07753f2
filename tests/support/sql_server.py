"""An embedded database shaped like the views of SQL Server: a shipped query runs on it, transpiled.

It stands for the meaning of the text; the grammar of SQL Server 2008 is held by another test.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import exp

_COLUMNS: dict[str, str] = {
    "backupset": "backup_set_id backup_set_uuid media_set_id position type is_copy_only has_backup_checksums "
    "is_damaged is_snapshot has_incomplete_metadata backup_start_date backup_finish_date time_zone first_lsn last_lsn "
    "fork_point_lsn differential_base_guid differential_base_lsn first_recovery_fork_guid last_recovery_fork_guid "
    "backup_size software_major_version software_minor_version software_build_version database_name server_name "
    "family_guid "
    "collation_name compatibility_level recovery_model",
    "backupmediaset": "media_set_id media_uuid media_family_count",
    "backupmediafamily": "media_set_id family_sequence_number device_type physical_device_name mirror",
    "dm_exec_requests": "session_id percent_complete",
    "dm_exec_sessions": "session_id program_name",
    "database_recovery_status": "database_id family_guid",
    "restorehistory": "restore_history_id restore_date destination_database_name user_name backup_set_id restore_type "
    "replace recovery stop_at device_count stop_at_mark_name",
    "databases": "database_id name state_desc user_access_desc is_broker_enabled compatibility_level "
    "recovery_model_desc collation_name is_read_only owner_sid source_database_id",
    "master_files": "database_id file_id name physical_name type_desc size",
    "configurations": "name value value_in_use is_dynamic",
    "messages": "message_id language_id",
    "server_principals": "name sid type type_desc is_disabled",
    "database_principals": "principal_id name sid type type_desc",
    "database_role_members": "role_principal_id member_principal_id",
    "ScopedInstanceTargetClass": "ManagedTypeId ScopedInstanceId",
    "ManagedType": "ManagedTypeId TypeName",
    "BaseManagedEntity": "BaseManagedEntityId DisplayName IsDeleted",
    "MT_Microsoft$SystemCenter$ResourceAccessLayer$DwSdkResourceStore": "DisplayName "
    "Server_48B308F9_CF0E_0F74_83E1_0AEB1B58E2FA",
    "ManagementPack": "MPName MPVersion",
    "__MOMManagementGroupInfo__": "DBVersion",
}
WORKFLOW_TARGET = "the workflow target"


def documented() -> list[str]:
    """The tables and views that are known here, each with columns that are documented and that SQL Server 2008 has."""
    return list(_COLUMNS)


class Embedded:
    """Tables by name, filled from rows. Texts compare without case, as on an instance of the supported collations."""

    def __init__(
        self,
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
        properties: Mapping[str, Any] | None = None,
        objects: Mapping[str, int] | None = None,
        now: str = "2013-03-02 12:00:00",
        utc: str = "2013-03-02 12:00:00",
    ) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.row_factory = sqlite3.Row
        self.connection.create_function("SERVERPROPERTY", 1, (properties or {}).get)
        self.connection.create_function("SERVER_KNOWN_AS", 0, lambda: (properties or {}).get("ServerName"))
        self.connection.create_function("OWNER_OF", 1, lambda sid: sid.removeprefix("sid of "))
        self.connection.create_function("QUOTENAME", 1, lambda name: "[" + name.replace("]", "]]") + "]")
        self.connection.create_function("OBJECT_ID", 1, (objects or {}).get)
        self.connection.create_function("NOW_THERE", 0, lambda: now)
        self.connection.create_function("NOW_IN_UTC", 0, lambda: utc)
        self.connection.create_function(
            "fn_ManagedTypeId_MicrosoftSystemCenterWorkflowTarget", 0, lambda: WORKFLOW_TARGET
        )
        for name, rows in tables.items():
            columns = _COLUMNS[name].split()
            wanted = ", ".join(f'"{column}" COLLATE NOCASE' for column in columns)
            self.connection.execute(f'CREATE TABLE "{name}" ({wanted})')
            marks = ", ".join("?" for _ in columns)
            self.connection.executemany(
                f'INSERT INTO "{name}" VALUES ({marks})',
                [[row.get(column) for column in columns] for row in rows],
            )

    def rows(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows that the T-SQL query gives."""
        text = transpiled(query)
        return [dict(row) for row in self.connection.execute(text, dict(params))]

    def close(self) -> None:
        """Release it."""
        self.connection.close()


def transpiled(query: str) -> str:
    """The query in SQLite's words; tables lose their database and schema."""
    # The transpiler takes SUSER_SNAME(sid) for the current user, whatever stands in the parentheses, and a sign between
    # texts for a sum.
    own = query.replace("SUSER_SNAME(", "OWNER_OF(").replace("dbo.fn_", "fn_").replace(" + N'", " || N'")
    own = (
        own.replace("@@SERVERNAME", "SERVER_KNOWN_AS()")
        .replace("GETDATE()", "NOW_THERE()")
        .replace("GETUTCDATE()", "NOW_IN_UTC()")
    )
    [tree] = sqlglot.parse(own, read="tsql")
    assert tree is not None
    for text in tree.find_all(exp.National):
        text.replace(exp.Literal.string(text.name))
    for table in tree.find_all(exp.Table):
        table.set("db", None)
        table.set("catalog", None)
    return tree.sql(dialect="sqlite").replace("@", ":")
