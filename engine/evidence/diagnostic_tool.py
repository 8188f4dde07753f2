"""The folders of Microsoft's diagnostic tool: which folder is one, of which machine, what its tables say."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from engine.evidence.encoding import whole_text
from engine.evidence.registry import RegistryKey
from engine.evidence.stamps import moment
from engine.evidence.tables import read_table
from engine.evidence.tree import Found
from engine.model.triage import UNKNOWN, Concern, EvidenceHost, Missing, Versions

MARKERS = frozenset(
    {"scsmrolesfound.txt", "hostname_fqdn.txt", "scsm_version.csv", "sql_mommanagementgroupinfo.csv",
     "systemcenter.regvalues.txt", "collectorversion.txt"}
)  # fmt: skip
LOGS = "scsm_setuplogfiles"
LIMIT = 4 * 1024 * 1024
_ROLES = (
    ("dw mgmt server", "data-warehouse-server"),
    ("primary/workflow", "management-server"),
    ("secondary mgmt", "management-server"),
)
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)__(\d\d)[:.](\d\d)[.:](\d\d)(?:\.\d+)?\s*([+-]\d\d:?\d\d)?")
_VERSION = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10}){1,7}\Z")
_NOT_SERVER = ("console", "portal", "authoring", "update", "hotfix", "language", "connector", "management pack")
DATABASE_VALUES = {
    "databasename": "ServiceManager",
    "stagingdatabasename": "DWStagingAndConfig",
    "repositorydatabasename": "DWRepository",
    "datamartdatabasename": "DWDataMart",
    "omdatamartdatabasename": "OMDWDataMart",
    "cmdatamartdatabasename": "CMDWDataMart",
}

Note = Callable[[Missing], None]


@dataclass(slots=True)
class Collector:
    """One machine's folder while it is read."""

    prefix: tuple[str, ...]
    host: str = ""
    role: str = UNKNOWN
    collected_at: float | None = None
    offset_s: int | None = None
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)


