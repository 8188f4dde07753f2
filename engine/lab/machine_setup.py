"""The setup wizard of an upgrade as a cause: it checks, copies, starts OMCFG, and completes, rolls back or breaks.

Nothing here is scripted: whether a check, the start or a change works is decided by the machines, and the log says what
happened. Until the binaries are replaced setup rolls back and offers Retry; after that it can only be closed.
"""

from dataclasses import dataclass, field

from engine.lab import machine_services as scm
from engine.lab.machine import Machine
from engine.lab.setup_checks import Finding, predicted, prerequisites
from engine.lab.setup_databases import change_databases
from engine.lab.setup_log import SetupLog
from engine.lab.setup_product import SHIPPED_CONFIG, Product, replace_bundle, set_build

SUCCEEDED, TIMED_OUT, FAILED, NOTHING = "succeeded", "timed_out", "failed", "nothing"
PREREQUISITES_FAILED, CHECK_FAILED, RETRY_OFFERED = "failures", "check_failed", "retry_offered"
CLOSED, PREREQUISITES, READY, RETRY, CLOSE, FINISHED = "closed", "prerequisites", "ready", "retry", "close", "finished"
PROCESSES = ("Setup.exe", "SetupWizard.exe", "msiexec.exe")
CONFIGURATION_SERVICE = "OMCFG"
_HRESULT_WIN32 = 0x80070000
_BEFORE = (
    "An error occurred while executing a custom action: _ExecuteSqlScripts. This upgrade attempt has failed before "
    "permanent modifications were made. Upgrade has successfully rolled back to the original state of the system. Once "
    "the corrections are made, you can retry upgrade for this role."
)


@dataclass(slots=True, kw_only=True)
class SetupWizard:
    """The wizard on one machine. ``databases_first`` changes the databases before the services, as a product that
    fails after permanent changes does; ``replaces_config`` puts the shipped configuration file over the edited one.
    ``page`` is what a person sees, ``findings`` what the last checks found.
    """

    product: Product
    target_build: str
    log_path: str
    user: str
    copy_s: float = 60.0
    databases_first: bool = False
    replaces_config: bool = False
    runs: int = 0
    page: str = CLOSED
    checked: bool = False
    findings: tuple[Finding, ...] = field(default=())

    @property
    def machine(self) -> Machine:
        """Where it runs."""
        return self.product.machine

    def run(self) -> str:
        """One attempt: how it ended; ``nothing`` if the upgrade is complete."""
        machine = self.machine
        with machine.lock:
            machine.settle()
            if self.page == FINISHED:
                return NOTHING
            refused = self._refusal()
            if refused:
                self._log(f"Setup ended with error {refused}.")
                return FAILED
            self.runs += 1
            ended = self.check() or self._attempt()
            machine.processes = [one for one in machine.processes if one.name not in PROCESSES]
        return ended

    def _refusal(self) -> int:
        """Setup of the new version upgrades an older one: 265 where it finds its own, 218 where it finds none."""
        if not self.product.installed:
            return 218
        return 265 if self.product.build == self.target_build else 0

    def close(self) -> None:
        """Press Close or Cancel: what was checked is checked again next time."""
        self.page, self.checked, self.findings = CLOSED, False, ()

    def check(self) -> str:
        """Look at what setup looks at before it changes anything; empty if it goes on."""
        if self.checked:
            return ""
        self.findings = tuple(prerequisites(self.product))
        if self.findings:
            self.page = PREREQUISITES
            return self._found("Prerequisite check failed", PREREQUISITES_FAILED)
        self.page, self.findings = READY, tuple(predicted(self.product))
        if self.findings:
            self.page = RETRY
            return self._found("Setup check failed", CHECK_FAILED)
        self.checked = True
        return ""

    def _found(self, what: str, ended: str) -> str:
        for one in self.findings:
            self._log(one.text if one.text.startswith("An error") else f"{what} for {one.machine.name}: {one.text}")
        return ended

    def _attempt(self) -> str:
        self._begin()
        if self._updates_allowed():
            self._log(_BEFORE)
            return self._roll_back("Setup ended with error -1.", RETRY_OFFERED)
        if self.databases_first and not self._change_databases():
            touched = any(one.product_version == self.target_build for one in self.product.databases)
            return self._break() if touched else self._roll_back("Setup ended with error -1.", RETRY_OFFERED)
        code = self._start_configuration_service()
        if code:
            ended = TIMED_OUT if code == scm.TIMED_OUT else FAILED
            return self._roll_back(f"Setup ended with error {code}.", ended)
        return self._change_for_good()

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

    def _updates_allowed(self) -> bool:
        """The option of SQL Server that lets setup's first script fail."""
        sql = self.product.sql.sql
        return sql is not None and bool(sql.options.get("allow updates"))

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

    def _roll_back(self, last_line: str, ended: str) -> str:
        """Files and services as before. What a database took over stays."""
        self._log("Action ended: InstallExecute. Return value 3.")
        replace_bundle(self.product, self.product.build)
        self._log("Rollback: Files of the earlier version are back in place.")
        self._start_stopped("OMSDK", "HealthService", *((CONFIGURATION_SERVICE,) if ended == RETRY_OFFERED else ()))
        self._fail(last_line)
        self.page = RETRY
        return ended

    def _change_for_good(self) -> str:
        """From here on nothing is taken back."""
        set_build(self.product, self.target_build)
        self._log(f"InstallFiles: The binaries are those of {self.target_build}.")
        done = self.databases_first or self._change_databases()
        if not done:
            return self._break()
        self._start_stopped("OMSDK", "HealthService", CONFIGURATION_SERVICE)
        self._log.event(f"Configuration completed. Version {self.target_build}.")
        self._log(f"Setup completed. Version {self.target_build}.")
        self.page = FINISHED
        return SUCCEEDED

    def _break(self) -> str:
        """What was changed stays; there is nothing left but Close."""
        self._log("Action ended: InstallExecute. Return value 3.")
        self._stop_configuration_service()
        self._fail("Setup ended with error -1.")
        self.page, self.checked = CLOSE, False
        return FAILED

    def _change_databases(self) -> bool:
        replace_bundle(self.product, self.target_build)
        return change_databases(self.product, self.target_build, self._log)

    def _fail(self, last_line: str) -> None:
        self._log.event("Configuration failed. Installation success or error status: 1603.")
        self._log(last_line)

    def _stop_configuration_service(self) -> None:
        service = self.machine.services.get(CONFIGURATION_SERVICE)
        if service is not None:
            scm.stop(self.machine, service)

    def _start_stopped(self, *names: str) -> None:
        for name in names:
            service = self.machine.services.get(name)
            if service is not None and service.state == scm.STOPPED:
                scm.start(self.machine, service)

    @property
    def _log(self) -> SetupLog:
        return SetupLog(self.machine, self.log_path)
