"""``mssql.backup_chain``: for each database the newest chain of backups in ``msdb`` that ended before a moment.

It tells how much a restore would lose, and why every other set is not in the chain. A history is not the files: whether
they are there and whole is the question of ``mssql.verify_backup``.
"""

import math
from datetime import UTC, datetime, timedelta

from engine.actions.backup_chain import Choice, choose
from engine.actions.backup_set import BackupSet, sets_of
from engine.actions.base import BuiltIn, as_list, describe, whole
from engine.actions.mssql_ask import ask, ask_shipped, first_row, rows_of, text_of, version_of
from engine.actions.mssql_instance import PROPERTIES
from engine.model.command import Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import CommandResult, Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

PROOF = "backup-chain"
HISTORY = "mssql_backup_chain.history.sql"
_MAX_ROWS = 50000
_HISTORY_S = 120  # some histories were never cleaned up
_FIRST_YEAR = 1990
_MAX_REASONS = 200


class MssqlBackupChain(BuiltIn):
    """The instance's version first, then the history of each database."""

    info = describe(
        "mssql.backup_chain",
        summary="The newest chain of backups that a database can be restored from, ended before a moment",
        effect=Effect.OBSERVE,
        yields=(PROOF,),
        about="databases",
        within="instance",
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """No look without a moment that means one moment."""
        del host
        before, names = _moment(args), as_list(args["databases"])
        if before is None or len(seen) > len(names):
            return None
        if not seen:
            return ask_shipped(args, PROPERTIES)
        # A day more, as the history is in local time.
        since = before - timedelta(days=whole(args.get("lookback_days")) + 1)
        params = {"database": names[len(seen) - 1], "since": since.strftime("%Y-%m-%dT%H:%M:%S")}
        return ask(args, payload(HISTORY), params, max_rows=_MAX_ROWS, timeout_s=_HISTORY_S)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """A chain for every database, none older than allowed."""
        before = _moment(args)
        if before is None:
            return Refuse(
                why=f"{args['before']} is no moment with its offset from UTC",
                remedy="Write it as 2013-03-02T09:00:00+01:00.",
            )
        server = version_of(text_of(first_row(seen[0]), "version")) or ()
        choices: dict[str, Choice] = {}
        cut = []
        for name, answer in zip(as_list(args["databases"]), seen[1:], strict=False):
            choices[name] = choose(_sets(args, answer), before.timestamp(), server)
            cut += [name] if value_map(answer).get("truncated") is True else []
        return _judge(args, host, before, choices, cut)


def _moment(args: Arguments) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(args["before"]))
        return found.astimezone(UTC) if found.tzinfo is not None and found.year > _FIRST_YEAR else None
    except (ValueError, OverflowError):
        return None


def _sets(args: Arguments, answer: CommandResult) -> tuple[BackupSet, ...]:
    zone = args.get("zone_minutes")
    return sets_of(rows_of(answer), zone_minutes=zone if isinstance(zone, int) else None)


def _judge(args: Arguments, host: HostView, before: datetime, choices: dict[str, Choice], cut: list[str]) -> Decision:
    databases = {name: _one(choice, before) for name, choice in choices.items()}
    sets = [{"database": name, **_set(one)} for name, choice in choices.items() for one in choice.chain]
    ages = [one["age_s"] for one in databases.values() if isinstance(one["age_s"], float)]
    examined = sum(len(one.chain) + len(one.rejected) for one in choices.values())
    result: JsonMap = {
        "before": _iso(before.timestamp()),
        "databases": databases,
        "sets": sets,
        "oldest_age_s": max(ages, default=None),
        "restores_to": _iso(before.timestamp() - max(ages)) if ages else None,
        "window_minutes": math.ceil(max(ages) / 60) if ages else None,
        "examined": examined,
        "origin": _origin(choices),
    }
    wrong = [_none_told(name, choice) for name, choice in choices.items() if not choice.chain]
    wrong += [f"{name}: its history has more than {_MAX_ROWS} rows and was cut off" for name in cut]
    limit = args.get("max_age_s")
    if isinstance(limit, (int, float)):
        old = {name: one["age_s"] for name, one in databases.items() if isinstance(one["age_s"], float)}
        wrong += [
            f"{name}: its newest chain ends {int(age)} seconds before the moment, {limit} are allowed"
            for name, age in old.items()
            if age > limit
        ]
    if wrong:
        return Refuse(
            why=f"{host.name} cannot restore as asked: {'; '.join(wrong)}",
            remedy="Look at the reasons in the step's result. Look further back (lookback_days) or restore history.",
            result=result,
        )
    told = ", ".join(f"{name} from {len(choice.chain)}" for name, choice in choices.items())
    why = f"{examined} backup sets examined: {told}{_but(choices)}"
    return Unchanged(why=why, result=result, examined=examined, proofs=(PROOF,))


def _strangers(choices: dict[str, Choice]) -> list[str]:
    """What is not of this server's databases, each once."""
    told = [f"{name}: {one.elsewhere}" for name, choice in choices.items() for one in choice.chain if one.elsewhere]
    return list(dict.fromkeys(told))


def _but(choices: dict[str, Choice]) -> str:
    strangers = _strangers(choices)
    return f", and no full backup of this server's own is on record ({'; '.join(strangers)})" if strangers else ""


def _origin(choices: dict[str, Choice]) -> str | None:
    """Whose backups they are, as a sentence for whoever agrees to the restore."""
    if not any(one.chain for one in choices.values()):
        return None
    strangers = _strangers(choices)
    if strangers:
        return f"Look twice: not all of these backups are of the databases on this server ({'; '.join(strangers)})."
    return "The backups were made on this server, of these databases, as far as its history tells."


def _none_told(name: str, choice: Choice) -> str:
    if not choice.rejected:
        return f"{name} has no backup on record"
    last, why = choice.rejected[-1]
    count = len(choice.rejected)
    told = f"{name} has no usable chain in {count} backup {'set' if count == 1 else 'sets'}"
    return f"{told}; of the newest, a {last.words}: {why}"


def _one(choice: Choice, before: datetime) -> JsonMap:
    last = choice.chain[-1] if choice.chain else None
    rejected: list[JsonValue] = [
        {"id": one.id, "kind": one.words, "finished": _iso(one.finished), "why": why}
        for one, why in choice.rejected[-_MAX_REASONS:]
    ]
    return {
        "sets": [_set(one) for one in choice.chain],
        "ends": _iso(last.finished) if last else None,
        "age_s": before.timestamp() - last.finished if last else None,
        "size_bytes": sum(one.size for one in choice.chain),
        "self_checking": bool(choice.chain) and all(one.self_checking for one in choice.chain),
        "rejected": rejected,
        "rejected_count": len(choice.rejected),
    }


def _set(one: BackupSet) -> dict[str, JsonValue]:
    return {
        "id": one.id,
        "guid": one.uuid,
        "kind": one.words,
        "position": one.position,
        "devices": list(one.devices),
        "finished": _iso(one.finished),
        "self_checking": one.self_checking,
        "size_bytes": one.size,
    }


def _iso(seconds: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