def prefix_of(parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """The collector folder that this file shows to be one."""
    if parts[-1].lower() in MARKERS:
        return parts[:-1]
    lowered = [one.lower() for one in parts[:-1]]
    return parts[: lowered.index(LOGS)] if LOGS in lowered else None


def identify(collector: Collector, found: Found) -> None:
    """Take name, role and time out of the small files."""
    name = found.parts[-1].lower()
    if name not in ("hostname_fqdn.txt", "scsmrolesfound.txt", "get-utcdate.txt", "get-date.txt", "envvars.csv"):
        return
    with found.open() as stream:
        text, _ = whole_text(stream, LIMIT)
    text = text.strip()
    if name == "hostname_fqdn.txt" and text:
        collector.host = text.split()[0].split(".")[0]
    elif name == "scsmrolesfound.txt":
        collector.role = next((role for words, role in _ROLES if words in text.lower()), UNKNOWN)
    elif name == "envvars.csv" and not collector.host:
        match = re.search(r'"COMPUTERNAME"[,;]"([^"]+)"', text, re.IGNORECASE)
        collector.host = match.group(1) if match else ""
    else:
        _take_time(collector, text, utc=name == "get-utcdate.txt")


def _take_time(collector: Collector, text: str, *, utc: bool) -> None:
    match = _STAMP.search(text)
    if match is None:
        return
    day, hour, minute, second, zone = match.groups()
    found = moment(f"{day}T{hour}:{minute}:{second}{'+00:00' if utc else zone or ''}")
    if found is None:
        return
    if utc:
        collector.collected_at = found[0]
    elif found[1] is not None:
        collector.offset_s = found[1]
        collector.collected_at = collector.collected_at or found[0]


def named(collector: Collector) -> str:
    """The machine's name, else that of the folder."""
    if collector.host:
        return collector.host
    folders = [one for one in collector.prefix if one.lower() != "collector"]
    return folders[-1] if folders else "diagnostic tool"


def take_table(collector: Collector, found: Found, note: Note) -> bool:
    """Versions out of one of the tool's tables; False if the file is none of them."""
    name = found.parts[-1].lower()
    if name not in ("scsm_version.csv", "sql_mommanagementgroupinfo.csv", "sql_fromsmdb_mommanagementgroupinfo.csv"):
        return False
    host = named(collector)

    def problem(line: int | None, why: str) -> None:
        what = "a table of the diagnostic tool"
        note(Missing(what=what, host=host, file=found.shown, line=line, why=why, concerns=Concern.VERSIONS))

    with found.open() as stream:
        text, wrong = whole_text(stream, LIMIT)
    if wrong:
        problem(None, wrong)
    rows = read_table(text, problem)
    if name == "scsm_version.csv":
        programs = [(row.get("displayname", ""), row.get("displayversion", "")) for _, row in rows]
        _take_programs(collector, programs, found.shown, problem)
        return True
    own = "staging" if collector.role == "data-warehouse-server" else "main"
    _take_database(collector, rows, "main" if "fromsmdb" in name else own, found.shown, problem)
    return True


def _take_database(
    collector: Collector, rows: list[tuple[int, dict[str, str]]], which: str, file: str,
    problem: Callable[[int | None, str], None],
) -> None:  # fmt: skip
    found = {row["dbversion"].strip() for _, row in rows if row.get("dbversion", "").strip()}
    if rows and "dbversion" not in rows[0][1]:
        problem(rows[0][0], "it has no column DBVersion")
    if len(found) > 1:
        problem(rows[0][0], f"it names several versions: {', '.join(sorted(found))}")
        return
    for version in found:
        if _VERSION.match(version):
            collector.versions[f"database {which}"] = (version, file)
        else:
            problem(rows[0][0], f'"{version[:60]}" is no version')


def _take_programs(
    collector: Collector, programs: list[tuple[str, str]], file: str, problem: Callable[[int | None, str], None]
) -> None:
    wanted = [(name, version.strip()) for name, version in programs if "service manager" in name.lower()]
    servers = [one for one in wanted if not any(word in one[0].lower() for word in _NOT_SERVER)] or wanted
    versions = {version for _, version in servers if _VERSION.match(version)}
    if len(versions) == 1:
        collector.versions["binaries"] = (versions.pop(), file)
    elif versions:
        problem(None, f"programs named Service Manager have several versions: {', '.join(sorted(versions))}")
    elif servers:
        problem(None, "no program named Service Manager has a readable version")


def take_registry(collector: Collector, keys: Iterable[RegistryKey], file: str, note: Note) -> None:
    """Names of databases, the role and installed programs out of a registry export."""
    programs: list[tuple[str, str]] = []
    for key in keys:
        path = key.path.lower()
        if "\\wow6432node\\" in path:
            continue
        if path.endswith("\\common\\database"):
            for value in DATABASE_VALUES:
                if isinstance(text := key.values.get(value), str) and text:
                    collector.versions[f"name {value}"] = (text, file)
        kind = key.values.get("sdk service type")
        if path.endswith("\\common\\sdk service") and collector.role == UNKNOWN and kind in (1, 2):
            collector.role = "management-server" if kind == 1 else "data-warehouse-server"
        if "\\currentversion\\uninstall\\" in path:
            programs.append((str(key.values.get("displayname", "")), str(key.values.get("displayversion", ""))))
    if "binaries" not in collector.versions:
        _take_programs(
            collector, programs, file,
            lambda line, why: note(
                Missing(
                    what="installed programs", host=named(collector), file=file, line=line, why=why,
                    concerns=Concern.VERSIONS,
                )
            ),
        )  # fmt: skip


def as_host(collector: Collector) -> EvidenceHost:
    """What the folder says of its machine."""
    names = {
        value: collector.versions.get(f"name {value}", (default, ""))[0] for value, default in DATABASE_VALUES.items()
    }
    databases: dict[str, str] = {}
    files: dict[str, str] = {}
    for which, value in (("database main", "databasename"), ("database staging", "stagingdatabasename")):
        if which in collector.versions:
            databases[names[value]], files["databases"] = collector.versions[which]
    versions = Versions(databases=databases, files=files)
    if "binaries" in collector.versions:
        text, files["binaries"] = collector.versions["binaries"]
        versions = replace(versions, binaries=text)
    return EvidenceHost(name=named(collector), role=collector.role, versions=versions)


def warehouse_names(collector: Collector) -> frozenset[str]:
    """Names that the registry gives to databases of the data warehouse, in lower case."""
    return frozenset(
        found[0].lower()
        for value in DATABASE_VALUES
        if value != "databasename" and (found := collector.versions.get(f"name {value}"))
    )
