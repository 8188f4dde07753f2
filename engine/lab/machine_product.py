"""What a Service Manager server knows beside its files and services: management packs in its database, warehouse jobs.

The packs live in the database, so a restored or a changed database brings its own; a server only reads them, and only
while its data access service runs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from engine.lab.machine_sql import Database, SqlInstance

SERVICE_MANAGER_MODULE = "PowerShell\\System.Center.Service.Manager.psd1"
WAREHOUSE_MODULE = "Microsoft.EnterpriseManagement.Warehouse.Cmdlets.psd1"
NOT_YET = (
    "The Data Access service is either not running or not yet initialized. Check the event log for more information."
)
IDLE, AT_WORK = "Not Started", "Running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One management pack. An unsealed one can be written to a file; ``references`` are packs that it builds on."""

    name: str
    version: str
    sealed: bool = True
    references: tuple[str, ...] = ()

    def xml(self) -> str:
        """As an export writes it."""
        references = "".join(
            f'<Reference Alias="R{number}"><ID>{escape(name)}</ID></Reference>'
            for number, name in enumerate(self.references)
        )
        return (
            f"<ManagementPack><Manifest><Identity><ID>{escape(self.name)}</ID><Version>{escape(self.version)}</Version>"
            f"</Identity><References>{references}</References></Manifest></ManagementPack>"
        )


def read_pack(content: bytes) -> Pack | None:
    """The unsealed pack that a file holds, or None."""
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    name, version = root.find("./Manifest/Identity/ID"), root.find("./Manifest/Identity/Version")
    if root.tag != "ManagementPack" or name is None or version is None:
        return None
    references = tuple("".join(one.itertext()) for one in root.findall("./Manifest/References/Reference/ID"))
    return Pack(name="".join(name.itertext()), version="".join(version.itertext()), sealed=False, references=references)


@dataclass(slots=True, kw_only=True)
class PackStore:
    """The management packs of one database; ``unsealed`` names those that are, with what they build on. Servers of one
    management group share it.
    """

    sql: SqlInstance
    database: str
    unsealed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def at(self) -> Database | None:
        """The database, or None while it cannot be read."""
        found = self.sql.databases.get(self.database)
        return found if found is not None and found.state == "ONLINE" else None

    def packs(self) -> tuple[Pack, ...] | None:
        """All packs in the order in which they came; None while the database cannot be read."""
        database = self.at()
        if database is None:
            return None
        return tuple(
            Pack(name=name, version=version, sealed=name not in self.unsealed, references=self.unsealed.get(name, ()))
            for name, version in database.management_packs.items()
        )

    def add(self, packs: Iterable[Pack]) -> None:
        """Import packs into the database."""
        database = self.at()
        if database is not None:
            for one in packs:
                database.management_packs[one.name] = one.version
                self.unsealed[one.name] = one.references


@dataclass(slots=True, kw_only=True)
class WarehouseJob:
    """A job of the data warehouse. ``until`` is the lab time at which a running one ends."""

    name: str
    scheduled: bool | None = True
    until: float = 0.0

    def status(self, now: float) -> str:
        """What it is at."""
        return AT_WORK if now < self.until else IDLE


@dataclass(slots=True, kw_only=True)
class ServerProduct:
    """The product on one server: where it lies, since when, whose packs it reads, which jobs it has."""

    folder: str
    installed_at: float
    store: PackStore | None = None
    jobs: dict[str, WarehouseJob] = field(default_factory=dict)


def usual_jobs(management_groups: Iterable[str]) -> dict[str, WarehouseJob]:
    """The jobs of a data warehouse that extracts from these management groups."""
    names = [f"Extract_{group}" for group in management_groups]
    names += ["Transform.Common", "Load.Common", "DWMaintenance", "MPSyncJob"]
    return {name: WarehouseJob(name=name) for name in names}
