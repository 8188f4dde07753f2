"""What the product's PowerShell modules need in the lab: a file, a running service, a readable database."""

from engine.lab import machine_services as scm
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.lab.machine_product import NOT_YET, Pack, PackStore, ServerProduct
from engine.model.data import JsonMap


def module(machine: Machine, arguments: JsonMap) -> None:
    """The module must be there as a file."""
    path = str(arguments["module"])
    if machine.files.get(path) is None:
        raise PayloadError(f"The module {path} is not there.")


def connected(machine: Machine) -> ServerProduct:
    """The product, once its data access service runs."""
    service = machine.services.get("OMSDK")
    if machine.product is None or service is None or service.state != scm.RUNNING:
        raise PayloadError(NOT_YET)
    return machine.product


def packs(machine: Machine) -> tuple[PackStore, tuple[Pack, ...]]:
    """The management packs, as long as their database can be read."""
    store = connected(machine).store
    found = store.packs() if store else None
    if store is None or found is None:
        raise PayloadError(NOT_YET)
    return store, found
