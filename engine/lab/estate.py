"""The lab's estate: five machines, one clock, and an upgrade that failed because it was really tried.

The operator of the lab is part of it: asked how the retried upgrade ended, it runs setup and says what setup said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.lab import machine_setup as setup
from engine.lab.behaviours import BEHAVIOURS
from engine.lab.clock import LabClock, iso
from engine.lab.estate_causes import NONE, SERVICE, plant
from engine.lab.estate_hosts import DATABASES, DW_DATABASES, data_warehouse_server, management_server, sql_server
from engine.lab.estate_products import WAREHOUSE_GROUPS, prepare_recovery, products_of
from engine.lab.estate_sessions import connect_services
from engine.lab.machine import Machine, RunScript
from engine.lab.machine_product import usual_jobs
from engine.lab.machine_services import Account
from engine.lab.machine_setup import SetupWizard
from engine.lab.setup_operator import LabPerson
from engine.lab.setup_product import SHIPPED_CONFIG, Product
from engine.model.data import JsonMap

RTM, SP1 = "7.5.1561.0", "7.5.2905.0"
SERVICE_ACCOUNT, SETUP_USER, OPERATOR = "CONTOSO\\svc-scsm", "CONTOSO\\scsmsetup", "CONTOSO\\recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateSpec:
    """What is special about an estate. Times are lab seconds; ``start_unverified_s`` is OMCFG's start with publisher
    evidence off: below 30 the configuration file is cure enough, above it only the time-out helps. ``fails_at`` names
    the phase that the upgrade of ``server`` does not get through, by a cause of ``estate_causes``. Without
    ``key_password_kept`` nobody has the password of the encryption keys' backups.
    """

    start_s: float = 45.0
    start_unverified_s: float = 12.0
    boot_s: float = 90.0
    password: str = "Lab-Passw0rd"  # noqa: S105 - the lab's own, on loopback only
    wrong_service_password: bool = False
    malformed_config: bool = False
    databases_first: bool = False
    replaces_config: bool = False
    upgrade: bool = True
    fails_at: str = SERVICE
    server: str = "SM01"
    key_password_kept: bool = True


VARIANTS: Mapping[str, EstateSpec] = {
    # the configuration service does not start in time, or not at all
    "upgrade-failed": EstateSpec(),
    "slow": EstateSpec(start_s=60.0, start_unverified_s=45.0),
    "config-replaced": EstateSpec(replaces_config=True),
    "very-slow": EstateSpec(start_s=240.0, start_unverified_s=230.0),
    "service-logon": EstateSpec(wrong_service_password=True),
    "malformed-config": EstateSpec(malformed_config=True),
    "database-changed": EstateSpec(databases_first=True),
    # before anything is changed: an agent in the way, a full volume, the option allow updates
    "prerequisite-failed": EstateSpec(fails_at="prerequisites"),
    "check-failed": EstateSpec(fails_at="predicted"),
    "scripts-failed": EstateSpec(fails_at="before-permanent"),
    # after the server alone was changed, and after the first of its databases was
    "server-changed": EstateSpec(fails_at="after-server"),
    "schema-changed": EstateSpec(fails_at="after-database"),
    "warehouse-server-changed": EstateSpec(fails_at="after-server", server="DW01"),
    "warehouse-changed": EstateSpec(fails_at="after-database", server="DW01"),
    "upgraded": EstateSpec(fails_at=NONE),
    "healthy": EstateSpec(upgrade=False),
}


@dataclass(slots=True, kw_only=True)
class Estate:
    """Machines by name, their clock, the roles of the product's servers, and the setup wizard of the server whose
    upgrade is at stake.
    """

    spec: EstateSpec
    clock: LabClock
    machines: Mapping[str, Machine]
    products: Mapping[str, Product]
    wizard: SetupWizard
    upgrade_started_at: float | None
    baseline: JsonMap
    answers: list[tuple[str, str]] = field(default_factory=list)

    def baseline_document(self) -> JsonMap:
        """The versions as they were before the upgrade."""
        return self.baseline

    def run_setup(self, host: str = "") -> str:
        """Press Retry: ``succeeded``, ``timed_out`` or ``failed``."""
        if host and host.upper() != self.wizard.machine.name:
            raise ValueError(f"no upgrade is under way on {host}")
        ended = self.wizard.run()
        return setup.SUCCEEDED if ended == setup.NOTHING else ended

    def operator_answer(self, show: str, answers: Mapping[str, str]) -> str | None:
        """What the lab's operator answers after doing what the text says; None if this operator cannot know."""
        person = LabPerson(
            machines=self.machines,
            products=self.products,
            wizard=self.wizard,
            holds_password=self.spec.key_password_kept,
        )
        answer = person.answer(show, answers)
        if answer is not None:
            self.answers.append((show, answer))
        return answer

    def upgrade(self) -> JsonMap:
        """The upgrade block of an evidence folder."""
        started = {} if self.upgrade_started_at is None else {"started_at": iso(self.upgrade_started_at)}
        return {"from": RTM, "to": SP1, **started}


