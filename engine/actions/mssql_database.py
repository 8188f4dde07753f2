"""``mssql.database``: state, options, owner, files and version of databases; expectations make it a gate.

``exists: false`` asks for the opposite: that none of the names is taken, as a first installation needs it.
"""

from collections.abc import Mapping

from engine.actions.base import BuiltIn, as_list, describe, whole
from engine.actions.mssql_ask import ask_shipped, rows_of, text_of
from engine.actions.mssql_instance import OPTIONS
from engine.model.command import Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import CommandResult, Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

PROOF = "database-checked"
ROWS, FILES, VERSION = "mssql_database.rows.sql", "mssql_database.files.sql", "service_manager_versions.version.sql"
_FIXED = (ROWS, FILES, OPTIONS)
# Argument: field of the result, in words.
_EXPECTED: Mapping[str, str] = {
    "state": "its state",
    "user_access": "its access",
    "broker_enabled": "its broker",
    "read_only": "read-only",
    "recovery_model": "its recovery model",
    "compatibility_level": "its compatibility level",
    "collation": "its collation",
    "owner": "its owner",
    "version": "its version",
}
_MANY = 10000


class MssqlDatabase(BuiltIn):
    """Databases, files, options; then in each database that is online the version it says it has."""

    info = describe(
        "mssql.database",
        summary="State, options, owner, files and version of databases",
        effect=Effect.OBSERVE,
        yields=(PROOF,),
        about="databases",
        within="instance",
        timeout_s=180.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """The catalogue first, then each database."""
        del host
        if len(seen) < len(_FIXED):
            return ask_shipped(args, _FIXED[len(seen)], max_rows=_MANY)
        online = _online(args, seen)
        place = len(seen) - len(_FIXED)
        return ask_shipped(args, VERSION, database=online[place]) if place < len(online) else None

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """A database without such a table has no version; without access to the catalogue nothing is known."""
        del args, host
        return any("__MOMManagementGroupInfo__" in one.message for one in failed.errors)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """As expected, or all that is not."""
        found = _found(args, seen)
        clr = next((one.get("value_in_use") for one in rows_of(seen[2]) if one.get("name") == "clr enabled"), None)
        names = as_list(args["databases"])
        missing = [name for name in names if name.lower() not in {one.lower() for one in found}]
        result: JsonMap = {
            "databases": found,
            "missing": list(missing),
            "count": len(found),
            "size_bytes": sum(whole(one["size_bytes"]) for one in found.values()),
            "clr_enabled": None if clr is None else clr in (1, True),
        }
        wrong = _unexpected(args, found, missing, result)
        told = f"{len(found)} of {len(names)} databases are on {host.name}"
        if wrong:
            return Refuse(
                why=f"{told}: {'; '.join(wrong)}",
                remedy="Bring the databases to what the step expects, or correct the names.",
                result=result,
            )
        return Unchanged(why=told, result=result, examined=len(names), proofs=(PROOF,))


def _rows(args: Arguments, seen: Seen) -> list[JsonMap]:
    """The rows of the databases asked for; names are compared without case."""
    wanted = {name.lower() for name in as_list(args["databases"])}
    return [row for row in rows_of(seen[0]) if text_of(row, "name").lower() in wanted]


def _online(args: Arguments, seen: Seen) -> list[str]:
    return [text_of(row, "name") for row in _rows(args, seen) if row.get("state_desc") == "ONLINE"]


def _found(args: Arguments, seen: Seen) -> dict[str, JsonMap]:
    versions = dict(zip(_online(args, seen), map(_version, seen[len(_FIXED) :]), strict=False))
    return {
        text_of(row, "name"): _one(row, rows_of(seen[1]), versions.get(text_of(row, "name")))
        for row in _rows(args, seen)
    }


def _version(answer: CommandResult) -> str | None:
    """The version, where there is exactly one."""
    rows = rows_of(answer) if answer.ok else ()
    return text_of(rows[0], "DBVersion") or None if len(rows) == 1 else None


def _one(row: JsonMap, files: tuple[JsonMap, ...], version: str | None) -> JsonMap:
    own: list[JsonMap] = [
        {
            "name": text_of(one, "name"),
            "path": text_of(one, "physical_name"),
            "kind": text_of(one, "type_desc"),
            "size_bytes": whole(one.get("size_bytes")),
        }
        for one in files
        if one.get("database_name") == row.get("name")
    ]
    return {
        "state": text_of(row, "state_desc"),
        "user_access": text_of(row, "user_access_desc"),
        "broker_enabled": row.get("is_broker_enabled") in (1, True),
        "read_only": row.get("is_read_only") in (1, True),
        "recovery_model": text_of(row, "recovery_model_desc"),
        "compatibility_level": whole(row.get("compatibility_level")),
        "collation": text_of(row, "collation_name"),
        "owner": text_of(row, "owner"),
        "version": version,
        "files": own,
        "size_bytes": sum(whole(one["size_bytes"]) for one in own),
    }


def _unexpected(args: Arguments, found: Mapping[str, JsonMap], missing: list[str], result: JsonMap) -> list[str]:
    if args.get("exists") is False:
        return [f"{name} exists" for name in found]
    wrong = [f"{name} does not exist" for name in missing]
    for name, one in found.items():
        wrong += [
            f"{name}: {words} is {_told(one[key])} and has to be {_told(args[key])}"
            for key, words in _EXPECTED.items()
            if args.get(key) is not None and not _same(one[key], args[key])
        ]
    if "clr_enabled" in args and result["clr_enabled"] is not args["clr_enabled"]:
        wrong.append(f"the instance's option clr enabled is {_told(result['clr_enabled'])}")
    return wrong


def _same(one: JsonValue, other: object) -> bool:
    return one.lower() == other.lower() if isinstance(one, str) and isinstance(other, str) else one == other


def _told(value: object) -> str:
    if value is None:
        return "unknown"
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
