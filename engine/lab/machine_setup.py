"""The setup wizard of an upgrade as a cause: it stops, copies, starts OMCFG, and completes or rolls back.

Nothing here is scripted: whether the start works is decided by the machine, and the log says what happened.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.lab import machine_events as events
from engine.lab import machine_services as scm
from engine.lab.machine import Machine
from engine.lab.machine_sql import Database

SUCCEEDED, TIMED_OUT, FAILED, NOTHING = "succeeded", "timed_out", "failed", "nothing"
PROCESSES = ("Setup.exe", "SetupWizard.exe", "msiexec.exe")
CONFIGURATION_SERVICE = "OMCFG"
PRODUCT = "Microsoft System Center 2012 - Service Manager"
_HRESULT_WIN32 = 0x80070000


@dataclass(slots=True, kw_only=True)
class Product:
    """What is installed: where, which build, and what setup replaces."""

    folder: str
    uninstall_key: str
    build: str
    binaries: tuple[str, ...]
    databases: list[Database] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SetupWizard:
    """The wizard on one machine. ``databases_first`` changes the databases before the services, as a product that
    fails after permanent changes does; ``replaces_config`` puts the shipped configuration file over the edited one.
    """

    machine: Machine
    product: Product
    target_build: str
    log_path: str
    user: str
    copy_s: float = 60.0
    databases_first: bool = False
    replaces_config: bool = False
    runs: int = 0

    def run(self) -> str:
        """One attempt: ``succeeded``, ``timed_out`` or ``failed``; ``nothing`` if the target build is installed."""
        machine = self.machine
        with machine.lock:
            machine.settle()
            if self.product.build == self.target_build:
                return NOTHING
            self.runs += 1
            self._begin()
            code = self._upgrade()
            machine.processes = [one for one in machine.processes if one.name not in PROCESSES]
        return SUCCEEDED if code == 0 else TIMED_OUT if code == scm.TIMED_OUT else FAILED

    def _begin(self) -> None:
        for name in PROCESSES:
            self.machine.add_process(name)
        self._log(f"Setup started by {self.user}. Upgrade from {self.product.build} to {self.target_build}.")
        for name in ("HealthService", CONFIGURATION_SERVICE, "OMSDK"):
            service = self.machine.services.get(name)
            if service is not None and service.state == scm.RUNNING:
                scm.stop(self.machine, service)
                self._log(f"CAStopServices: Service stopped. {name}")
        self.machine.wait(self.copy_s)
        self._log("CopyFiles: Files of the new version are in place.")
        if self.replaces_config:
            self._ship_config()

    def _ship_config(self) -> None:
        service = self.machine.services.get(CONFIGURATION_SERVICE)
        if service is not None and service.config_file:
            self.machine.files.write(service.config_file, SHIPPED_CONFIG, modified=self.machine.clock.now())

    def _upgrade(self) -> int:
        if self.databases_first:
            self._upgrade_databases()
        code = self._start_configuration_service()
        if code:
            self._fail(code)
            return code
        if not self.databases_first:
            self._upgrade_databases()
        self._complete()
        return 0

    def _start_configuration_service(self) -> int:
        service = self.machine.services.get(CONFIGURATION_SERVICE)
        if service is None:
            return 1060
        self._log(f"CAStartServices: Attempting to start service. {service.name}")
        code = scm.start(self.machine, service)
        if code == 0:
            self._log(f"CAStartServices: Service started. {service.name}")
            return 0
        hresult = f"0x{_HRESULT_WIN32 + code:08X}"
        self._log(f"CAStartServices: StartService failed. Error Code: {hresult}.")
        self._log(f"ConfigureSDKConfigService: CAStartServices failed. Error Code: {hresult}. {service.name}")
        return code

    def _upgrade_databases(self) -> None:
        for database in self.product.databases:
            database.product_version = self.target_build
            database.management_packs = dict.fromkeys(database.management_packs, self.target_build)
            self._log(f"ImportBundle: Management packs of {database.name} are at {self.target_build}.")

    def _fail(self, code: int) -> None:
        """Roll back: files and services as before. What a database took over stays."""
        self._log("Action ended: InstallExecute. Return value 3.")
        self._log("Rollback: Files of the earlier version are back in place.")
        self._start_others()
        status = "Installation success or error status: 1603."
        self._application_event(f"{PRODUCT} -- Configuration failed. {status}")
        self._log(f"Setup ended with error {code}.")

    def _complete(self) -> None:
        machine, product = self.machine, self.product
        product.build = self.target_build
        machine.registry.set(product.uninstall_key, "DisplayVersion", self.target_build)
        for name in product.binaries:
            path = f"{product.folder}\\{name}"
            file = machine.files.get(path)
            content = file.content if file else b"MZ"
            machine.files.write(path, content, modified=machine.clock.now(), version=self.target_build)
        self._start_others()
        self._application_event(f"{PRODUCT} -- Configuration completed. Version {self.target_build}.")
        self._log(f"Setup completed. Version {self.target_build}.")

    def _start_others(self) -> None:
        for name in ("OMSDK", "HealthService"):
            service = self.machine.services.get(name)
            if service is not None and service.state == scm.STOPPED:
                scm.start(self.machine, service)

    def _application_event(self, text: str) -> None:
        machine = self.machine
        machine.events.add("Application", "MsiInstaller", 1033, events.INFORMATION, text, (), at=machine.clock.now())

    def _log(self, line: str) -> None:
        """Append to the install log: UTF-16LE with its mark, as the Windows Installer writes."""
        now = self.machine.clock.now()
        stamp = datetime.fromtimestamp(now, tz=UTC).strftime("%H:%M:%S")
        old = self.machine.files.get(self.log_path)
        content = old.content if old else b"\xff\xfe"
        text = line if line.startswith(("CAStart", "Configure")) else f"[{stamp}] {line}"
        self.machine.files.write(self.log_path, content + f"{text}\r\n".encode("utf-16-le"), modified=now)


SHIPPED_CONFIG = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n'
    b"<configuration>\r\n"
    b"  <runtime>\r\n"
    b'    <gcServer enabled="true"/>\r\n'
    b"  </runtime>\r\n"
    b"</configuration>\r\n"
)
