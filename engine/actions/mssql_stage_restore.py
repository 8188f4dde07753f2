"""``mssql.stage_restore``: restore chains of backups under other names beside the databases, and drop these again.

That a chain can be restored is known only once it was. The copies get the names of their databases with a suffix, every
file is moved, the broker stays off. What has such a name and is not a copy made here is never touched. A copy is owed
to be dropped from the moment before it begins to exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.actions.base import BuiltIn, as_list, describe, script, whole
from engine.actions.mssql_apply import bracketed
from engine.actions.mssql_ask import ask, ask_shipped, rows_of, text_of
from engine.actions.mssql_backup_copy_only import MAKE_FOLDER
from engine.actions.mssql_database import FILES, ROWS, VERSION
from engine.actions.mssql_job import forget, job
from engine.actions.mssql_restore_database import HISTORY
from engine.actions.mssql_verify_backup import file_list_text
from engine.actions.restore_plan import Source, chain_of, key_of, progress, remaining, sources, statement, wrong_with
from engine.actions.stage_room import Room, rooms
from engine.actions.staged_copy import ONLINE, Copy, Folders, folder, found_copy, need, placed
from engine.model.command import Command, Detached, Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Owed, Refuse, Unchanged, value_map
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

PROOF = "restorable"
_MANY = 10000
_FIXED = (ROWS, FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One database: its chain, what has the name of its copy, and what each set lists."""

    copy: Copy
    chain: tuple[Source, ...]
    lists: tuple[tuple[JsonMap, ...], ...]
    version: str | None = None

    @property
    def done(self) -> bool:
        """True if the copy is there, out of the wanted sets."""
        known = self.copy.known
        return self.copy.state == ONLINE and known.recovered and known.newest == self.chain[-1].guid

    @property
    def left(self) -> tuple[Source, ...]:
        """The sets still to be brought in."""
        return () if self.done else remaining(self.chain, self.copy.state, self.copy.known)


