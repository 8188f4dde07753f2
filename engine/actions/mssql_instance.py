"""``mssql.instance``: version, level, edition, collation and options of an instance; expectations make it a gate.

Builds are compared as four whole numbers: 2008 and 2008 R2 differ in the second one only, and its text varies. Two
rules about supported builds are in circulation, and the result tells what both say.
"""

from engine.actions.base import BuiltIn, describe
from engine.actions.mssql_ask import Version, ask_shipped, first_row, rows_of, text_of, version_of, version_words
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

PROOF = "sql-instance-checked"
PROPERTIES, OPTIONS = "mssql_instance.properties.sql", "mssql_instance.options.sql"
_2008, _2008_R2 = (10, 0), (10, 50)
_2008_SP1, _2008_SP3 = (10, 0, 2531, 0), (10, 0, 5500, 0)
_2008_R2_SP1 = (10, 50, 2500, 0)
_PRODUCTS = {
    _2008: "SQL Server 2008",
    _2008_R2: "SQL Server 2008 R2",
    (11, 0): "SQL Server 2012",
    (12, 0): "SQL Server 2014",
    (13, 0): "SQL Server 2016",
    (14, 0): "SQL Server 2017",
    (15, 0): "SQL Server 2019",
    (16, 0): "SQL Server 2022",
}
_SWITCHES = (
    ("full_text", "full-text search", "installed", "not installed"),
    ("clr_enabled", "the option clr enabled", "on", "off"),
    ("allow_updates", "the option allow updates", "on", "off"),
)


class MssqlInstance(BuiltIn):
    """Two looks: its properties and its options."""

    info = describe(
        "mssql.instance",
        summary="Version, edition, collation and options of a SQL Server instance",
        effect=Effect.OBSERVE,
        yields=(PROOF,),
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Properties, then options."""
        del host
        queries = (PROPERTIES, OPTIONS)
        return ask_shipped(args, queries[len(seen)]) if len(seen) < len(queries) else None

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """As expected, or all that is not."""
        row = first_row(seen[0])
        version = version_of(text_of(row, "version"))
        if version is None:
            return Refuse(
                why=f"The instance on {host.name} does not say its version",
                remedy="Ask it with a tool of its own: SELECT SERVERPROPERTY('ProductVersion').",
            )
        result = _result(row, version, {text_of(one, "name"): one.get("value_in_use") for one in rows_of(seen[1])})
        told = f"{result['product']} {result['level']}, build {version_words(version)} on {host.name}"
        wrong = _unexpected(args, version, result)
        if wrong:
            return Refuse(
                why=f"{told}: {', '.join(wrong)}",
                remedy="Bring the instance to what the step expects, or use another one.",
                result=result,
            )
        return Unchanged(why=told, result=result, examined=1, proofs=(PROOF,) if _expects(args) else ())


def _result(row: JsonMap, version: Version, options: JsonMap) -> JsonMap:
    return {
        "version": version_words(version),
        "product": _PRODUCTS.get(version[:2], f"SQL Server {version[0]}.{version[1]}"),
        "level": text_of(row, "level"),
        "edition": text_of(row, "edition"),
        "collation": text_of(row, "collation"),
        "full_text": row.get("full_text") in (1, True),
        "clr_enabled": _flag(options, "clr enabled"),
        "allow_updates": _flag(options, "allow updates"),
        "is_2008_sp1_sp2_or_2008_r2": _2008_SP1 <= version < _2008_SP3 or version[:2] == _2008_R2,
        "is_2008_r2_sp1_or_later": version >= _2008_R2_SP1,
    }


def _flag(options: JsonMap, name: str) -> bool | None:
    """Set, not set, or not said."""
    value = options.get(name)
    return None if value is None else value in (1, True)


def _expects(args: Arguments) -> bool:
    return any(name in args for name in ("minimum", "collation", "full_text", "clr_enabled", "allow_updates"))


def _unexpected(args: Arguments, version: Version, result: JsonMap) -> list[str]:
    wrong = []
    least = version_of(args["minimum"]) if "minimum" in args else None
    if "minimum" in args and (least is None or version < least):
        wrong.append(f"{args['minimum']} or later is needed")
    if "collation" in args and str(args["collation"]).lower() != str(result["collation"]).lower():
        wrong.append(f"its collation is {result['collation']} and has to be {args['collation']}")
    for name, words, yes, no in _SWITCHES:
        if name in args and result[name] is not args[name]:
            state = "unknown" if result[name] is None else yes if result[name] else no
            wrong.append(f"{words} is {state}")
    return wrong
