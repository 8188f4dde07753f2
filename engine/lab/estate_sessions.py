"""Who is at work in a database: services of Service Manager hold sessions in those that their registry names.

While one of them runs, a restore gets no exclusive access; stopping the services on every server ends the sessions.
"""

from collections.abc import Iterable, Iterator

from engine.lab.machine import Machine
from engine.lab.machine_services import RUNNING

SERVICES = ("OMSDK", "OMCFG", "HealthService")
_KEY = r"HKLM\SOFTWARE\Microsoft\System Center\2010\Common\Database"
# Value with the SQL Server, value with the database.
_NAMES = (
    ("DatabaseServerName", "DatabaseName"),
    *((f"{name}SQLInstance", f"{name}DatabaseName") for name in ("Staging", "Repository", "DataMart")),
    *((f"{name}SQLInstance", f"{name}DatabaseName") for name in ("OMDataMart", "CMDataMart")),
)


def connect_services(machines: Iterable[Machine]) -> None:
    """Let every SQL Server of the estate see the sessions of the others' services."""
    everyone = tuple(machines)
    for machine in everyone:
        if machine.sql is not None:
            machine.sql.sessions = Sessions(machine, everyone)


class Sessions:
    """The sessions of one SQL Server, read anew at each call."""

    def __init__(self, server: Machine, everyone: tuple[Machine, ...]) -> None:
        self._server, self._everyone = server, everyone

    def __call__(self, database: str) -> tuple[str, ...]:
        """``SERVICE on HOST`` for each service that runs and uses this database."""
        return tuple(
            f"{name} on {machine.name}"
            for machine in self._everyone
            if database.lower() in self._names(machine)
            for name in SERVICES
            if (service := machine.services.get(name)) is not None and service.state == RUNNING
        )

    def _names(self, machine: Machine) -> Iterator[str]:
        """The databases on this server, in small letters, that a machine's registry names."""
        sql = self._server.sql
        assert sql is not None
        own = self._server.name.lower() + (f"\\{sql.name.lower()}" if sql.name else "")
        for where, what in _NAMES:
            told = str(machine.registry.data(_KEY, where) or "").lower()
            if told.partition(".")[0] == own or told == own:
                yield str(machine.registry.data(_KEY, what) or "").lower()
