"""Connections by kind. Each imports its library only when a host of its kind is met: they cost 150 ms each."""

from collections.abc import Mapping
from types import MappingProxyType

from engine.model.errors import UsageMistake
from engine.model.inventory import Host
from engine.ports.connection import Connection, ConnectionFactory, OpenSecret


def _winrm(host: Host, open_secret: OpenSecret) -> Connection:
    from engine.connections.winrm import connection  # noqa: PLC0415 - see the module's docstring

    return connection(host, open_secret)


def _ssh(host: Host, open_secret: OpenSecret) -> Connection:
    from engine.connections.ssh import connection  # noqa: PLC0415

    return connection(host, open_secret)


def _local(host: Host, open_secret: OpenSecret) -> Connection:
    from engine.connections.local import connection  # noqa: PLC0415

    return connection(host, open_secret)


BUILTIN: Mapping[str, ConnectionFactory] = MappingProxyType({"winrm": _winrm, "ssh": _ssh, "local": _local})


def connect(host: Host, open_secret: OpenSecret) -> Connection:
    """An unopened connection of the host's kind; no IO yet."""
    factory = BUILTIN.get(host.connection)
    if factory is None:
        known = ", ".join(BUILTIN)
        raise UsageMistake(
            f"{host.name}: there is no connection named {host.connection!r}",
            remedy=f"set `ansible_connection` to one of: {known}",
        )
    return factory(host, open_secret)
