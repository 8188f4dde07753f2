"""What lies on each machine of the lab's estate: registry, services, files, volumes, databases."""

from collections.abc import Sequence

from engine.lab.clock import iso
from engine.lab.estate_accounts import furnish_server
from engine.lab.machine import CONTROL_KEY, Machine, Volume
from engine.lab.machine_product import SERVICE_MANAGER_MODULE, WAREHOUSE_MODULE
from engine.lab.machine_services import Account, Service
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import usual_backups
from engine.lab.setup_product import SHIPPED_CONFIG

SOFTWARE = r"HKLM\SOFTWARE\Microsoft"
BRANCH = SOFTWARE + r"\System Center\2010"
PROGRAM_FOLDER = r"C:\Program Files\Microsoft System Center 2012\Service Manager"
UNINSTALL_KEY = SOFTWARE + r"\Windows\CurrentVersion\Uninstall\{0C7C5F55-2B8C-4A13-9E67-5C1E8F0F1A2D}"
DATABASES = ("ServiceManager",)
DW_DATABASES = ("DWStagingAndConfig", "DWRepository", "DWDataMart", "OMDWDataMart", "CMDWDataMart")
SDK_PORT = 5724
UNSEALED = {"Contoso.Incidents": "1.0.0.7"}
WAREHOUSES = {"Data Warehouse SDK Resource Store": "DW01.contoso.lab"}
SINCE_S = 200 * 86400.0
_GIB = 1024**3
_SQL_FOLDER = r"C:\Program Files\Microsoft SQL Server\MSSQL10_50.MSSQLSERVER\MSSQL\Binn"
PACKS = ("System.WorkItem.Library", "ServiceManager.Core.Library")


def _windows(machine: Machine) -> Machine:
    """What every server has."""
    now = machine.clock.now()
    machine.registry.set(CONTROL_KEY + r"\ComputerName\ComputerName", "ComputerName", machine.name)
    machine.registry.set(CONTROL_KEY, "WaitToKillServiceTimeout", "20000")
    machine.volumes["C:\\"] = Volume(name="C:\\", size=80 * _GIB, free=31 * _GIB, label="System")
    machine.services.add(
        Service(name="EventLog", display_name="Windows Event Log", path=r"C:\Windows\system32\svchost.exe -k Local"),
        Service(
            name="RpcSs", display_name="Remote Procedure Call (RPC)", path=r"C:\Windows\system32\svchost.exe -k rpcss"
        ),
        Service(
            name="WinRM",
            display_name="Windows Remote Management (WS-Management)",
            path=r"C:\Windows\system32\svchost.exe -k NetworkService",
            needs=("RpcSs",),
            listens=(5985,),
        ),
    )
    for log in ("System", "Application", "Security"):
        machine.events.make(log)
    machine.files.write(r"C:\Windows\win.ini", b"; for 16-bit app support\r\n", modified=now)
    for name in ("System", "smss.exe", "csrss.exe", "services.exe", "lsass.exe", "svchost.exe", "wsmprovhost.exe"):
        machine.add_process(name)
    return machine


def _product(machine: Machine, build: str, service_type: int, account: Account) -> Machine:
    """A Service Manager server: keys, folder, the three services."""
    _windows(machine)
    setup_key = BRANCH + r"\Service Manager\Setup"
    machine.registry.set(setup_key, "InstallDirectory", PROGRAM_FOLDER + "\\")
    machine.registry.set(BRANCH + r"\Common\Setup", "InstallDirectory", PROGRAM_FOLDER + "\\")
    machine.registry.set(BRANCH + r"\Common\SDK Service", "SDK Service Type", service_type)
    machine.registry.make_key(SOFTWARE + r"\Microsoft Operations Manager\3.0\Server Management Groups\SMGROUP")
    machine.registry.set(UNINSTALL_KEY, "DisplayName", "Microsoft System Center 2012 - Service Manager")
    machine.registry.set(UNINSTALL_KEY, "DisplayVersion", build)
    machine.registry.set(UNINSTALL_KEY, "Publisher", "Microsoft Corporation")
    machine.registry.set(UNINSTALL_KEY, "InstallDate", iso(machine.clock.now() - SINCE_S)[:10].replace("-", ""))
    machine.events.make("Operations Manager")
    _program_files(machine, build)
    machine.services.add(*_services(account))
    return machine


