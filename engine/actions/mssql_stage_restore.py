"""``mssql.stage_restore``: restore chains of backups under other names beside the databases, and drop these again.

That a chain can be restored is known only once it was. The copies get the names of their databases with a suffix, every
file is moved, the broker stays off. What has such a name and is not a copy made here is never touched. A copy is owed
to be dropped from the moment before it begins to exist.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, as_list, describe, script
from engine.actions.mssql_apply import bracketed
from engine.actions.mssql_ask import ask, ask_shipped
from engine.actions.mssql_backup_copy_only import MAKE_FOLDER
from engine.actions.mssql_database import VERSION
from engine.actions.mssql_job import forget, job
from engine.actions.mssql_restore_database import HISTORY
from engine.actions.mssql_verify_backup import file_list_text
from engine.actions.restore_plan import chain_of, key_of, named_twice, sources, statement, wrong_with
from engine.actions.stage_case import (
    FIXED,
    Case,
    cases_in,
    copies_in,
    folders_of,
    is_absent,
    other_versions,
    result_of,
    room_for,
    taken,
    target_of,
    told_of,
    wanted_sets,
)
from engine.actions.staged_copy import ONLINE, Copy, placed
from engine.model.command import Command, Detached, Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Owed, Refuse, Unchanged
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

PROOF = "restorable"
_MANY = 10000
_LONGEST = 128


class MssqlStageRestore(BuiltIn):
    """Catalogue, histories of the copies' names, lists of files, volumes; in copies that are there their version."""

    info = describe(
        "mssql.stage_restore",
        summary="Chains of backups restored under other names, measured, and dropped again",
        effect=Effect.REVERSIBLE,
        rerun=Rerun.PROBE,
        yields=(PROOF,),
        about="databases",
        within="instance",
        timeout_s=43200.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Only what the wanted state needs; nothing for sets that are no chain."""
        del host
        names, place = as_list(args["databases"]), len(seen) - len(FIXED)
        if _mistake(args):
            return None
        if place < 0:
            return ask_shipped(args, FIXED[len(seen)], max_rows=_MANY)
        if place < len(names):
            return ask_shipped(args, HISTORY, {"database": target_of(args, names[place])}, max_rows=_MANY)
        return None if is_absent(args) else _look_for_present(args, seen, place - len(names))

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """A copy without the table has no version."""
        del args, host
        return any("__MOMManagementGroupInfo__" in one.message for one in failed.errors)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Present or absent."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(
                why=mistake,
                remedy="Give the sets as mssql.backup_chain gives them, and a shorter suffix.",
            )
        return _removed(args, host, seen) if is_absent(args) else _staged(args, host, seen)

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """As decided on the second look; what was applied tells how long it took."""
        decision = self.decide(args, host, after)
        if isinstance(decision, Change):
            return Refuse(why=f"The change did not take. {decision.why}", result=decision.result)
        if is_absent(args) or not decision.result:
            return decision
        result = _timed(args, decision.result, cases_in(args, before), applied)
        if isinstance(decision, Refuse):
            return Refuse(why=decision.why, remedy=decision.remedy, result=result)
        return Unchanged(why=decision.why, result=result, examined=decision.examined, proofs=decision.proofs)


def _mistake(args: Arguments) -> str | None:
    long = [name for name in (target_of(args, one) for one in as_list(args["databases"])) if len(name) > _LONGEST]
    if long:
        return f"the name {long[0]} has {len(long[0])} characters, and a database's name has {_LONGEST} at most"
    if is_absent(args):
        return None
    sets = sources(args)
    names = as_list(args["databases"])
    wrong = [named_twice(names), *(wrong_with(name, chain_of(sets, name)) for name in names)]
    return "; ".join(one for one in wrong if one) or None


def _look_for_present(args: Arguments, seen: Seen, place: int) -> Script | None:
    """The files of each set, the two volumes, then the version in each copy that is online."""
    sets = wanted_sets(args)
    if place < len(sets):
        one = sets[place]
        return ask(args, file_list_text(one.position), {"device1": one.devices[0]}, timeout_s=300)
    place -= len(sets)
    both = [f"{one}\\" for one in (folders_of(args).data, folders_of(args).log)]
    if place < len(both):
        return script("windows_volume_space.observe.ps1", {"path": both[place]})
    online = [one.name for one in copies_in(args, seen) if one.is_ours and one.state == ONLINE]
    place -= len(both)
    return ask_shipped(args, VERSION, database=online[place]) if place < len(online) else None


def _staged(args: Arguments, host: HostView, seen: Seen) -> Decision:
    cases = cases_in(args, seen)
    room = room_for(args, cases, seen)
    result = result_of(cases, room)
    wrong = taken(args, cases, seen) + [f"{one.copy.name}: a set lists no files" for one in cases if not all(one.lists)]
    remedy = "Take another suffix or other folders, or remove what is there by hand if nobody needs it."
    if not wrong and not all(one.done for one in cases):
        wrong = [one.words for one in room if one.lacks]
        remedy = "Free or extend the volume, or name folders on another one."
    if wrong:
        return Refuse(why=f"{host.name} cannot stage these restores: {'; '.join(wrong)}", remedy=remedy, result=result)
    open_cases = [one for one in cases if not one.done]
    if open_cases:
        return _change(args, host, cases, open_cases, result)
    differing = other_versions(args, cases)
    if differing:
        return Refuse(
            why=f"What {host.name} restored is not what was expected: {'; '.join(differing)}",
            remedy="These backups hold another state than the one to go back to; choose an earlier moment.",
            result=result,
        )
    why = f"{', '.join(one.copy.name for one in cases)} on {host.name} came from the wanted sets"
    return Unchanged(why=why, result=result, examined=len(cases), proofs=(PROOF,))


def _change(args: Arguments, host: HostView, cases: Sequence[Case], todo: Sequence[Case], result: JsonMap) -> Change:
    names = ", ".join(one.copy.name for one in todo)
    dropping: list[Command] = [command for one in todo for command in _drop(args, one.copy)]
    return Change(
        why=f"restore {', '.join(one.copy.source for one in todo)} on {host.name} as {names}",
        before={one.copy.name: one.copy.state or "absent" for one in todo},
        after={one.copy.name: f"ONLINE as of {one.chain[-1].finished or 'an unknown time'}" for one in todo},
        commands=tuple(command for _, command in _steps(args, cases)),
        undo=tuple(dropping),
        result=result,
        owes=tuple(_owed(one.copy.name) for one in todo),
    )


def _owed(name: str) -> Owed:
    return Owed(
        key=_debt(name),
        what=f"drop database {name}",
        how="mssql.stage_restore with state: absent and the same suffix and folders drops it, as stage-restore does.",
    )


def _debt(name: str) -> str:
    return f"staged-database({name})"


def _steps(args: Arguments, cases: Sequence[Case]) -> list[tuple[str, Command]]:
    """What is sent, and for which database; their folders come first."""
    places = dict.fromkeys((folders_of(args).data, folders_of(args).log)) if any(one.left for one in cases) else {}
    steps: list[tuple[str, Command]] = [("", script(MAKE_FOLDER, {"folder": one}, changing=True)) for one in places]
    for one in cases:
        by_guid = dict(zip((source.guid for source in one.chain), one.lists, strict=False))
        for source in one.left:
            moves = placed(by_guid[source.guid], one.copy.name, folders_of(args))
            first, last = source is one.chain[0], source is one.chain[-1]
            made = statement(source, one.copy.name, moves=moves, last=last, replace=first and one.copy.is_ours)
            steps.append((one.copy.source, forget(made.key)))
            steps.append((one.copy.source, job(args, made.key, made.text, made.params)))
    return steps


def _drop(args: Arguments, copy: Copy) -> tuple[Command, Command]:
    key = key_of("drop", copy.name, str(copy.known.number))
    return forget(key), job(args, key, f"DROP DATABASE {bracketed(copy.name)};", {})


def _removed(args: Arguments, host: HostView, seen: Seen) -> Decision:
    copies = copies_in(args, seen)
    ours = [one for one in copies if one.is_ours]
    foreign = [one for one in copies if one.why_foreign]
    result: JsonMap = {
        "databases": {one.source: told_of(one, None) for one in copies},
        "copies": [one.name for one in copies if one.state],
        "space": [],
        "seconds": None,
        "examined": len(copies),
    }
    if ours:
        names = ", ".join(one.name for one in ours)
        return Change(
            why=f"drop {names} on {host.name}",
            before={one.name: one.state for one in ours},
            after={one.name: "absent" for one in ours},
            commands=tuple(command for one in ours for command in _drop(args, one)),
            result=result,
        )
    gone = [one.name for one in copies if not one.state]
    told = [f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'} absent on {host.name}"] if gone else []
    told += [f"{one.name} is left alone: {one.why_foreign}" for one in foreign]
    pays = tuple(_debt(name) for name in gone)
    return Unchanged(why="; ".join(told), result=result, examined=len(copies), pays=pays)


def _timed(args: Arguments, result: JsonMap, cases: Sequence[Case], applied: Sequence[CommandResult]) -> JsonMap:
    """How long each restore took, where all of it was done in this step."""
    steps = _steps(args, cases)
    if len(applied) != len(steps):
        return result
    measured = {one.copy.source for one in cases if len(one.left) == len(one.chain)}
    took: dict[str, float] = {}
    for (name, command), answer in zip(steps, applied, strict=True):
        if isinstance(command, Detached) and name in measured:
            took[name] = took.get(name, 0.0) + answer.duration_s
    databases = result["databases"]
    assert isinstance(databases, dict)
    timed: dict[str, JsonValue] = {
        name: {**one, "seconds": round(took[name], 3)} if name in took else one for name, one in databases.items()
    }
    return {**result, "databases": timed, "seconds": round(sum(took.values()), 3) if took else None}
