"""One role of the product on one machine: what setup put there, and what removing and installing it changes.

What setup writes is taken once from a machine that has it, so that a role installed again is the same role.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from engine.lab import machine_services as scm
from engine.lab.machine import Machine
from engine.lab.machine_files import LabFile
from engine.lab.machine_product import ServerProduct
from engine.lab.machine_registry import RegistryKey
from engine.lab.machine_services import Service
from engine.lab.machine_sql import Database

SHIPPED_CONFIG = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n'
    b"<configuration>\r\n"
    b"  <runtime>\r\n"
    b'    <gcServer enabled="true"/>\r\n'
    b"  </runtime>\r\n"
    b"</configuration>\r\n"
)
SERVER_ROLE, WAREHOUSE_ROLE = "Service Manager management server", "data warehouse management server"
SERVICES = ("OMSDK", "HealthService", "OMCFG")
_SOFTWARE = r"hklm\software\microsoft"
_KEYS = (rf"{_SOFTWARE}\system center", rf"{_SOFTWARE}\microsoft operations manager\3.0\server management groups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What setup writes: registry keys, files and services, and when it wrote them here."""

    keys: tuple[RegistryKey, ...]
    files: tuple[LabFile, ...]
    services: tuple[Service, ...]
    server: ServerProduct | None
    installed_at: float


@dataclass(slots=True, kw_only=True)
class Product:
    """A role: ``build`` is that of its binaries. ``bundle`` is a file of management packs that comes with it.
    ``holds_key`` is false once the encryption key has gone with the role, until it is restored. ``updates`` are those
    applied since the role was installed.
    """

    machine: Machine
    sql: Machine
    role: str
    folder: str
    uninstall_key: str
    build: str
    binaries: tuple[str, ...]
    database_names: tuple[str, ...]
    bundle: str
    layout: Layout
    installed: bool = True
    holds_key: bool = True
    updates: list[str] = field(default_factory=list)

    @property
    def databases(self) -> list[Database]:
        """Those of its databases that are there."""
        there = self.sql.sql.databases if self.sql.sql is not None else {}
        return [there[name] for name in self.database_names if name in there]

    def files_of_build(self) -> Iterator[str]:
        """Paths of the files that bear the product's version."""
        yield from (f"{self.folder}\\{name}" for name in self.binaries)


def layout_of(machine: Machine, folder: str, uninstall_key: str) -> Layout:
    """What setup wrote on a machine that has the role."""
    below = (*_KEYS, uninstall_key.lower())
    return Layout(
        keys=tuple(
            copy.deepcopy(key)
            for key in machine.registry
            if any(key.path.lower() == one or key.path.lower().startswith(one + "\\") for one in below)
        ),
        files=tuple(copy.deepcopy(one) for one in machine.files if one.path.lower().startswith(folder.lower() + "\\")),
        services=tuple(copy.deepcopy(one) for one in machine.services if one.name in SERVICES),
        server=machine.product,
        installed_at=machine.clock.now(),
    )


def versions_agree(product: Product) -> bool:
    """True if the binaries and all databases are of one version."""
    online = [one for one in product.databases if one.state == "ONLINE"]
    return len(online) == len(product.database_names) and {one.product_version for one in online} == {product.build}


def is_usable(product: Product) -> bool:
    """True if a person can work with the role: it is there, its services run, and its databases are its own."""
    services = [product.machine.services.get(name) for name in SERVICES]
    running = all(one is not None and one.state == scm.RUNNING for one in services)
    return product.installed and running and versions_agree(product)


def set_build(product: Product, build: str) -> None:
    """The binaries are those of another build: the files, and the version that Windows lists."""
    machine = product.machine
    product.build = build
    machine.registry.set(product.uninstall_key, "DisplayVersion", build)
    for path in product.files_of_build():
        file = machine.files.get(path)
        machine.files.write(path, file.content if file else b"MZ", modified=machine.clock.now(), version=build)


def replace_bundle(product: Product, build: str) -> None:
    """Windows Installer leaves a file without a version alone that somebody changed after it was installed."""
    machine, file = product.machine, product.machine.files.get(product.bundle)
    if file is None or file.modified <= product.layout.installed_at:
        machine.files.write(product.bundle, b"MPB", modified=product.layout.installed_at, version=build)


def remove(product: Product) -> None:
    """Uninstall the role: its services, files and keys go, and the encryption key with them."""
    machine = product.machine
    for name in SERVICES:
        service = machine.services.get(name)
        if service is not None:
            scm.stop(machine, service)
            del machine.services.entries[name.lower()]
    for file in [one for one in machine.files if one.path.lower().startswith(product.folder.lower() + "\\")]:
        machine.files.delete(file.path)
    for path in [one for one in machine.files.folders if f"{one}\\".startswith(product.folder.lower() + "\\")]:
        del machine.files.folders[path]
    for path in [key.path for key in product.layout.keys]:
        machine.registry.remove_key(path)
    machine.product = None
    product.installed, product.holds_key, product.build = False, False, ""
    product.updates.clear()


def install(product: Product, build: str) -> None:
    """Install the role anew with its databases as they are; its services start."""
    machine = product.machine
    for key in product.layout.keys:
        made = machine.registry.make_key(key.path)
        made.values.update(copy.deepcopy(key.values))
    for file in product.layout.files:
        machine.files.write(file.path, file.content, modified=machine.clock.now(), version=file.version)
    product.layout = replace(product.layout, installed_at=machine.clock.now())
    set_build(product, build)
    machine.files.write(product.bundle, b"MPB", modified=product.layout.installed_at, version=build)
    _tell_windows(product)
    product.installed = True
    stopped = {"state": scm.STOPPED, "process_id": 0, "exit_code": scm.NEVER_STARTED}
    machine.services.add(*(replace(one, **stopped) for one in product.layout.services))  # type: ignore[arg-type] # its own fields
    for name in SERVICES:
        service = machine.services.get(name)
        if service is not None:
            scm.start(machine, service)


def _tell_windows(product: Product) -> None:
    """Since when the role is there."""
    machine, now = product.machine, product.layout.installed_at
    if machine.registry.get(product.uninstall_key, "InstallDate") is not None:
        day = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d")
        machine.registry.set(product.uninstall_key, "InstallDate", day)
    if product.layout.server is not None:
        machine.product = replace(product.layout.server, installed_at=now)
