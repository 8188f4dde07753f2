"""Who may do what in the estate's databases: the accounts of the product and their roles, as setup gives them."""

from collections.abc import Mapping

from engine.lab.machine_sql import SqlInstance
from engine.lab.machine_sql_principals import Login, furnish

SERVICE, REPORTING, ANALYSIS = "CONTOSO\\svc-scsm", "CONTOSO\\svc-scsm-report", "CONTOSO\\svc-scsm-olap"
MANAGEMENT_SERVERS = ("SM01.contoso.lab", "SM02.contoso.lab")
MESSAGES = 48
_SERVICE_ROLES = (
    "configsvc_users",
    "db_accessadmin",
    "db_datareader",
    "db_datawriter",
    "db_ddladmin",
    "db_securityadmin",
    "dbmodule_users",
    "public",
    "sdk_users",
    "sql_dependency_subscriber",
)
_OWNER = ("db_owner", "public")
_READER = ("db_datareader", "public")
_REPORTS = (*_READER, "reportuser")
ROLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ServiceManager": {SERVICE: _SERVICE_ROLES},
    "DWStagingAndConfig": {SERVICE: (*_SERVICE_ROLES, "db_owner"), REPORTING: _READER},
    "DWRepository": {SERVICE: _OWNER, REPORTING: _REPORTS},
    "DWDataMart": {SERVICE: _OWNER, REPORTING: _REPORTS, ANALYSIS: _REPORTS},
    "OMDWDataMart": {REPORTING: _REPORTS, ANALYSIS: _REPORTS},
    "CMDWDataMart": {REPORTING: _REPORTS, ANALYSIS: _REPORTS},
}


def furnish_server(sql: SqlInstance) -> None:
    """Logins, users, roles and messages for the databases of the product that are on the instance."""
    for database in sql.databases.values():
        for account, roles in ROLES.get(database.name, {}).items():
            login = sql.logins.setdefault(account.lower(), Login(name=account))
            furnish(database.principals, login, roles)
        if database.name == "ServiceManager":
            database.management_servers = list(MANAGEMENT_SERVERS)
            database.workflow_server = MANAGEMENT_SERVERS[0]
    sql.messages = {(50001 + number, 1033) for number in range(MESSAGES)}
