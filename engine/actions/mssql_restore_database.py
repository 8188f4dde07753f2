"""``mssql.restore_database``: bring databases back from chains of backups, in place, and never twice.

Each set is one job that outlives the session. What the server has on record is not done again: a database that is
online and whose newest restore is the last set of its chain is left alone, and a chain that was broken off goes on
with the first set that is not on record. A restore that began before ``before`` is an older one and does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.actions.base import BuiltIn, as_list, describe
from engine.actions.mssql_ask import ask_shipped, rows_of, text_of
from engine.actions.mssql_database import ROWS
from engine.actions.mssql_job import forget, job
from engine.actions.restore_plan import (
    Progress,
    Source,
    chain_of,
    named_twice,
    progress,
    remaining,
    sources,
    statement,
    wrong_with,
)
from engine.model.command import Command, Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

PROOF = "restored"
HISTORY = "mssql_restore_database.history.sql"
_MANY = 5000
_ONLINE, RESTORING = "ONLINE", "RESTORING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One database: its chain, and how it stands. ``state`` is empty where there is none."""

    name: str
    chain: tuple[Source, ...]
    state: str
    known: Progress
    done: bool
    snapshots: tuple[str, ...] = ()

    @property
    def left(self) -> tuple[Source, ...]:
        """The sets still to be brought in."""
        return () if self.done else remaining(self.chain, self.state, self.known)


class MssqlRestoreDatabase(BuiltIn):
    """The states of all databases, then the history of restores of each."""

    info = describe(
        "mssql.restore_database",
        summary="Databases brought back from verified chains of backups, over what is there now",
        effect=Effect.PERMANENT,
        rerun=Rerun.PROBE,
        disruptive=True,
        yields=(PROOF,),
        consumes=("backup-verified(about)", "safety-copied(about)", "consent(data-loss)", "services-stopped"),
        about="databases",
        within="instance",
        timeout_s=43200.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Nothing is looked at for sets that are no chain."""
        del host
        return look_at(args, seen)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Every database is back, or what is still to be brought in."""
        mistake = mistake_in(args)
        if mistake:
            return Refuse(why=mistake, remedy="Give the sets as mssql.backup_chain gives them, and its moment.")
        cases = cases_of(args, seen)
        result: JsonMap = {"databases": {one.name: told(one) for one in cases}, "examined": len(cases)}
        open_cases = [one for one in cases if not one.done]
        hindered = hindered_by_snapshots(open_cases, host, result)
        if hindered:
            return hindered
        if not open_cases:
            why = f"{_words(cases)} on {host.name} came back from the wanted sets"
            return Unchanged(why=why, result=result, examined=len(cases), proofs=(PROOF,))
        kept = [one.name for one in open_cases if one.state not in ("", RESTORING) and args.get("replace") is not True]
        if kept:
            return Refuse(
                why=f"{', '.join(kept)} on {host.name} would be written over, and the step does not say replace",
                remedy="Say replace: true if what is in them now may be lost.",
                result=result,
            )
        return Change(
            why=f"bring {_words(open_cases)} on {host.name} back from backups",
            before={one.name: _before(one) for one in open_cases},
            after={one.name: _after(one) for one in open_cases},
            commands=tuple(command for one in open_cases for command in _commands(args, one)),
            result=result,
        )


def hindered_by_snapshots(cases: Sequence[Case], host: HostView, result: JsonMap) -> Refuse | None:
    """What the server would refuse as well, after everything was stopped for it."""
    told = [f"{one.name} on {host.name} has {', '.join(one.snapshots)}" for one in cases if one.snapshots]
    if not told:
        return None
    return Refuse(
        why=f"SQL Server restores no database that has a snapshot: {'; '.join(told)}",
        remedy="A snapshot from before the upgrade may be a shorter way back: ask who made it. Nothing here drops it.",
        result=result,
    )


def look_at(args: Arguments, seen: Seen) -> Script | None:
    """The states of all databases, then the history of each; nothing for sets that are no chain."""
    names = as_list(args["databases"])
    if mistake_in(args) or len(seen) > len(names):
        return None
    if not seen:
        return ask_shipped(args, ROWS, max_rows=_MANY)
    return ask_shipped(args, HISTORY, {"database": names[len(seen) - 1]}, max_rows=_MANY)


def mistake_in(args: Arguments) -> str | None:
    """What is wrong with the arguments alone."""
    if _moment(args) is None:
        return f"{args['before']} is no moment with its offset from UTC"
    sets = sources(args)
    names = as_list(args["databases"])
    wrong = [named_twice(names), *(wrong_with(name, chain_of(sets, name)) for name in names)]
    return "; ".join(one for one in wrong if one) or None


def _moment(args: Arguments) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(args["before"]))
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def cases_of(args: Arguments, seen: Seen) -> list[Case]:
    """Each database with its chain, and how it stands."""
    states = {text_of(row, "name").lower(): text_of(row, "state_desc") for row in rows_of(seen[0])}
    sets, since = sources(args), _moment(args)
    found = []
    for name, answer in zip(as_list(args["databases"]), seen[1:], strict=False):
        chain, known = chain_of(sets, name), progress(rows_of(answer))
        state = states.get(name.lower(), "")
        began = restored_at(known)
        late = since is not None and began is not None and began >= since
        done = state == _ONLINE and known.recovered and known.newest == chain[-1].guid and late
        snapshots = tuple(
            text_of(row, "name") for row in rows_of(seen[0]) if text_of(row, "snapshot_of").lower() == name.lower()
        )
        found.append(Case(name=name, chain=chain, state=state, known=known, done=done, snapshots=snapshots))
    return found


def restored_at(known: Progress) -> datetime | None:
    """When the newest restore began, in UTC; None without one."""
    try:
        local = datetime.fromisoformat(known.at)
    except ValueError:
        return None
    return local.replace(tzinfo=UTC) - timedelta(minutes=known.zone_minutes)


def _commands(args: Arguments, case: Case) -> list[Command]:
    """For each set left: room for its job, then the job. Only the first one of a chain may replace a database."""
    commands: list[Command] = []
    for source in case.left:
        first, last = source is case.chain[0], source is case.chain[-1]
        one = statement(source, case.name, last=last, replace=first and args.get("replace") is True)
        commands += [forget(one.key), job(args, one.key, one.text, one.params)]
    return commands


def told(case: Case) -> JsonMap:
    """Its row in the result."""
    began = restored_at(case.known)
    wanted = case.chain[-1]
    return {
        "state": case.state or None,
        "restored": case.done,
        "from_guid": case.known.newest or None,
        "restored_at": began.isoformat(timespec="seconds") if began else None,
        "wanted_guid": wanted.guid,
        "ends": wanted.finished,
        "sets": len(case.chain),
        "sets_left": len(case.left),
        "size_bytes": sum(one.size for one in case.chain),
    }


def _before(case: Case) -> JsonValue:
    return f"{case.state or 'absent'}, {len(case.chain) - len(case.left)} of {len(case.chain)} sets are in"


def _after(case: Case) -> JsonValue:
    last = case.chain[-1]
    return f"ONLINE as of {last.finished or 'an unknown time'}, the end of a {last.kind} ({last.guid})"


def _words(cases: Sequence[Case]) -> str:
    return ", ".join(one.name for one in cases)
