"""What a person does about a check that failed: the cause goes away, nothing else."""

from collections.abc import Callable, Mapping

from engine.lab import machine_services as scm
from engine.lab.machine import Machine
from engine.lab.machine_sql_media import volume_of
from engine.lab.setup_checks import AGENT_KEY, DATABASE_BYTES, OLDEST_SQL, Finding

_ROOM = 20 * 1024**3


def remedy(finding: Finding) -> None:
    """Remedy one finding where a person can."""
    with finding.machine.lock:
        _REMEDIES.get(finding.kind, _nothing)(finding.machine)


def _bring_online(machine: Machine) -> None:
    service = machine.services.get(machine.sql.service) if machine.sql is not None else None
    if service is not None and machine.sql_at_work is None:
        scm.start(machine, service)
    for database in machine.sql.databases.values() if machine.sql is not None else ():
        if database.state == "OFFLINE":
            database.state = "ONLINE"


def forbid_updates(machine: Machine) -> None:
    """Switch the option allow updates off where there is a SQL Server."""
    with machine.lock:
        if machine.sql is not None:
            machine.sql.options["allow updates"] = 0


def patch(machine: Machine) -> None:
    """A service pack where the build is too old, and full-text search."""
    sql = machine.sql
    if sql is None:
        return
    sql.full_text = True
    if tuple(int(part) for part in sql.version.split(".")) < OLDEST_SQL:
        sql.version, sql.level = "10.50.4000.0", "SP2"


def remove_agent(machine: Machine) -> None:
    """Uninstall the agent of Operations Manager."""
    machine.registry.remove_key(AGENT_KEY)


def _extend_data(machine: Machine) -> None:
    for database in machine.sql.databases.values() if machine.sql is not None else ():
        for file in database.files:
            volume = volume_of(machine, file.path)
            if volume is not None and volume.free < DATABASE_BYTES:
                volume.size += _ROOM
                volume.free += _ROOM


def _free_system(machine: Machine) -> None:
    volume = machine.volumes.get("C:\\")
    if volume is not None:
        volume.free = max(volume.free, min(volume.size, _ROOM))


def _correct_password(machine: Machine) -> None:
    """The password of the account, unlocked, with the right to log on as a service."""
    for service in machine.services:
        account = machine.account(service.account)
        if account is not None and service.name in ("OMSDK", "OMCFG"):
            service.password, account.locked, account.may_log_on_as_service = account.password, False, True


def _nothing(machine: Machine) -> None:
    del machine


_REMEDIES: Mapping[str, Callable[[Machine], None]] = {
    "database": _bring_online,
    "sql-version": patch,
    "sql": patch,
    "agent": remove_agent,
    "database-space": _extend_data,
    "program-space": _free_system,
    "logon": _correct_password,
}