def build_estate(
    what: str | EstateSpec = "upgrade-failed",
    *,
    clock: LabClock | None = None,
    run_script: RunScript | None = None,
) -> Estate:
    """An estate, with the failed upgrade already behind it (it costs no real time)."""
    spec = VARIANTS[what] if isinstance(what, str) else what
    real = clock or LabClock(speed=None)
    past = LabClock(real.now() - 7200.0, speed=None)
    machines = _machines(spec, past, run_script)
    baseline = _baseline(machines, past.now())
    estate = _with_wizard(spec, past, machines, baseline)
    past.advance(1800.0)
    prepare_recovery(machines, RTM, SP1)
    past.advance(1800.0)
    if spec.upgrade:
        _break(estate)
    past.advance(max(0.0, real.now() - past.now()))
    for machine in machines.values():
        machine.settle()
        machine.clock = real
    estate.clock = real
    connect_services(machines.values())
    return estate


def _machines(spec: EstateSpec, clock: LabClock, run_script: RunScript | None) -> dict[str, Machine]:
    accounts = {name: Account(name=name, password=spec.password) for name in (SERVICE_ACCOUNT, SETUP_USER, OPERATOR)}

    def new(name: str) -> Machine:
        machine = Machine(name, clock, behaviours=BEHAVIOURS, run_script=run_script, accounts=accounts)
        machine.boot_s = spec.boot_s
        return machine

    account = accounts[SERVICE_ACCOUNT]
    machines = {
        "SM01": management_server(new("SM01"), RTM, account),
        "SM02": management_server(new("SM02"), RTM, account),
        "DW01": data_warehouse_server(new("DW01"), RTM, account),
        "SQL01": sql_server(new("SQL01"), DATABASES, RTM),
        "SQL02": sql_server(new("SQL02"), DW_DATABASES, RTM),
    }
    for machine in machines.values():
        machine.network = machines
        machine.boot(clock.now() - 40 * 86400.0)
        machine.settle()
    return machines


def _with_wizard(spec: EstateSpec, clock: LabClock, machines: Mapping[str, Machine], baseline: JsonMap) -> Estate:
    products = products_of(machines, RTM)
    if spec.server not in products:
        raise TypeError(f"server is {spec.server!r}, and not one of {', '.join(products)}")
    wizard = SetupWizard(
        product=products[spec.server],
        target_build=SP1,
        log_path=r"C:\Users\scsmsetup\AppData\Local\Temp\SCSMInstall.log",
        user=SETUP_USER,
        databases_first=spec.databases_first,
        replaces_config=spec.replaces_config,
    )
    return Estate(
        spec=spec,
        clock=clock,
        machines=machines,
        products=products,
        wizard=wizard,
        upgrade_started_at=None,
        baseline=baseline,
    )


def _break(estate: Estate) -> None:
    """Give the servers their cause of failure, then let setup find it."""
    plant(estate.wizard, estate.spec.fails_at)
    if estate.spec.fails_at == SERVICE:
        _slow_down(estate.spec, estate.wizard.machine)
    estate.upgrade_started_at = estate.clock.now()
    estate.wizard.run()
    estate.wizard.copy_s = 60.0


def _slow_down(spec: EstateSpec, server: Machine) -> None:
    """What keeps the configuration service from starting in time, or at all."""
    service = server.services.get(setup.CONFIGURATION_SERVICE)
    assert service is not None
    assert service.config_file is not None
    service.start_s, service.start_s_unverified = spec.start_s, spec.start_unverified_s
    if spec.wrong_service_password:
        service.password += "-old"
    if spec.malformed_config:
        broken = SHIPPED_CONFIG.replace(b"<gcServer", b'<generatePublisherEvidence enabled="false">\r\n    <gcServer')
        server.files.write(service.config_file, broken, modified=server.clock.now())


def _baseline(machines: Mapping[str, Machine], at: float) -> JsonMap:
    hosts: dict[str, JsonMap] = {}
    for name, machine in machines.items():
        if machine.sql is not None:
            versions = {one.name: one.product_version for one in machine.sql.databases.values() if one.product_version}
            hosts[name] = {"role": "sql-server", "versions": {"management_packs": RTM, "databases": versions}}
        else:
            role = "data-warehouse-server" if name.startswith("DW") else "management-server"
            hosts[name] = {
                "role": role,
                "computer_name": machine.name,
                "domain": machine.domain,
                "versions": {"binaries": RTM},
            }
            if role == "data-warehouse-server":
                hosts[name] = {**hosts[name], "job_schedules": sorted(usual_jobs(WAREHOUSE_GROUPS))}
    return {"schema": "baseline/v1", "recorded_at": iso(at), "hosts": hosts}


def variant(name: str, **changes: object) -> EstateSpec:
    """A shipped variant with some settings changed."""
    return replace(VARIANTS[name], **changes)  # type: ignore[arg-type] # the names are EstateSpec's own
