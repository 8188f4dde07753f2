"""The parts of a machine's state that ``stubs.ps1`` needs for product and network; and what comes back."""

from engine.lab import machine_services as scm
from engine.lab.behaviours.plain import maps, texts
from engine.lab.machine import Machine
from engine.lab.machine_product import Pack, ServerProduct
from engine.model.data import JsonMap

_FOR_EVER = 1e12


def reached(other: Machine) -> JsonMap:
    """Another machine as seen over the network; only read, without its lock."""
    listening = {port for one in other.services if one.state == scm.RUNNING for port in one.listens}
    return {
        "names": [other.name, f"{other.name}.{other.domain}"],
        "up": other.up,
        "open": sorted(listening),
        "blocked": sorted(other.blocked_ports),
    }


def product_state(product: ServerProduct) -> JsonMap:
    """Management packs and warehouse jobs; no packs while their database cannot be read."""
    packs = product.store.packs() if product.store else None
    return {
        "packs": None if packs is None else [_pack(one) for one in packs],
        "jobs": [
            {"name": one.name, "scheduled": one.scheduled, "until": min(one.until, _FOR_EVER)}
            for one in product.jobs.values()
        ],
    }


def _pack(pack: Pack) -> JsonMap:
    return {"name": pack.name, "version": pack.version, "sealed": pack.sealed, "xml": pack.xml()}


def take_over_product(product: ServerProduct, exported: JsonMap, before: JsonMap) -> None:
    """Packs that a script imported, and schedules that it switched; what it only knew of may have changed meanwhile."""
    had = {(one["name"], one["version"]) for one in maps(before.get("packs"))}
    new = [one for one in maps(exported.get("packs")) if (one["name"], one["version"]) not in had]
    if product.store is not None:
        product.store.add(_imported(one) for one in new)
    schedules = {one["name"]: one["scheduled"] for one in maps(before.get("jobs"))}
    for one in maps(exported.get("jobs")):
        job, scheduled = product.jobs.get(str(one["name"])), one["scheduled"]
        if job is not None and isinstance(scheduled, bool) and scheduled is not schedules.get(one["name"]):
            job.scheduled = scheduled


def _imported(one: JsonMap) -> Pack:
    references = texts(one.get("references"))
    return Pack(name=str(one["name"]), version=str(one["version"]), sealed=False, references=references)
