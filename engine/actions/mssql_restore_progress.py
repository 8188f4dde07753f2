"""``mssql.restore_progress``: how far an earlier try of the same restore came, from what the server has on record.

It changes nothing, and refuses only what no restore can begin with: a snapshot of the database. A database is ``begun``
if its contents are already gone or already those of the wanted sets: it is waiting for more sets, or it came back from
them after the moment. Whoever runs a recovery again has to know that, as such a database can no longer be told from the
baseline, or cannot be read at all.
"""

from engine.actions.base import BuiltIn, describe
from engine.actions.mssql_restore_database import (
    RESTORING,
    Case,
    cases_of,
    hindered_by_snapshots,
    look_at,
    mistake_in,
    told,
)
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


class MssqlRestoreProgress(BuiltIn):
    """The looks of ``mssql.restore_database``, and no more."""

    info = describe(
        "mssql.restore_progress",
        summary="How far a restore of these sets came in an earlier try",
        effect=Effect.OBSERVE,
        about="databases",
        within="instance",
        timeout_s=180.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """States, then the history of each database."""
        del host
        return look_at(args, seen)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """What was found; sets that are no chain are a mistake."""
        mistake = mistake_in(args)
        if mistake:
            return Refuse(why=mistake, remedy="Give the sets as mssql.backup_chain gives them, and its moment.")
        cases = cases_of(args, seen)
        begun = [one.name for one in cases if _is_begun(one)]
        result: JsonMap = {
            "databases": {one.name: told(one) for one in cases},
            "begun": list(begun),
            "all_restored": all(one.done for one in cases),
            "examined": len(cases),
        }
        hindered = hindered_by_snapshots([one for one in cases if not one.done], host, result)
        if hindered:
            return hindered
        words = "; ".join(f"{one.name} {_words(one)}" for one in cases)
        return Unchanged(why=f"On {host.name} {words}", result=result, examined=len(cases))


def _is_begun(case: Case) -> bool:
    return case.done or case.state == RESTORING


def _words(case: Case) -> str:
    if case.done:
        return "came back from the wanted sets already"
    if case.state == RESTORING:
        return f"is {RESTORING} and waits for {len(case.left)} of {len(case.chain)} sets"
    return f"is {case.state}, and no restore of it was begun" if case.state else "is not there"
