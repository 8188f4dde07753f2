"""A SQL Server instance as state: what the shipped queries ask about."""

from dataclasses import dataclass, field

from engine.model.data import JsonMap


@dataclass(slots=True, kw_only=True)
class Database:
    """One database. ``product_version`` is the DBVersion row of its ``__MOMManagementGroupInfo__`` table, or None where
    it has no such table; ``patches`` are rows of ``__PatchInfo__``.
    """

    name: str
    product_version: str | None = None
    state: str = "ONLINE"
    user_access: str = "MULTI_USER"
    broker_enabled: bool = False
    compatibility_level: int = 100
    recovery_model: str = "FULL"
    collation: str = "Latin1_General_100_CI_AS"
    management_packs: dict[str, str] = field(default_factory=dict)
    patches: list[JsonMap] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SqlInstance:
    """The instance of a machine; ``name`` is empty for the default instance."""

    name: str = ""
    version: str = "10.50.2500.0"
    level: str = "SP1"
    edition: str = "Enterprise Edition (64-bit)"
    collation: str = "Latin1_General_100_CI_AS"
    databases: dict[str, Database] = field(default_factory=dict)
    options: dict[str, int] = field(default_factory=lambda: {"clr enabled": 1, "allow updates": 0})
    service: str = "MSSQLSERVER"

    def add(self, *databases: Database) -> None:
        """Put databases on the instance."""
        self.databases.update({one.name: one for one in databases})