class MssqlStageRestore(BuiltIn):
    """Catalogue, histories of the copies' names, lists of files, volumes; in copies that are there their version."""

    info = describe(
        "mssql.stage_restore",
        summary="Chains of backups restored under other names, measured, and dropped again",
        effect=Effect.REVERSIBLE,
        rerun=Rerun.PROBE,
        yields=(PROOF,),
        about="databases",
        timeout_s=43200.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Only what the wanted state needs; nothing for sets that are no chain."""
        del host
        names, place = as_list(args["databases"]), len(seen) - len(_FIXED)
        if _mistake(args):
            return None
        if place < 0:
            return ask_shipped(args, _FIXED[len(seen)], max_rows=_MANY)
        if place < len(names):
            return ask_shipped(args, HISTORY, {"database": _target(args, names[place])}, max_rows=_MANY)
        return None if _absent(args) else _look_for_present(args, seen, place - len(names))

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """A copy without the table has no version."""
        del args, host
        return any("__MOMManagementGroupInfo__" in one.message for one in failed.errors)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Present or absent."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(why=mistake, remedy="Give the sets as mssql.backup_chain gives them.")
        return _removed(args, host, seen) if _absent(args) else _staged(args, host, seen)

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """As decided on the second look; what was applied tells how long it took."""
        decision = self.decide(args, host, after)
        if isinstance(decision, Change):
            return Refuse(why=f"The change did not take. {decision.why}", result=decision.result)
        if _absent(args) or not decision.result:
            return decision
        result = _timed(args, decision.result, _cases(args, before), applied)
        if isinstance(decision, Refuse):
            return Refuse(why=decision.why, remedy=decision.remedy, result=result)
        return Unchanged(why=decision.why, result=result, examined=decision.examined, proofs=decision.proofs)


def _absent(args: Arguments) -> bool:
    return args.get("state") == "absent"


def _target(args: Arguments, name: str) -> str:
    return f"{name}{args['suffix']}"


def _folders(args: Arguments) -> Folders:
    data = folder(args["data_folder"])
    return Folders(data=data, log=folder(args["log_folder"]) if args.get("log_folder") else data)


def _mistake(args: Arguments) -> str | None:
    if _absent(args):
        return None
    sets = sources(args)
    wrong = [wrong_with(name, chain_of(sets, name)) for name in as_list(args["databases"])]
    return "; ".join(one for one in wrong if one) or None


def _wanted_sets(args: Arguments) -> list[Source]:
    sets = sources(args)
    return [one for name in as_list(args["databases"]) for one in chain_of(sets, name)]


def _look_for_present(args: Arguments, seen: Seen, place: int) -> Script | None:
    """The files of each set, the two volumes, then the version in each copy that is online."""
    sets = _wanted_sets(args)
    if place < len(sets):
        one = sets[place]
        return ask(args, file_list_text(one.position), {"device1": one.devices[0]}, timeout_s=300)
    place -= len(sets)
    both = [f"{one}\\" for one in (_folders(args).data, _folders(args).log)]
    if place < len(both):
        return script("windows_volume_space.observe.ps1", {"path": both[place]})
    online = [one.name for one in _copies(args, seen) if one.is_ours and one.state == ONLINE]
    place -= len(both)
    return ask_shipped(args, VERSION, database=online[place]) if place < len(online) else None


def _copies(args: Arguments, seen: Seen) -> list[Copy]:
    states = {text_of(row, "name").lower(): text_of(row, "state_desc") for row in rows_of(seen[0])}
    files, names = rows_of(seen[1]), as_list(args["databases"])
    return [
        found_copy(name, _target(args, name), states, files, progress(rows_of(answer)), _folders(args))
        for name, answer in zip(names, seen[len(_FIXED) :], strict=False)
    ]


def _cases(args: Arguments, seen: Seen) -> list[_Case]:
    sets, copies = sources(args), _copies(args, seen)
    start = len(_FIXED) + len(copies)
    count = len(_wanted_sets(args))
    lists = [rows_of(one) for one in seen[start : start + count]]
    told = iter(seen[start + count + 2 :])
    cases = []
    for copy in copies:
        chain = chain_of(sets, copy.source)
        own, lists = tuple(lists[: len(chain)]), lists[len(chain) :]
        answer = next(told, None) if copy.is_ours and copy.state == ONLINE else None
        rows = rows_of(answer) if answer is not None and answer.ok else ()
        version = text_of(rows[0], "DBVersion") or None if len(rows) == 1 else None
        cases.append(_Case(copy=copy, chain=chain, lists=own, version=version))
    return cases


def _staged(args: Arguments, host: HostView, seen: Seen) -> Decision:
    cases = _cases(args, seen)
    room = _room(args, cases, seen)
    result = _result(cases, room)
    wrong = _taken(args, cases, seen) + [
        f"{one.copy.name}: a set lists no files" for one in cases if not all(one.lists)
    ]
    remedy = "Take another suffix or other folders, or remove what is there by hand if nobody needs it."
    if not wrong and not all(one.done for one in cases):
        wrong = [one.words for one in room if one.lacks]
        remedy = "Free or extend the volume, or name folders on another one."
    if wrong:
        return Refuse(why=f"{host.name} cannot stage these restores: {'; '.join(wrong)}", remedy=remedy, result=result)
    open_cases = [one for one in cases if not one.done]
    if open_cases:
        return _change(args, host, cases, open_cases, result)
    differing = _other_versions(args, cases)
    if differing:
        return Refuse(
            why=f"What {host.name} restored is not what was expected: {'; '.join(differing)}",
            remedy="These backups hold another state than the one to go back to; choose an earlier moment.",
            result=result,
        )
    why = f"{', '.join(one.copy.name for one in cases)} on {host.name} came from the wanted sets"
    return Unchanged(why=why, result=result, examined=len(cases), proofs=(PROOF,))


def _taken(args: Arguments, cases: Sequence[_Case], seen: Seen) -> list[str]:
    """Names and places that something else has."""
    wrong = [f"{one.copy.name} exists, and {one.copy.why_foreign}" for one in cases if one.copy.why_foreign]
    own = {one.copy.name.lower() for one in cases}
    used = {
        text_of(row, "physical_name").lower(): text_of(row, "database_name")
        for row in rows_of(seen[1])
        if text_of(row, "database_name").lower() not in own
    }
    for one in cases:
        for listed in one.lists[:1]:
            paths = placed(listed, one.copy.name, _folders(args)).values()
            wrong += [f"{path} is a file of {used[path.lower()]}" for path in paths if path.lower() in used]
    return wrong


def _room(args: Arguments, cases: Sequence[_Case], seen: Seen) -> tuple[Room, ...]:
    """The set that needs most counts; what a copy has already is given back."""
    data = log = 0
    for one in cases:
        if one.done:
            continue
        sizes = [need(listed) for listed in one.lists]
        data += max((size[0] for size in sizes), default=0) - (one.copy.size if one.copy.is_ours else 0)
        log += max((size[1] for size in sizes), default=0)
    start = len(_FIXED) + len(cases) + len(_wanted_sets(args))
    looks = [value_map(one) for one in seen[start : start + 2]]
    places = _folders(args)
    return rooms([(places.data, max(0, data)), (places.log, max(0, log))], looks, whole(args.get("keep_free_bytes")))


def _change(args: Arguments, host: HostView, cases: Sequence[_Case], todo: Sequence[_Case], result: JsonMap) -> Change:
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


def _steps(args: Arguments, cases: Sequence[_Case]) -> list[tuple[str, Command]]:
    """What is sent, and for which database; their folders come first."""
    places = dict.fromkeys((_folders(args).data, _folders(args).log)) if any(one.left for one in cases) else {}
    steps: list[tuple[str, Command]] = [("", script(MAKE_FOLDER, {"folder": one}, changing=True)) for one in places]
    for one in cases:
        by_guid = dict(zip((source.guid for source in one.chain), one.lists, strict=False))
        for source in one.left:
            moves = placed(by_guid[source.guid], one.copy.name, _folders(args))
            first, last = source is one.chain[0], source is one.chain[-1]
            made = statement(source, one.copy.name, moves=moves, last=last, replace=first and one.copy.is_ours)
            steps.append((one.copy.source, forget(made.key)))
            steps.append((one.copy.source, job(args, made.key, made.text, made.params)))
    return steps


def _drop(args: Arguments, copy: Copy) -> tuple[Command, Command]:
    key = key_of("drop", copy.name, str(copy.known.number))
    return forget(key), job(args, key, f"DROP DATABASE {bracketed(copy.name)};", {})


def _removed(args: Arguments, host: HostView, seen: Seen) -> Decision:
    copies = _copies(args, seen)
    ours = [one for one in copies if one.is_ours]
    foreign = [one for one in copies if one.why_foreign]
    result: JsonMap = {
        "databases": {one.source: _one(one, None) for one in copies},
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


def _other_versions(args: Arguments, cases: Sequence[_Case]) -> list[str]:
    """The copies whose version is not the wanted one; a version nobody named is no agreement."""
    given = args.get("versions")
    if not isinstance(given, Mapping):
        return []
    wanted = {str(name).lower(): str(version) for name, version in given.items()}
    wrong = []
    for one in cases:
        expected = wanted.get(one.copy.source.lower())
        if expected is None:
            wrong.append(f"no version of {one.copy.source} is given to compare with")
        elif one.version != expected:
            wrong.append(f"{one.copy.name} has version {one.version or 'unknown'} and not {expected}")
    return wrong


def _result(cases: Sequence[_Case], room: Sequence[Room]) -> JsonMap:
    return {
        "databases": {one.copy.source: _one(one.copy, one) for one in cases},
        "copies": [one.copy.name for one in cases],
        "space": [one.plain() for one in room],
        "seconds": None,
        "examined": len(cases),
    }


def _one(copy: Copy, case: _Case | None) -> JsonMap:
    return {
        "name": copy.name,
        "state": copy.state or None,
        "files": list(copy.paths),
        "size_bytes": copy.size,
        "from_guid": copy.known.newest or None,
        "ends": case.chain[-1].finished if case else None,
        "version": case.version if case else None,
        "seconds": None,
    }


def _timed(args: Arguments, result: JsonMap, cases: Sequence[_Case], applied: Sequence[CommandResult]) -> JsonMap:
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
