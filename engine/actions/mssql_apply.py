"""Statements of T-SQL that change: a fixed payload sends them in their order, on one connection.

Values travel as parameters. Only names that no parameter can stand for are written into a text, each in brackets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.actions.base import script
from engine.model.command import Argument, Script
from engine.model.data import JsonMap
from engine.ports.action import Arguments

PAYLOAD = "mssql_apply.ps1"


_LONGEST = 128


def bracketed(name: str) -> str:
    """A name as T-SQL reads it whatever it is made of; no name of the server is empty or longer than 128 characters."""
    if not 0 < len(name) <= _LONGEST or "\0" in name:
        raise ValueError(f"{name[:_LONGEST]!r} is not a name")
    return "[" + name.replace("]", "]]") + "]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement and the values of its parameters, named without the sign in front."""

    text: str
    params: JsonMap = field(default_factory=dict)

    def plain(self) -> JsonMap:
        """As the payload takes it."""
        return {"text": self.text, "params": dict(self.params)}


def apply(
    args: Arguments,
    statements: Sequence[Statement],
    *,
    lastly: Sequence[Statement] = (),
    database: str = "master",
    timeout_s: int = 120,
) -> Script:
    """A change that sends ``statements`` to the step's instance, and then ``lastly`` even if one of them failed."""
    arguments: dict[str, Argument] = {
        "instance": str(args.get("instance", "")),
        "database": database,
        "statements": [one.plain() for one in statements],
        "lastly": [one.plain() for one in lastly],
        "timeout_s": timeout_s,
    }
    return script(PAYLOAD, arguments, changing=True)