def _program_files(machine: Machine, build: str) -> None:
    now = machine.clock.now()
    for name in ("Microsoft.Mom.ConfigServiceHost.exe", "Microsoft.Mom.Sdk.ServiceHost.exe", "HealthService.exe"):
        machine.files.write(f"{PROGRAM_FOLDER}\\{name}", b"MZ" + name.encode(), modified=now, version=build)
    machine.files.write(f"{PROGRAM_FOLDER}\\Microsoft.Mom.ConfigServiceHost.exe.config", SHIPPED_CONFIG, modified=now)
    machine.files.write(f"{PROGRAM_FOLDER}\\{SERVICE_MANAGER_MODULE}", b"@{ }\r\n", modified=now)
    machine.files.write(f"{PROGRAM_FOLDER}\\Health Service State\\HealthServiceStore.edb", b"EDB", modified=now)
    machine.files.make_folder(r"C:\Users\scsmsetup\AppData\Local\Temp")


def _services(account: Account) -> tuple[Service, ...]:
    def one(name: str, display: str, program: str, start_s: float, **more: object) -> Service:
        path = f"{PROGRAM_FOLDER}\\{program}"
        return Service(name=name, display_name=display, path=f'"{path}"', program=path, start_s=start_s, **more)  # type: ignore[arg-type] # the names are Service's own

    shared = {"account": account.name, "password": account.password}
    config = f"{PROGRAM_FOLDER}\\Microsoft.Mom.ConfigServiceHost.exe.config"
    return (
        one(
            "OMSDK",
            "System Center Data Access Service",
            "Microsoft.Mom.Sdk.ServiceHost.exe",
            8.0,
            listens=(SDK_PORT,),
            **shared,
        ),
        one(
            "OMCFG",
            "System Center Management Configuration",
            "Microsoft.Mom.ConfigServiceHost.exe",
            6.0,
            config_file=config,
            **shared,
        ),
        one("HealthService", "System Center Management", "HealthService.exe", 4.0),
    )


def management_server(machine: Machine, build: str, account: Account) -> Machine:
    """A Service Manager management server whose database is on SQL01."""
    _product(machine, build, 1, account)
    machine.registry.set(BRANCH + r"\Common\Database", "DatabaseServerName", "SQL01")
    machine.registry.set(BRANCH + r"\Common\Database", "DatabaseName", "ServiceManager")
    return machine


def data_warehouse_server(machine: Machine, build: str, account: Account) -> Machine:
    """The data warehouse management server whose databases are on SQL02."""
    _product(machine, build, 2, account)
    module = f"{PROGRAM_FOLDER}\\{WAREHOUSE_MODULE}"
    machine.files.write(module, b"@{ }\r\n", modified=machine.clock.now())
    machine.registry.set(BRANCH + r"\Common\Reporting", "Server", "SQL02")
    machine.registry.set(BRANCH + r"\Common\Reporting", "ServerInstance", "MSSQLSERVER")
    machine.registry.set(BRANCH + r"\Common\Reporting", "WebServiceURL", "http://SQL02:80/ReportServer")
    names = ("Staging", "Repository", "DataMart", "OMDataMart", "CMDataMart")
    for name, database in zip(names, DW_DATABASES, strict=True):
        machine.registry.set(BRANCH + r"\Common\Database", f"{name}SQLInstance", "SQL02")
        machine.registry.set(BRANCH + r"\Common\Database", f"{name}DatabaseName", database)
    return machine


def sql_server(machine: Machine, databases: Sequence[str], build: str) -> Machine:
    """A SQL Server with databases of the product."""
    _windows(machine)
    machine.registry.set(
        SOFTWARE + r"\Microsoft SQL Server\Instance Names\SQL", "MSSQLSERVER", "MSSQL10_50.MSSQLSERVER"
    )
    machine.volumes["D:\\"] = Volume(name="D:\\", size=400 * _GIB, free=180 * _GIB, label="Data")
    machine.volumes["L:\\"] = Volume(name="L:\\", size=100 * _GIB, free=64 * _GIB, label="Logs")
    machine.services.add(
        Service(
            name="MSSQLSERVER",
            display_name="SQL Server (MSSQLSERVER)",
            path=f'"{_SQL_FOLDER}\\sqlservr.exe" -sMSSQLSERVER',
            start_s=10.0,
            listens=(1433,),
        ),
    )
    machine.sql = SqlInstance(computer=machine.name)
    for name in ("master", "msdb", "tempdb"):
        machine.sql.add(Database(name=name, recovery_model="SIMPLE"))
    for name in databases:
        broker = name in ("ServiceManager", "DWStagingAndConfig")
        packs = dict.fromkeys(PACKS, build) if broker else {}
        packs |= UNSEALED if name == "ServiceManager" else {}
        machine.sql.add(
            Database(
                name=name,
                product_version=build,
                broker_enabled=broker,
                management_packs=packs,
                warehouses=dict(WAREHOUSES) if name == "ServiceManager" else {},
            )
        )
    furnish_server(machine.sql)
    usual_backups(machine, databases)
    return machine
