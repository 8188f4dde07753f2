"""A statement of T-SQL that takes long: a job of its own on the SQL Server's host, which outlives the session.

A job has a key. Begun twice with the same content it is the same job; the host refuses other content under its key.
A job that has ended stays on the host until it is forgotten, so that its end can still be asked for.
"""

import re
from collections.abc import Mapping

from engine.actions.base import script
from engine.model.command import Argument, Detached, Script
from engine.model.data import JsonMap, digest, text_digest
from engine.model.packaged import payload
from engine.ports.action import Arguments

PERCENT = "mssql_job.percent.sql"
START, POLL, FORGET, WORK = (f"mssql_job.{one}.ps1" for one in ("start", "poll", "forget", "work"))

_LOOKS = 600  # five a second, while the process takes up its work: a start of PowerShell can take a minute
_FIT = re.compile(r"[A-Za-z0-9-]{1,100}")


def job(
    args: Arguments,
    key: str,
    text: str,
    params: Mapping[str, str],
    *,
    database: str = "master",
    timeout_s: int = 0,
    every_s: float = 5.0,
    changing: bool = True,
) -> Detached:
    """Send ``text`` with its parameters to the step's instance; a time-out of 0 lets it take what it takes."""
    instance = str(args.get("instance", ""))
    data: JsonMap = {
        "text": text,
        "params": dict(params),
        "database": database,
        "instance": instance,
        "timeout_s": timeout_s,
    }
    content = digest({"text": text, "params": dict(params), "database": database, "instance": instance})
    name = _named(key)
    begin: dict[str, Argument] = {
        "key": name,
        "digest": content,
        "data": data,
        "work": payload(WORK),
        "looks": _LOOKS,
    }
    return Detached(
        start=script(START, begin, changing=changing),
        poll=script(POLL, {"key": name, "instance": instance, "percent": payload(PERCENT)}),
        every_s=every_s,
        changing=changing,
    )


def forget(key: str, *, changing: bool = True) -> Script:
    """Remove what an ended job left, so that it can be begun anew; one that is at work is left alone."""
    return script(FORGET, {"key": _named(key)}, changing=changing)


def _named(key: str) -> str:
    """A part of a key may be what a host said, and a key becomes the name of a folder."""
    return key if _FIT.fullmatch(key) else text_digest(key)
