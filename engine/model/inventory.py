"""The machines: what an inventory says about each, typed; secrets only as references."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.data import JsonMap
from engine.model.origin import Origin
from engine.model.secret import SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One machine. ``connection`` is ``winrm``, ``ssh`` or ``local``; ``platform`` is ``windows`` or ``posix``.

    ``options`` holds the connection's own settings, typed by the inventory schema, such as ``transport``.
    """

    name: str
    address: str
    connection: str
    platform: str
    origin: Origin
    port: int | None = None
    user: str | None = None
    password: SecretRef | None = None
    options: JsonMap = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    variables: JsonMap = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All hosts by name, in the order of the file, and the hosts of each group (children included)."""

    file: str
    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """What an action may know of a host: no address, no credential."""

    name: str
    platform: str
    groups: tuple[str, ...] = ()
    variables: JsonMap = field(default_factory=dict)
    facts: JsonMap = field(default_factory=dict)
