"""What ``service_manager_installation.observe.ps1`` reads from a machine's registry."""

from engine.lab.machine import Machine
from engine.model.data import JsonMap, JsonValue

_SOFTWARE = r"HKLM\SOFTWARE\Microsoft"
_DATABASES = (
    ("management", "DatabaseServerName", "DatabaseName"),
    ("staging", "StagingSQLInstance", "StagingDatabaseName"),
    ("repository", "RepositorySQLInstance", "RepositoryDatabaseName"),
    ("data-mart", "DataMartSQLInstance", "DataMartDatabaseName"),
    ("om-data-mart", "OMDataMartSQLInstance", "OMDataMartDatabaseName"),
    ("cm-data-mart", "CMDataMartSQLInstance", "CMDataMartDatabaseName"),
)


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Branch, folder, role markers, databases, instances and programs."""
    del arguments
    found = machine.registry.children(rf"{_SOFTWARE}\System Center")
    branches = ["2010", *(name for name in found if name != "2010")]
    setup = rf"{_SOFTWARE}\System Center\{{}}\Service Manager\Setup"
    branch = next((one for one in branches if machine.registry.key(setup.format(one))), None)
    answer: dict[str, JsonValue] = {
        "branch": branch,
        "install_directory": None,
        "sdk_service_type": None,
        "portal": False,
        "databases": [],
        "management_group": _key(machine, r"Microsoft Operations Manager\3.0\Server Management Groups"),
        "agent": _key(machine, r"Microsoft Operations Manager\3.0\Agent Management Groups"),
        "sql_instances": _instances(machine),
        "programs": _programs(machine),
    }
    if branch is None:
        return answer
    common = rf"{_SOFTWARE}\System Center\{branch}\Common"
    folder = _value(machine, setup.format(branch), "InstallDirectory")
    if folder is None:
        folder = _value(machine, rf"{common}\Setup", "InstallDirectory")
    rows = [(role, _value(machine, rf"{common}\Database", server), _value(machine, rf"{common}\Database", name))
            for role, server, name in _DATABASES]  # fmt: skip
    return {
        **answer,
        "install_directory": folder,
        "sdk_service_type": _value(machine, rf"{common}\SDK Service", "SDK Service Type"),
        "portal": _value(machine, setup.format(branch), "PortalVirtualDirectory") is not None,
        "databases": [{"role": role, "server": server, "name": name} for role, server, name in rows if server or name],
    }


def _key(machine: Machine, path: str) -> bool:
    return machine.registry.key(rf"{_SOFTWARE}\{path}") is not None


def _value(machine: Machine, path: str, name: str) -> JsonValue:
    data = machine.registry.data(path, name)
    return data if isinstance(data, (str, int)) else None


def _instances(machine: Machine) -> list[JsonValue]:
    key = machine.registry.key(rf"{_SOFTWARE}\Microsoft SQL Server\Instance Names\SQL")
    return [key.values[name].name for name in sorted(key.values)] if key else []


def _programs(machine: Machine) -> list[JsonValue]:
    top = rf"{_SOFTWARE}\Windows\CurrentVersion\Uninstall"
    rows = [(_value(machine, rf"{top}\{child}", "DisplayName"), child) for child in machine.registry.children(top)]
    return [
        {"name": name, "version": _value(machine, rf"{top}\{child}", "DisplayVersion")}
        for name, child in rows
        if isinstance(name, str) and "service manager" in name.lower()
    ]
