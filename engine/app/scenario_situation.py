"""Puts a machine of the lab into the state that a scenario describes: what was so before the run, what a person did."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.lab import machine_services as scm
from engine.lab.estate import Estate
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import copy_aside
from engine.lab.machine_sql_media import change_contents, spoil_header, spoil_pages
from engine.lab.machine_sql_restore import Request, begin
from engine.lab.setup_product import remove
from engine.model.errors import UsageMistake

_INSTANCES = r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\Instance Names\SQL"


def arrange(estate: Estate, states: Mapping[str, Mapping[str, Any]], place: str) -> None:
    """Each host as it is described; a host that the estate has not is a mistake of the scenario at ``place``."""
    for host, state in states.items():
        if host not in estate.machines:
            raise UsageMistake(
                f"{place}: the lab has no host {host}", remedy=f"one of: {', '.join(sorted(estate.machines))}"
            )
        machine = estate.machines[host]
        with machine.lock:
            machine.settle()
            if state.get("role") == "removed":
                if host not in estate.products:
                    raise UsageMistake(f"{place}: {host} has no role of the product")
                remove(estate.products[host])
            for what, value in state.items():
                if what in _PARTS:
                    _PARTS[what](machine, value, f"{place}: {host}")


def _processes(machine: Machine, names: list[str], place: str) -> None:
    del place
    for name in names:
        machine.add_process(name)


def _files(machine: Machine, texts: Mapping[str, str | None], place: str) -> None:
    del place
    for path, text in texts.items():
        if text is None:
            machine.files.delete(path)
        else:
            machine.files.write(path, text.encode("utf-8"), modified=machine.clock.now())


def _registry(machine: Machine, values: Mapping[str, Any], place: str) -> None:
    del place
    for path, value in values.items():
        key, _, name = path.rpartition("\\")
        if value is None:
            machine.registry.remove(key, name)
        else:
            machine.registry.set(key, name, value)


def _services(machine: Machine, states: Mapping[str, str], place: str) -> None:
    for name, state in states.items():
        service = machine.services.get(name)
        if service is None:
            raise UsageMistake(f"{place} has no service {name}")
        (scm.stop if state == "stopped" else scm.start)(machine, service)
        service.stuck = state == "stuck"


def _free(machine: Machine, volumes: Mapping[str, int], place: str) -> None:
    for name, free in volumes.items():
        if name not in machine.volumes:
            raise UsageMistake(f"{place} has no volume {name}", remedy=f"one of: {', '.join(machine.volumes)}")
        machine.volumes[name].free = free


def _sql(machine: Machine, wanted: Mapping[str, Any], place: str) -> None:
    sql = _instance(machine, place)
    if "instance" in wanted:
        service = machine.services.entries.pop(sql.service.lower(), None)
        sql.name = wanted["instance"]
        if service is not None:
            machine.services.add(replace(service, name=sql.service, display_name=f"SQL Server ({sql.name})"))
        machine.registry.remove(_INSTANCES, "MSSQLSERVER")
        machine.registry.set(_INSTANCES, sql.name, f"MSSQL10_50.{sql.name}")
    sql.version = wanted.get("version", sql.version)
    sql.level = wanted.get("level", sql.level)
    sql.full_text = wanted.get("full_text", sql.full_text)
    sql.options.update(wanted.get("options", {}))
    sql.dying_job = wanted.get("dying_job", sql.dying_job)


def _databases(machine: Machine, wanted: Mapping[str, Mapping[str, Any]], place: str) -> None:
    sql = _instance(machine, place)
    for name, state in wanted.items():
        if state.get("new"):
            sql.add(Database(name=name))
        if name not in sql.databases:
            raise UsageMistake(f"{place} has no database {name}", remedy=f"one of: {', '.join(sql.databases)}")
        database = sql.databases[name]
        if "copied" in state:
            copy_aside(machine, name, state["copied"])
        _bring_back(machine, name, state.get("restored", ()), place)
        database.state = state.get("state", database.state)
        database.product_version = state.get("version", database.product_version)
        database.broker_enabled = state.get("broker", database.broker_enabled)
        database.workflow_server = state.get("workflows", database.workflow_server)
        if state.get("registered") is False:
            database.warehouses.clear()


def _bring_back(machine: Machine, name: str, paths: Sequence[str], place: str) -> None:
    """As a recovery does it: a full backup, and each log after it. Whoever uses the database is stopped before."""
    for number, path in enumerate(paths, 1):
        last = number == len(paths)
        wanted = Request(database=name, paths=[path], log=number > 1, recovery=last, replace=True)
        try:
            begin(machine, wanted).finish()
        except PayloadError as error:
            raise UsageMistake(f"{place}: {name} cannot be brought back from {path}: {error}") from error


def _events(machine: Machine, wanted: list[Mapping[str, Any]], place: str) -> None:
    del place
    at = machine.clock.now()
    for one in wanted:
        level = str(one.get("level", "error")).capitalize()
        machine.events.add(one["log"], one["source"], one["id"], level, one.get("text", ""), (), at=at)


def _jobs(machine: Machine, wanted: Mapping[str, Mapping[str, Any]], place: str) -> None:
    known = {} if machine.product is None else machine.product.jobs
    for name, state in wanted.items():
        if name not in known:
            raise UsageMistake(f"{place} has no warehouse job {name}", remedy=f"one of: {', '.join(known)}")
        known[name].scheduled = state.get("enabled", known[name].scheduled)
        known[name].until = machine.clock.now() + state["busy_s"] if "busy_s" in state else known[name].until


def _backups(machine: Machine, wanted: Mapping[str, Mapping[str, str]], place: str) -> None:
    for path, state in wanted.items():
        if machine.files.get(path) is None:
            raise UsageMistake(f"{place} has no file {path}")
        if "version" in state:
            change_contents(machine, path, product_version=state["version"])
        match state.get("damage"):
            case "inside":
                change_contents(machine, path, damaged_pages=1)
            case "pages":
                spoil_pages(machine, path)
            case "header":
                spoil_header(machine, path)


def _instance(machine: Machine, place: str) -> SqlInstance:
    if machine.sql is None:
        raise UsageMistake(f"{place} is no SQL Server")
    return machine.sql


_PARTS: Mapping[str, Callable[[Machine, Any, str], None]] = {
    "processes": _processes,
    "files": _files,
    "registry": _registry,
    "services": _services,
    "free": _free,
    "sql": _sql,
    "databases": _databases,
    "backups": _backups,
    "events": _events,
    "jobs": _jobs,
}
