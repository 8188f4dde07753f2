"""A SQL Server instance as state: what the shipped queries ask about."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.lab.machine_sql_log import History, Rolling, TransactionLog, guid_of
from engine.lab.machine_sql_principals import Login, Principals
from engine.model.data import JsonMap

_MIB = 1024 * 1024
_OPTIONS = {"allow updates": 0, "backup compression default": 0, "clr enabled": 1}


@dataclass(slots=True, kw_only=True)
class DatabaseFile:
    """One file of a database; ``kind`` is ROWS or LOG, ``size`` in bytes, a multiple of the page's 8192."""

    name: str
    path: str
    kind: str = "ROWS"
    size: int = 64 * _MIB

    def plain(self) -> JsonMap:
        """As plain data."""
        return {"name": self.name, "path": self.path, "kind": self.kind, "size": self.size}


@dataclass(slots=True, kw_only=True)
class Database:
    """One database. ``family`` is the same in all its copies. ``product_version`` is the DBVersion row of its
    ``__MOMManagementGroupInfo__`` table, or None where it has no such table; ``patches`` are rows of
    ``__PatchInfo__``. Without ``files`` it gets one for data and one for the log. ``damaged_pages`` counts pages that
    no longer hold what was written; ``rolling`` is how far a restore has come that waits for more; ``being_restored``
    is true while one is at work. ``management_servers`` are the servers it knows, ``workflow_server`` the one of them
    that runs the workflows, by full names. ``snapshot_of`` is the database that this one is a snapshot of.
    """

    name: str
    family: str = ""
    product_version: str | None = None
    state: str = "ONLINE"
    user_access: str = "MULTI_USER"
    broker_enabled: bool = False
    compatibility_level: int = 100
    recovery_model: str = "FULL"
    collation: str = "Latin1_General_100_CI_AS"
    management_packs: dict[str, str] = field(default_factory=dict)
    warehouses: dict[str, str] = field(default_factory=dict)
    patches: list[JsonMap] = field(default_factory=list)
    owner: str = "sa"
    read_only: bool = False
    files: list[DatabaseFile] = field(default_factory=list)
    log: TransactionLog = field(default_factory=TransactionLog)
    damaged_pages: int = 0
    rolling: Rolling | None = None
    being_restored: bool = False
    principals: Principals = field(default_factory=Principals)
    management_servers: list[str] = field(default_factory=list)
    workflow_server: str = ""
    snapshot_of: str = ""

    def __post_init__(self) -> None:
        self.log.fork = self.log.fork or guid_of(f"first path of {self.name}")
        self.family = self.family or guid_of(f"family of {self.name}")
        if not self.files:
            self.files = [
                DatabaseFile(name=self.name, path=f"D:\\SQLData\\{self.name}.mdf"),
                DatabaseFile(name=f"{self.name}_log", path=f"L:\\SQLLogs\\{self.name}_log.ldf", kind="LOG"),
            ]

    def contents(self) -> JsonMap:
        """What a restore brings back."""
        return {
            "product_version": self.product_version,
            "management_packs": dict(self.management_packs),
            "warehouses": dict(self.warehouses),
            "patches": [dict(one) for one in self.patches],
            "lsn": self.log.lsn,
            "log": asdict(self.log),
            "damaged_pages": self.damaged_pages,
            "principals": self.principals.plain(),
            "management_servers": list(self.management_servers),
            "workflow_server": self.workflow_server,
        }


def _nobody(name: str) -> tuple[str, ...]:
    """No program is at work in the database."""
    del name
    return ()


@dataclass(slots=True, kw_only=True)
class SqlInstance:
    """The instance of the machine ``computer``; ``name`` is empty for the default instance. ``zone`` is how many
    quarters of an hour its local time is ahead of UTC; ``unreadable`` are paths that its service account may not
    open; ``sessions`` tells which programs are at work in a database; ``jobs`` are long operations by their keys
    (``machine_sql_jobs``), of which the ``dying_job``-th from now ends halfway with its process. ``configured`` are
    values of options that are set but not in use yet; ``messages`` are those that products added, each a number and a
    language; ``unknown_accounts`` are names that the domain does not know.
    """

    name: str = ""
    computer: str = "SQL01"
    version: str = "10.50.2500.0"
    level: str = "SP1"
    edition: str = "Enterprise Edition (64-bit)"
    collation: str = "Latin1_General_100_CI_AS"
    full_text: bool = True
    databases: dict[str, Database] = field(default_factory=dict)
    options: dict[str, int] = field(default_factory=lambda: dict(_OPTIONS))
    configured: dict[str, int] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    messages: set[tuple[int, int]] = field(default_factory=set)
    unknown_accounts: set[str] = field(default_factory=set)
    zone: int = 0
    unreadable: set[str] = field(default_factory=set)
    history: History = field(default_factory=History)
    jobs: dict[str, Any] = field(default_factory=dict)
    dying_job: int = 0
    sessions: Callable[[str], tuple[str, ...]] = field(default=_nobody)

    @property
    def server_name(self) -> str:
        """As the server calls itself, and its backups their server."""
        return self.computer + (f"\\{self.name}" if self.name else "")

    @property
    def service(self) -> str:
        """The name of its Windows service."""
        return f"MSSQL${self.name}" if self.name else "MSSQLSERVER"

    def add(self, *databases: Database) -> None:
        """Put databases on the instance."""
        self.databases.update({one.name: one for one in databases})
