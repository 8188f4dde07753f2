"""Writes an evidence folder, the only way there is; what is written is read back equal, gaps included.

Names become folder names: a host whose name cannot be one is refused, a log's path is told apart from every other.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.evidence.exports import events_xml, registry_text
from engine.evidence.stamps import iso
from engine.model.errors import StorageFailed, UsageMistake
from engine.model.triage import UNKNOWN, Answers, EvidenceHost, Missing, Upgrade, Versions

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\Z")
# "con" and its like cannot be files on Windows, where the folder may be read.
_PORTS = (f"{kind}{digit}" for kind in ("com", "lpt") for digit in range(10))
_DEVICES = frozenset({"con", "prn", "aux", "nul", *_PORTS})
_COMMON = ("users", "appdata", "local", "temp")
_LONGEST = 120
_ODD = re.compile("[^\n -~]")
_SURROGATES = (0xD800, 0xDFFF)
_SHORT = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvidence:
    """What one host gave. ``logs``: path on the host to bytes; ``modified``: path to the time it was last written;
    ``events``: name of the log to records; ``registry``: key to values; ``missing``: what it did not give.
    """

    host: EvidenceHost
    logs: Mapping[str, bytes] = field(default_factory=dict)
    modified: Mapping[str, float] = field(default_factory=dict)
    events: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    registry: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()


def write_evidence(
    folder: Path,
    hosts: Sequence[HostEvidence],
    *,
    collected_at: float | None = None,
    upgrade: Upgrade | None = None,
    answers: Answers | None = None,
    baseline: object = None,
) -> None:
    """Write the folder, with ``baseline`` (a document) beside it. ``StorageFailed`` if it cannot be written."""
    refuse_used(folder)
    refuse_names(one.host.name for one in hosts)
    _put(folder / "evidence.yaml", _document(collected_at, upgrade or Upgrade(), answers or Answers()))
    if baseline is not None:
        _put(folder / "baseline.yaml", _yaml(baseline))
    for one in hosts:
        for name, content, modified in host_files(one):
            _put(folder / "hosts" / one.host.name / name, content, modified)


def baseline_document(hosts: Iterable[EvidenceHost], recorded_at: str | None = None) -> dict[str, object]:
    """A baseline as it is written down."""
    recorded = {"recorded_at": recorded_at} if recorded_at else {}
    return {**recorded, "hosts": {one.name: _host(one) for one in hosts}}


def refuse_used(folder: Path) -> None:
    """A folder that already holds something is refused: evidence of two moments must not mix."""
    try:
        used = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise StorageFailed(f"{folder} cannot be read: {error.strerror}", remedy="name another folder") from error
    if used:
        raise UsageMistake(
            f"{folder} is not an empty folder", remedy="name a new one; old and new evidence must not mix"
        )


def make_ready(folder: Path) -> None:
    """The folder, new or empty, and fit to be written to; known before anything is collected into it."""
    refuse_used(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or error
        raise StorageFailed(f"{folder} cannot be written: {why}", remedy="name another folder") from error


def refuse_names(names: Iterable[str]) -> None:
    """Hosts whose names cannot be folders, or are one folder on Windows, are refused before anything is written."""
    seen: dict[str, str] = {}
    for name in names:
        if not _NAME.match(name) or name.endswith(".") or name.lower().partition(".")[0] in _DEVICES:
            raise UsageMistake(
                f"the host name {name!r} cannot be the name of a folder",
                remedy="name the host in the inventory with letters, digits, dots, hyphens and underscores",
            )
        if name.lower() in seen:
            raise UsageMistake(
                f"the hosts {seen[name.lower()]} and {name} would share one folder", remedy="name one of them otherwise"
            )
        seen[name.lower()] = name


def host_files(evidence: HostEvidence) -> Iterator[tuple[str, bytes, float | None]]:
    """Relative path, content and, where it is known, time of every file of one host."""
    described = _host(evidence.host)
    if evidence.missing:
        described = {**described, "missing": [_gap(one) for one in evidence.missing]}
    yield "host.yaml", _yaml(described), None
    logs, events = _names(evidence.logs), _names(evidence.events)
    for path, content in evidence.logs.items():
        yield f"logs/{logs[path]}", content, evidence.modified.get(path)
    for log, records in evidence.events.items():
        if records:
            yield f"events/{events[log]}.xml", events_xml(log, evidence.host.name, records).encode("utf-8"), None
    if evidence.registry:
        yield "registry/collected.reg", registry_text(evidence.registry).encode("utf-16", "surrogatepass"), None


def _document(collected_at: float | None, upgrade: Upgrade, answers: Answers) -> bytes:
    offset = upgrade.offset_s or 0
    return _yaml(
        {
            "collected_at": None if collected_at is None else iso(collected_at, offset),
            "upgrade": {
                "from": upgrade.from_version,
                "to": upgrade.to_version,
                "started_at": None if upgrade.started_at is None else iso(upgrade.started_at, offset),
            },
            "answers": {
                "setup_running": answers.setup_running,
                "retry_button": answers.retry_button,
                "exit_code": answers.exit_code,
                "prerequisite_page": list(answers.prerequisite_page),
            },
        }
    )


def _host(host: EvidenceHost) -> dict[str, object]:
    role = {} if host.role == UNKNOWN else {"role": host.role}
    return {**role, "versions": _versions(host.versions)}


def _versions(versions: Versions) -> dict[str, object]:
    return {
        "binaries": versions.binaries,
        "management_packs": versions.management_packs,
        "databases": dict(versions.databases),
    }


def _gap(gap: Missing) -> dict[str, object]:
    return {"what": gap.what, "why": gap.why, "concerns": gap.concerns.value}


def _yaml(value: object) -> bytes:
    """JSON is YAML where no character is written as a pair of surrogates; quoted, no version is taken for a number."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return _ODD.sub(lambda found: _escaped(ord(found.group())), text).encode("ascii")


def _escaped(code: int) -> str:
    if _SURROGATES[0] <= code <= _SURROGATES[1]:
        return "\\ufffd"
    return f"\\u{code:04x}" if code <= _SHORT else f"\\U{code:08x}"


def _names(paths: Iterable[str]) -> dict[str, str]:
    """A file name for each path, so that two profiles' logs stay apart: ``scsmsetup__SCSMInstall.log``."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for path in paths:
        name = first = _name(path)
        count = 1
        while name.lower() in used:
            count += 1
            stem, dot, suffix = first.partition(".")
            name = f"{stem}~{count}{dot}{suffix}"
        used.add(name.lower())
        names[path] = name
    return names


def _name(path: str) -> str:
    parts = [part for part in re.split(r"[\\/]", path) if part and not part.endswith(":")]
    kept = [part for part in parts if part.lower() not in _COMMON] or parts[-1:]
    name = re.sub(r"[^A-Za-z0-9_.\- ]", "_", "__".join(kept))[-_LONGEST:].strip(" .") or "log"
    return f"_{name}" if name.lower().partition(".")[0] in _DEVICES else name


def _put(target: Path, content: bytes, modified: float | None = None) -> None:
    try:
        # Evidence may name accounts and machines: only its owner may read it.
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        if modified is not None:
            os.utime(target, (modified, modified))
    except OSError as error:
        raise StorageFailed(f"{target} cannot be written: {error.strerror}", remedy="name another folder") from error
