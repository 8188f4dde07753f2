"""Evidence to findings: the names that rows may ask for, each with one value, and the statements behind them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.conduct.triage_versions import CHANGED, EQUAL, Item, items, overall, short
from engine.model.triage import UNKNOWN, Concern, Evidence, ExitCodeGroup, Missing, Sighting, Signature, TriageSpec

DAY = 24 * 3600
WEEK = 7 * DAY
_OLDER = "it is older than the start of the upgrade"
_BEGUN = "the run of setup that wrote it began more than a day before the upgrade"
_TOLERANCE = 60
_HARMLESS = re.compile(r"\bwarning\b|\bwarn\b|^\s*!|\bpassed\b|\bsucce(ss|eded)|^\s*(none|ok)\s*$", re.IGNORECASE)
_BLOCKING = re.compile(r"\bfail|\berror\b|\bblock|^\s*x\b|\[x\]|\(x\)|\u2717|\u2718|\u274c", re.IGNORECASE)

NOTHING_CHANGED = (
    "prerequisite-check", "predicted-checks", "before-permanent-changes", "configuration-service-timeout",
)  # fmt: skip
SERVER = "after-permanent-changes-management-server"
DATABASE = "after-permanent-changes-database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Something seen, the finding it belongs to, and the phases it speaks for and against."""

    finding: str
    sighting: Sighting
    speaks_for: frozenset[str] = frozenset()
    speaks_against: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Values by name, the statements behind them, what is missing, and the comparisons and sightings they rest on."""

    values: dict[str, str]
    statements: tuple[Statement, ...]
    missing: tuple[Missing, ...]
    compared: tuple[Item, ...] = ()
    seen: tuple[Sighting, ...] = ()


def findings(evidence: Evidence, spec: TriageSpec) -> Findings:
    """Everything the table may ask."""
    compared, missing = items(evidence, _failed(evidence, spec))
    values, statements = _versions(compared, evidence)
    answers = evidence.answers
    values |= {"setup_running": answers.setup_running, "retry_button": answers.retry_button}
    values["prerequisite_page"] = _page_state(answers.prerequisite_page)
    group = _group(spec, answers.exit_code)
    values["exit_code"] = group.name if group else ("none" if answers.exit_code is None else "other")
    statements += _answer_statements(evidence, spec, group)
    seen = [_in_time(_in_place(one, evidence, spec), evidence) for one in evidence.sightings]
    for signature in spec.signatures:
        mine = [one for one in seen if one.signature == signature.id]
        values[signature.id] = _state(signature, mine, evidence)
        statements += [_sighted(signature, one, spec) for one in mine]
    return Findings(
        values=values,
        statements=tuple(statements),
        missing=(*missing, *_absent(evidence, compared), *_outdated(seen)),
        compared=compared,
        seen=tuple(seen),
    )


def _failed(evidence: Evidence, spec: TriageSpec) -> frozenset[str]:
    """Hosts with a sign that setup failed there, in lower case and without their domain."""
    telling = {one.id for one in spec.signatures if one.speaks_for and one.logs}
    seen = [one for one in evidence.sightings if one.signature in telling and one.superseded is None]
    return frozenset(short(one.host) for one in seen if one.host)


def _state(signature: Signature, seen: list[Sighting], evidence: Evidence) -> str:
    counted = [one for one in seen if one.superseded is None]
    if counted:
        # An event log goes back for years: without both times nobody knows what an event belongs to.
        started = evidence.upgrade.started_at is not None
        sure = any(not one.of_event or (started and one.at) for one in counted)
        return "found" if sure else "undated"
    if signature.logs:
        return "absent" if evidence.counts.log_files else UNKNOWN
    if signature.events:
        return "absent" if evidence.counts.events else UNKNOWN
    return "absent"


def _sighted(signature: Signature, sighting: Sighting, spec: TriageSpec) -> Statement:
    if sighting.superseded is not None or not signature.speaks_for:
        return Statement(finding="", sighting=sighting)
    own = frozenset(signature.speaks_for)
    return Statement(
        finding=signature.id, sighting=sighting, speaks_for=own, speaks_against=frozenset(spec.phases) - own
    )


def _in_place(sighting: Sighting, evidence: Evidence, spec: TriageSpec) -> Sighting:
    """The registry of a SQL Server says nothing of what setup asks of its own server."""
    of_registry = any(one.id == sighting.signature and one.registry for one in spec.signatures)
    if not of_registry or sighting.host is None or sighting.superseded:
        return sighting
    known = (*evidence.hosts, *(evidence.baseline or ()))
    roles = {one.role for one in known if short(one.name) == short(sighting.host)} - {UNKNOWN}
    why = "it lies on a SQL Server, where setup does not run"
    return replace(sighting, superseded=why) if roles == {"sql-server"} else sighting


def _in_time(sighting: Sighting, evidence: Evidence) -> Sighting:
    """A sighting from before the upgrade supports nothing. Where the start is unknown, an event may be a week old."""
    started = evidence.upgrade.started_at
    if sighting.superseded or not (sighting.at or sighting.since):
        return sighting
    if started is not None and sighting.since and all(one < started - DAY for one in sighting.since):
        return replace(sighting, superseded=_BEGUN)
    if not sighting.at:
        return sighting
    if started is not None:
        old = all(one < started - _TOLERANCE for one in sighting.at)
        return replace(sighting, superseded=_OLDER) if old else sighting
    collected = evidence.collected_at
    if collected is not None and sighting.of_event and all(one < collected - WEEK for one in sighting.at):
        return replace(sighting, superseded="it is more than a week older than the collection")
    return sighting


# -- versions -------------------------------------------------------------------------------------------------------


def _versions(compared: tuple[Item, ...], evidence: Evidence) -> tuple[dict[str, str], list[Statement]]:
    binaries = [one for one in compared if one.kind == "binaries"]
    inside = [one for one in compared if one.kind != "binaries"]
    values = version_values(compared)
    statements = [_changed(one) for one in compared if one.state == CHANGED]
    for name, group in (("binaries", binaries), ("databases", inside)):
        if values[name] == EQUAL:
            statements.append(_equal(name, group, evidence))
    return values, statements


def version_values(compared: Sequence[Item]) -> dict[str, str]:
    """The findings about versions.

    Management packs lie in a database: of the warehouse if its server names them. Without a database none is known.
    """
    databases = [one for one in compared if one.kind == "database"]
    packs = [one for one in compared if one.kind == "management packs"]
    inside = [*databases, *packs]
    binaries = [one for one in compared if one.kind == "binaries"]
    return {
        "binaries": overall(binaries),
        "management_server": _of_side(binaries, warehouse=False),
        "warehouse_server": _of_side(binaries, warehouse=True),
        "databases": overall(inside) if databases or overall(packs) == CHANGED else UNKNOWN,
        "service_manager": _of_side(inside, warehouse=False),
        "data_warehouse": _of_side(inside, warehouse=True),
    }


def _of_side(inside: Sequence[Item], *, warehouse: bool) -> str:
    """What changed and may be of either side leaves both unknown."""
    mine = [one for one in inside if one.nameless or one.warehouse == warehouse]
    return overall([replace(one, state=UNKNOWN) if one.nameless and one.state == CHANGED else one for one in mine])


def _changed(item: Item) -> Statement:
    binaries = item.kind == "binaries"
    own = frozenset({SERVER, DATABASE}) if binaries else frozenset({DATABASE})
    name = item.name if item.kind == "database" else item.kind
    text = f"{name}: {item.now}, in the baseline {item.before}"
    sighting = Sighting(signature="binaries" if binaries else "databases", text=text, host=item.host, file=item.file)
    against = frozenset(NOTHING_CHANGED) | (frozenset() if binaries else frozenset({SERVER}))
    return Statement(finding=sighting.signature, sighting=sighting, speaks_for=own, speaks_against=against)


def _equal(name: str, group: list[Item], evidence: Evidence) -> Statement:
    hosts = sorted({one.host for one in group})
    named = ", ".join(dict.fromkeys(f"{one.name} {one.now}" for one in group))
    text = f"as in the baseline: {named}"
    sighting = Sighting(
        signature=name, text=text, host=hosts[0] if len(hosts) == 1 else None, file=evidence.baseline_file
    )
    own = frozenset(NOTHING_CHANGED) | (frozenset({SERVER}) if name == "databases" else frozenset())
    against = frozenset({DATABASE}) if name == "databases" else frozenset({SERVER})
    return Statement(finding=name, sighting=sighting, speaks_for=own, speaks_against=against)


# -- answers --------------------------------------------------------------------------------------------------------


def _page_state(page: tuple[str, ...]) -> str:
    if not page:
        return "none"
    return "failed" if any(_blocks(one) for one in page) else "clear"


def _blocks(item: str) -> bool:
    return bool(_BLOCKING.search(item)) or not _HARMLESS.search(item)


def _group(spec: TriageSpec, code: int | None) -> ExitCodeGroup | None:
    return next((one for one in spec.exit_codes if code in one.codes), None)


def _answer_statements(evidence: Evidence, spec: TriageSpec, group: ExitCodeGroup | None) -> list[Statement]:
    answers, everything = evidence.answers, frozenset(spec.phases)
    found: list[Statement] = []

    def say(finding: str, text: str, own: frozenset[str], against: frozenset[str]) -> None:
        sighting = Sighting(signature=finding, text=text, file=answers.file)
        found.append(Statement(finding=finding, sighting=sighting, speaks_for=own, speaks_against=against))

    if answers.setup_running == "yes":
        say("setup_running", "setup is still running", frozenset({"setup-running"}), frozenset())
    retry = frozenset({"before-permanent-changes", "predicted-checks", "configuration-service-timeout"})
    after = frozenset({SERVER, DATABASE})
    if answers.retry_button == "yes":
        say("retry_button", "setup offers Retry", retry, after)
    if answers.retry_button == "no":
        early = frozenset({"before-permanent-changes", "predicted-checks"})
        say("retry_button", "setup does not offer Retry", after, early)
    if answers.exit_code is not None:
        own = frozenset(group.speaks_for) if group else frozenset()
        name = group.codes[answers.exit_code] if group else "not in the list of exit codes"
        say("exit_code", f"exit code {answers.exit_code}: {name}", own, everything - own if own else frozenset())
    for item in answers.prerequisite_page:
        blocks = _blocks(item)
        own = frozenset({"prerequisite-check"}) if blocks else frozenset()
        against = frozenset(NOTHING_CHANGED) - own if blocks else frozenset()
        say("prerequisite_page", item, own, against)
    return found


# -- what is not there ----------------------------------------------------------------------------------------------


def _absent(evidence: Evidence, compared: tuple[Item, ...]) -> list[Missing]:
    answers, counts = evidence.answers, evidence.counts
    found = [
        Missing(
            what=version_of(one), host=one.host, file=one.file, concerns=Concern.VERSIONS,
            why=_unknown(one),
        )
        for one in compared
        if one.state == UNKNOWN
    ]  # fmt: skip
    nobody = "nobody has said whether setup"
    lie = "there is none; they lie as SCSM*.log in the temporary folder of the account"
    older = "without it, older events cannot be told from those of this upgrade"
    wanted = (
        (answers.retry_button == UNKNOWN, "the answer retry_button", f"{nobody} offers Retry", Concern.RETRY_BUTTON),
        (
            answers.setup_running == UNKNOWN,
            "the answer setup_running",
            f"{nobody} is still running",
            Concern.SETUP_RUNNING,
        ),
        (counts.log_files == 0, "the setup logs", lie, Concern.LOGS),
        (counts.events == 0, "the event logs", "no event was read", Concern.EVENTS),
        (evidence.upgrade.started_at is None, "upgrade.started_at", older, Concern.STARTED_AT),
    )
    found.extend(Missing(what=what, why=why, concerns=concerns) for absent, what, why, concerns in wanted if absent)
    return found


def _outdated(seen: Sequence[Sighting]) -> list[Missing]:
    """Logs that show what an older upgrade left, and nothing of this one."""
    of_logs = [one for one in seen if one.line is not None and not one.of_event]
    old = [one for one in of_logs if one.superseded in (_BEGUN, _OLDER)]
    if not old or any(one.superseded is None for one in of_logs):
        return []
    why = "what stands in the logs that were brought is older than this upgrade"
    what = "a setup log of this upgrade"
    return [Missing(what=what, host=old[0].host, file=old[0].file, line=old[0].line, why=why, concerns=Concern.LOGS)]


def _unknown(item: Item) -> str:
    if item.doubt:
        return item.doubt
    if item.before != UNKNOWN:
        return "it is unknown"
    return "the baseline does not know it" + ("" if item.now == UNKNOWN else f", and today it is {item.now}")


def version_of(item: Item) -> str:
    """The version as it is asked for."""
    return f"the version of {'' if item.kind == 'database' else 'the '}{item.name}"
