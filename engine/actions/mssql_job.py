"""A statement of T-SQL that takes long: a job of its own on the SQL Server's host, which outlives the session.

A job has a key. Begun twice with the same content it is the same job; the host refuses other content under its key.
A job that has ended stays on the host until it is forgotten, so that its end can still be asked for.
"""

from collections.abc import Mapping

from engine.actions.base import script
from engine.model.command import Argument, Detached, Script
from engine.model.data import JsonMap, digest
from engine.model.packaged import payload
from engine.ports.action import Arguments

PERCENT = "mssql_job.percent.sql"
START, POLL, FORGET, WORK = (f"mssql_job.{one}.ps1" for one in ("start", "poll", "forget", "work"))


def job(
    args: Arguments,
    key: str,
    text: str,
    params: Mapping[str, str],
    *,
    database: str = "master",
    timeout_s: int = 0,
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
    begin: dict[str, Argument] = {"key": key, "digest": content, "data": data, "work": payload(WORK)}
    return Detached(
        start=script(START, begin, changing=changing),
        poll=script(POLL, {"key": key, "instance": instance, "percent": payload(PERCENT)}),
        changing=changing,
    )


def forget(key: str, *, changing: bool = True) -> Script:
    """Remove what an ended job left, so that it can be begun anew; one that is at work is left alone."""
    return script(FORGET, {"key": key}, changing=changing)
