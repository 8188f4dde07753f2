"""What staging a restore has to go by, out of what was seen: copies, chains, lists of files, versions and room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.actions.base import as_list, whole
from engine.actions.mssql_ask import rows_of, text_of
from engine.actions.mssql_database import FILES, ROWS
from engine.actions.restore_plan import Source, chain_of, progress, remaining, sources
from engine.actions.stage_room import Room, rooms
from engine.actions.staged_copy import ONLINE, Copy, Folders, folder, found_copy, need, placed
from engine.model.data import JsonMap
from engine.model.result import value_map
from engine.ports.action import Arguments, Seen

FIXED = (ROWS, FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
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


def is_absent(args: Arguments) -> bool:
    """True if the copies are to go."""
    return args.get("state") == "absent"


def target_of(args: Arguments, name: str) -> str:
    """The copy's name."""
    return f"{name}{args['suffix']}"


def folders_of(args: Arguments) -> Folders:
    """Where the copies' files go."""
    data = folder(args["data_folder"])
    return Folders(data=data, log=folder(args["log_folder"]) if args.get("log_folder") else data)


def wanted_sets(args: Arguments) -> list[Source]:
    """The sets of all chains, in the order in which they are looked at."""
    sets = sources(args)
    return [one for name in as_list(args["databases"]) for one in chain_of(sets, name)]


def copies_in(args: Arguments, seen: Seen) -> list[Copy]:
    """What has the names of the copies."""
    states = {text_of(row, "name").lower(): text_of(row, "state_desc") for row in rows_of(seen[0])}
    files, names = rows_of(seen[1]), as_list(args["databases"])
    return [
        found_copy(name, target_of(args, name), states, files, progress(rows_of(answer)), folders_of(args))
        for name, answer in zip(names, seen[len(FIXED) :], strict=False)
    ]


def cases_in(args: Arguments, seen: Seen) -> list[Case]:
    """Everything that was seen, by database."""
    sets, copies = sources(args), copies_in(args, seen)
    start = len(FIXED) + len(copies)
    count = len(wanted_sets(args))
    lists = [rows_of(one) for one in seen[start : start + count]]
    told = iter(seen[start + count + 2 :])
    cases = []
    for copy in copies:
        chain = chain_of(sets, copy.source)
        own, lists = tuple(lists[: len(chain)]), lists[len(chain) :]
        answer = next(told, None) if copy.is_ours and copy.state == ONLINE else None
        rows = rows_of(answer) if answer is not None and answer.ok else ()
        version = text_of(rows[0], "DBVersion") or None if len(rows) == 1 else None
        cases.append(Case(copy=copy, chain=chain, lists=own, version=version))
    return cases


def taken(args: Arguments, cases: Sequence[Case], seen: Seen) -> list[str]:
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
            paths = placed(listed, one.copy.name, folders_of(args)).values()
            wrong += [f"{path} is a file of {used[path.lower()]}" for path in paths if path.lower() in used]
    return wrong


def room_for(args: Arguments, cases: Sequence[Case], seen: Seen) -> tuple[Room, ...]:
    """The set that needs most counts; what a copy has already is given back."""
    data = log = 0
    for one in cases:
        if one.done:
            continue
        sizes = [need(listed) for listed in one.lists]
        data += max((size[0] for size in sizes), default=0) - (one.copy.size if one.copy.is_ours else 0)
        log += max((size[1] for size in sizes), default=0)
    start = len(FIXED) + len(cases) + len(wanted_sets(args))
    looks = [value_map(one) for one in seen[start : start + 2]]
    places = folders_of(args)
    return rooms([(places.data, max(0, data)), (places.log, max(0, log))], looks, whole(args.get("keep_free_bytes")))


def other_versions(args: Arguments, cases: Sequence[Case]) -> list[str]:
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


def result_of(cases: Sequence[Case], room: Sequence[Room]) -> JsonMap:
    """The step's result; times are filled in after the change."""
    return {
        "databases": {one.copy.source: told_of(one.copy, one) for one in cases},
        "copies": [one.copy.name for one in cases],
        "space": [one.plain() for one in room],
        "seconds": None,
        "examined": len(cases),
    }


def told_of(copy: Copy, case: Case | None) -> JsonMap:
    """One database in the result."""
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
