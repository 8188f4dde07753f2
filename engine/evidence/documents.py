"""What people wrote down: ``evidence.yaml``, ``host.yaml``, ``baseline.yaml``.

Every key is optional; what is wrong is told and left out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.evidence.stamps import moment
from engine.model.triage import (
    UNKNOWN,
    Answers,
    Concern,
    EvidenceHost,
    Missing,
    ParsedText,
    ParseText,
    Upgrade,
    Versions,
)

ROLES = ("management-server", "data-warehouse-server", "sql-server")
_VERSION = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10}){1,7}\Z")
_WORDS = {True: "yes", False: "no"}
_SIGNED = 2**31

Note = Callable[[Missing], None]
Fault = Callable[[object], str | None]
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceDocument:
    """``evidence.yaml``."""

    upgrade: Upgrade
    answers: Answers
    collected_at: float | None = None
    offset_s: int | None = None


class _Doc:
    """A parsed document with the means to tell what is wrong in it."""

    def __init__(self, parsed: ParsedText, file: str, host: str | None, note: Note) -> None:
        self.parsed, self.file, self.host, self._note = parsed, file, host, note

    def wrong(self, what: str, why: str, path: _Path) -> None:
        line = self.parsed.lines.get(path) or self.parsed.lines.get(path[:-1]) or 1
        concerns = _concern(path, self.file)
        self._note(Missing(what=what, why=why, host=self.host, file=self.file, line=line, concerns=concerns))

    def mapping(self, value: Any, path: _Path, known: tuple[str, ...] | None) -> Mapping[str, Any]:
        """The mapping; unknown keys are told. None is an empty one."""
        name = ".".join(str(one) for one in path) or "the document"
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.wrong(name, f"it is {_kind(value)}, not a mapping", path)
            return {}
        for key in value:
            if known is not None and key not in known:
                self.wrong(f'the key "{key}"', f"it is not known here; known are {', '.join(known)}", (*path, key))
        return value

    def word(self, value: Any, path: _Path, known: tuple[str, ...]) -> str:
        """One of the known words, else ``unknown``."""
        if value is None:
            return UNKNOWN
        text = _WORDS.get(value, "") if isinstance(value, bool) else str(value).strip().lower()
        if text in (*known, UNKNOWN):
            return text
        self.wrong(str(path[-1]), f'"{str(value)[:60]}" is none of {", ".join((*known, UNKNOWN))}', path)
        return UNKNOWN

    def version(self, value: Any, path: _Path) -> str:
        """A version, else ``unknown``."""
        if value is None or (isinstance(value, str) and value.strip().lower() == UNKNOWN):
            return UNKNOWN
        if isinstance(value, str) and _VERSION.match(value.strip()):
            return value.strip()
        hint = "; a version stands in quotes" if isinstance(value, int | float) else ""
        self.wrong(
            f"the version {'.'.join(str(one) for one in path[-2:])}", f"{str(value)[:60]!r} is no version{hint}", path
        )
        return UNKNOWN

    def time(self, value: Any, path: _Path) -> tuple[float | None, int | None]:
        """Epoch seconds and offset, else nothing."""
        if value is None or value == UNKNOWN:
            return None, None
        found = moment(value) if isinstance(value, str) else None
        if found is None:
            self.wrong(str(path[-1]), f"{str(value)[:60]!r} is no time as 2013-02-02T19:02:00+01:00", path)
            return None, None
        if found[1] is None:
            self.wrong(f"the offset of {path[-1]}", "the time has none and is read as UTC", path)
        return found


def _concern(path: _Path, file: str) -> Concern:
    """What a mistake at this place keeps from being known."""
    path = tuple(one.lower() if isinstance(one, str) else one for one in path)
    known = [one for one in path if one in tuple(Concern)]
    if path[:1] == ("answers",) and known:
        return Concern(str(known[0]))
    if "versions" in path or path[-1:] == ("role",):
        return Concern.VERSIONS
    if path[-1:] in (("started_at",), ("collected_at",)):
        return Concern.STARTED_AT
    if path:
        return Concern.NOTHING
    name = file.rpartition("/")[2].lower().partition(".")[0]
    return {"baseline": Concern.BASELINE, "host": Concern.VERSIONS, "evidence": Concern.RETRY_BUTTON}.get(
        name, Concern.NOTHING
    )


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", int: "a number", float: "a number", bool: "a boolean"}.get(
        type(value), "a mapping" if isinstance(value, Mapping) else "odd"
    )


def _open(text: str, file: str, host: str | None, parse: ParseText, note: Note) -> _Doc | None:
    parsed = parse(text, file)
    for line, why in parsed.problems:
        concerns = _concern((), file)
        note(Missing(what="a document", why=why, host=host, file=file, line=line, concerns=concerns))
    if parsed.problems and parsed.value is None:
        return None
    return _Doc(parsed, file, host, note)


def read_evidence_document(text: str, file: str, parse: ParseText, note: Note) -> EvidenceDocument:
    """``evidence.yaml``; what cannot be read is unknown."""
    doc = _open(text, file, None, parse, note)
    if doc is None:
        return EvidenceDocument(upgrade=Upgrade(), answers=Answers(file=file))
    top = doc.mapping(doc.parsed.value, (), ("schema", "collected_at", "upgrade", "answers"))
    collected, offset = doc.time(top.get("collected_at"), ("collected_at",))
    upgrade = doc.mapping(top.get("upgrade"), ("upgrade",), ("from", "to", "started_at"))
    started, started_offset = doc.time(upgrade.get("started_at"), ("upgrade", "started_at"))
    if started is not None and collected is not None and started > collected:
        doc.wrong("started_at", "it lies after collected_at, so neither of the two counts", ("upgrade", "started_at"))
        started = collected = None
    return EvidenceDocument(
        collected_at=collected,
        # UTC is what tools write; it says nothing of the zone that the site's logs are in.
        offset_s=next((one for one in (started_offset, offset) if one), None),
        upgrade=Upgrade(
            from_version=_known(doc.version(upgrade.get("from"), ("upgrade", "from"))),
            to_version=_known(doc.version(upgrade.get("to"), ("upgrade", "to"))),
            started_at=started,
            offset_s=started_offset,
        ),
        answers=_answers(doc, top.get("answers")),
    )


def _known(version: str) -> str | None:
    return None if version == UNKNOWN else version


def _answers(doc: _Doc, value: Any) -> Answers:
    known = ("setup_running", "retry_button", "exit_code", "prerequisite_page")
    answers = doc.mapping(value, ("answers",), known)
    return Answers(
        setup_running=doc.word(answers.get("setup_running"), ("answers", "setup_running"), ("yes", "no")),
        retry_button=doc.word(answers.get("retry_button"), ("answers", "retry_button"), ("yes", "no")),
        exit_code=_exit_code(doc, answers.get("exit_code")),
        prerequisite_page=_page(doc, answers.get("prerequisite_page")),
        file=doc.file,
    )


def _exit_code(doc: _Doc, value: Any) -> int | None:
    path = ("answers", "exit_code")
    if value is None or value == UNKNOWN:
        return None
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,12}|0[xX][0-9a-fA-F]{1,8}", value.strip()):
        value = int(value.strip(), 16 if value.strip().lower().startswith("0x") else 10)
    if isinstance(value, bool) or not isinstance(value, int) or not -_SIGNED <= value < 2 * _SIGNED:
        doc.wrong("exit_code", f"{str(value)[:60]!r} is no exit code", path)
        return None
    # Some tools show an exit code as an unsigned number of 32 bits: 4294967282 is -14.
    return value - 2 * _SIGNED if value >= _SIGNED else value


def _page(doc: _Doc, value: Any) -> tuple[str, ...]:
    path = ("answers", "prerequisite_page")
    if value is None or value == UNKNOWN:
        return ()
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        doc.wrong("prerequisite_page", f"it is {_kind(value)}, not a list of texts", path)
        return ()
    for index, item in enumerate(items):
        if not isinstance(item, str):
            doc.wrong("prerequisite_page", f"item {index + 1} is no text", (*path, index))
    return tuple(one.strip() for one in items if isinstance(one, str) and one.strip())


def read_host_document(text: str, file: str, host: str, parse: ParseText, note: Note) -> EvidenceHost:
    """``host.yaml``; the gaps that its collection left are told again."""
    doc = _open(text, file, host, parse, note)
    if doc is None:
        return EvidenceHost(name=host)
    _gaps(doc, host, note)
    return _host(doc, host, doc.parsed.value, (), ("schema", "role", "versions", "missing"))


def _gaps(doc: _Doc, host: str, note: Note) -> None:
    value = doc.parsed.value
    listed = value.get("missing") if isinstance(value, Mapping) else None
    if listed is not None and not isinstance(listed, list):
        doc.wrong("missing", f"it is {_kind(listed)}, not a list", ("missing",))
        return
    for index, one in enumerate(listed or ()):
        path = ("missing", index)
        gap = doc.mapping(one, path, ("what", "why", "concerns"))
        what, why = gap.get("what"), gap.get("why")
        if not isinstance(what, str) or not isinstance(why, str):
            doc.wrong("a gap", "it does not say what is missing and why, as texts", path)
            continue
        word = doc.word(gap.get("concerns"), (*path, "concerns"), tuple(concern.value for concern in Concern))
        # A gap that does not say what it concerns may concern anything.
        note(Missing(what=what, why=why, host=host, concerns=Concern.ANYTHING if word == UNKNOWN else Concern(word)))


# What a baseline may say besides what triage compares; schemas/baseline.schema.json tells what each is.
_BASELINE = ("schema", "recorded_at", "recorded_by", "run", "amended", "hosts", "signature")
_BASELINE_HOST = (
    *(
        "schema",
        "role",
        "versions",
        "computer_name",
        "fqdn",
        "domain",
        "install_directory",
        "database_names",
        "services",
    ),
    *("registry", "report_url", "sql", "databases", "job_schedules", "management_packs"),
)


def read_baseline_document(
    text: str, file: str, parse: ParseText, note: Note, fault: Fault
) -> tuple[tuple[EvidenceHost, ...] | None, float | None]:
    """``baseline.yaml``: its hosts, None if there is nothing to compare with, and when it was recorded."""
    doc = _open(text, file, None, parse, note)
    if doc is None:
        return None, None
    why = fault(doc.parsed.value)
    if why is not None:
        line = doc.parsed.lines.get(("signature",), 1)
        note(Missing(what="the baseline", why=why, file=file, line=line, concerns=Concern.BASELINE))
        return None, None
    top = doc.mapping(doc.parsed.value, (), _BASELINE)
    hosts = doc.mapping(top.get("hosts"), ("hosts",), None)
    found = tuple(_host(doc, str(name), value, ("hosts", name), _BASELINE_HOST) for name, value in hosts.items())
    if not found:
        doc.wrong("the baseline", "it names no host", ())
    return found or None, doc.time(top.get("recorded_at"), ("recorded_at",))[0]


def _host(
    doc: _Doc, name: str, value: Any, path: _Path, known: tuple[str, ...] = ("schema", "role", "versions")
) -> EvidenceHost:
    top = doc.mapping(value, path, known)
    versions = doc.mapping(top.get("versions"), (*path, "versions"), ("binaries", "management_packs", "databases"))
    inner = (*path, "versions")
    databases = doc.mapping(versions.get("databases"), (*inner, "databases"), None)
    return EvidenceHost(
        name=name,
        role=doc.word(top.get("role"), (*path, "role"), ROLES),
        versions=Versions(
            binaries=doc.version(versions.get("binaries"), (*inner, "binaries")),
            management_packs=doc.version(versions.get("management_packs"), (*inner, "management_packs")),
            databases={str(key): doc.version(one, (*inner, "databases", key)) for key, one in databases.items()},
            files=dict.fromkeys(("binaries", "management_packs", "databases"), doc.file),
        ),
        warehouse_databases=_warehouse(top.get("database_names")),
    )


def _warehouse(names: Any) -> frozenset[str]:
    """The names that a baseline gives to databases of the data warehouse."""
    given = names.items() if isinstance(names, Mapping) else ()
    bodies = [one for role, one in given if role != "management" and isinstance(one, Mapping)]
    return frozenset(str(one["name"]).lower() for one in bodies if one.get("name"))
