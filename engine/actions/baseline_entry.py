"""What a baseline says of one host, out of the results of the looks at it; what is unknown is left out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.actions.base import as_list, maps, whole
from engine.model.data import JsonMap, JsonValue

UNKNOWN = "unknown"
_VERSION = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10}){1,7}")
REPORT_URL = "WebServiceURL"
_ROLES = ("management-server", "data-warehouse-server", "sql-server")
_DATABASE_ROLES = ("management", "staging", "repository", "data-mart", "om-data-mart", "cm-data-mart")
_OPTIONS = (("clr enabled", "clr_enabled"), ("allow updates", "allow_updates"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The results of the looks at one host, by what was looked at; a look that was not made is an empty mapping."""

    of: Mapping[str, JsonMap]
    registry: tuple[JsonMap, ...]
    instance: str

    def at(self, what: str) -> JsonMap:
        """The result of one look."""
        return self.of.get(what, {})


def entry(looks: Looks) -> dict[str, JsonValue]:
    """The host's part of the document; whatever is empty is not in it."""
    installation, computer = looks.at("installations"), looks.at("computers")
    url = next((one["value"] for one in registry_values(looks) if one["name"] == REPORT_URL), None)
    parts: dict[str, JsonValue] = {
        "role": _one_of(installation.get("role"), _ROLES),
        "computer_name": _text(computer.get("computer_name")),
        "fqdn": _text(computer.get("fqdn")),
        "install_directory": _text(installation.get("install_directory")),
        "versions": versions(_map(looks.at("versions").get("versions"))),
        "database_names": database_names(installation),
        "services": _services(looks.at("services")),
        "registry": registry_values(looks),
        "report_url": _text(url),
        "sql": _sql(looks.at("instances"), looks.instance or _sole_instance(installation)),
        "databases": _databases(_map(looks.at("databases").get("databases"))),
        "management_packs": _packs(looks.at("management_packs")),
    }
    schedules = looks.at("jobs").get("enabled")  # that none is on is something to know as well
    known: dict[str, JsonValue] = {"job_schedules": _texts(schedules)} if isinstance(schedules, (list, tuple)) else {}
    if isinstance(computer.get("domain_joined"), bool):  # that a computer is in no domain is something to know, too
        full = _text(computer.get("fqdn")) or ""
        known["domain"] = full.partition(".")[2] if computer["domain_joined"] else ""
    return {**_filled(parts), **known}


def versions(told: JsonMap) -> dict[str, JsonValue]:
    """The versions that are known."""
    databases = {str(name): one for name, one in _map(told.get("databases")).items() if _version(one)}
    single = {kind: told[kind] for kind in ("binaries", "management_packs") if _version(told.get(kind))}
    return _filled({**single, "databases": databases})


def database_names(installation: JsonMap) -> dict[str, JsonValue]:
    """Server and database by role, as the registry names them."""
    return {
        str(one["role"]): {"server": str(one["server"]), "name": str(one["name"])}
        for one in maps(installation.get("databases"))
        if _one_of(one.get("role"), _DATABASE_ROLES) and _text(one.get("server")) and _text(one.get("name"))
    }


def registry_values(looks: Looks) -> list[JsonMap]:
    """The values that were found."""
    return [
        {name: one.get(name) for name in ("key", "name", "value")}
        for one in looks.registry
        if one.get("found") is True and _text(one.get("key")) and _text(one.get("name")) and _data(one.get("value"))
    ]


def facts(value: JsonValue) -> int:
    """How many single values a document holds."""
    if isinstance(value, Mapping):
        return sum(facts(one) for one in value.values())
    if isinstance(value, (list, tuple)):
        return sum(facts(one) for one in value)
    return 1


def _services(result: JsonMap) -> list[JsonValue]:
    found = [one for one in maps(result.get("services")) if one.get("found") is True]
    rows = [one for one in found if _text(one.get("name")) and _text(one.get("account"))]
    return [_filled({name: _text(one.get(name)) for name in ("name", "account", "start_mode")}) for one in rows]


def _sole_instance(installation: JsonMap) -> str:
    """The only instance that there is; empty for the default one, and where there are several."""
    names = as_list(installation.get("sql_instances"))
    return names[0] if len(names) == 1 and names[0].upper() != "MSSQLSERVER" else ""


def _sql(result: JsonMap, instance: str) -> dict[str, JsonValue]:
    told = {name: _text(result.get(name)) for name in ("version", "level", "edition", "collation")}
    if not all(told[name] for name in ("version", "edition", "collation")):
        return {}
    options = {name: result[field] for name, field in _OPTIONS if isinstance(result.get(field), bool)}
    return {"instance": instance, **_filled({**told, "options": options})}


def _databases(told: JsonMap) -> dict[str, JsonValue]:
    return {str(name): _database(one) for name, one in told.items() if isinstance(one, Mapping)}


def _database(one: JsonMap) -> JsonMap:
    files = [
        {**_filled({name: _text(file.get(name)) for name in ("name", "kind")}), **_place(file)}
        for file in maps(one.get("files"))
        if _text(file.get("path"))
    ]
    broker = one.get("broker_enabled")
    told: dict[str, JsonValue] = {name: _text(one.get(name)) for name in ("collation", "recovery_model")}
    told["broker_enabled"] = broker if isinstance(broker, bool) else None
    return {"size_bytes": max(0, whole(one.get("size_bytes"))), **_filled({**told, "files": files})}


def _place(file: JsonMap) -> JsonMap:
    return {"path": str(file["path"]), "size_bytes": max(0, whole(file.get("size_bytes")))}


def _packs(result: JsonMap) -> dict[str, JsonValue]:
    count = whole(result.get("count"))
    if count < 1:
        return {}
    names = [one for one in maps(result.get("unsealed")) if _text(one.get("name"))]
    unsealed = [_filled({name: _text(one.get(name)) for name in ("name", "version")}) for one in names]
    return {"count": count, "sealed": max(0, whole(result.get("sealed"))), "unsealed": unsealed}


def _version(value: JsonValue) -> bool:
    """At least two numbers with dots between them, as the document's schema wants it."""
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None


def _data(value: JsonValue) -> bool:
    """A value of the registry that says something: a text, a number or texts."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(one, str) for one in value)
    return value != "" and isinstance(value, (str, int)) and not isinstance(value, bool)


def _one_of(value: JsonValue, known: tuple[str, ...]) -> str | None:
    return value if isinstance(value, str) and value in known else None


def _map(value: JsonValue) -> JsonMap:
    return value if isinstance(value, Mapping) else {}


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value and value != UNKNOWN else None


def _texts(value: JsonValue) -> list[JsonValue]:
    items: Iterable[JsonValue] = value if isinstance(value, (list, tuple)) else ()
    return [one for one in items if _text(one)]


def _filled(parts: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Without what is empty; false and zero are something."""
    return {name: one for name, one in parts.items() if one is not None and one not in ("", [], {})}
