"""Writes an evidence folder from plain values, in the shape that the reader reads; what is written is read back equal.

Names become folder names: anything but letters, digits, dot, hyphen and underscore is refused.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from engine.evidence.stamps import iso
from engine.model.errors import StorageFailed, UsageMistake
from engine.model.triage import UNKNOWN, Answers, EvidenceHost, Upgrade, Versions

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvidence:
    """What one host gave. ``logs``: relative path to bytes; ``events`` and ``registry``: file name to text."""

    host: EvidenceHost
    logs: Mapping[str, bytes] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    registry: Mapping[str, str] = field(default_factory=dict)


def write_evidence(
    folder: Path,
    hosts: tuple[HostEvidence, ...],
    *,
    collected_at: float | None = None,
    upgrade: Upgrade | None = None,
    answers: Answers | None = None,
    baseline: tuple[EvidenceHost, ...] | None = None,
) -> None:
    """Write the folder; an existing one must be empty. ``StorageFailed`` if it cannot be written."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UsageMistake(
                f"{folder} is not empty", remedy="name a new folder, so that old evidence is not mixed in"
            )
        _put(folder, "evidence.yaml", _document(collected_at, upgrade or Upgrade(), answers or Answers()))
        if baseline is not None:
            _put(folder, "baseline.yaml", _yaml({"hosts": {one.name: _host(one) for one in baseline}}))
        for one in hosts:
            _write_host(folder, one)
    except OSError as error:
        raise StorageFailed(f"{folder} cannot be written: {error.strerror or error}") from error


def _write_host(folder: Path, evidence: HostEvidence) -> None:
    base = f"hosts/{_checked(evidence.host.name)}"
    _put(folder, f"{base}/host.yaml", _yaml(_host(evidence.host)))
    for path, content in evidence.logs.items():
        inside = "/".join(_checked(one) for one in PurePosixPath(path.replace("\\", "/")).parts)
        _put(folder, f"{base}/logs/{inside}", content)
    for name, text in evidence.events.items():
        _put(folder, f"{base}/events/{_checked(name)}", text.encode("utf-8", "replace"))
    for name, text in evidence.registry.items():
        _put(folder, f"{base}/registry/{_checked(name)}", b"\xff\xfe" + text.encode("utf-16-le", "replace"))


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
    return {"role": None if host.role == UNKNOWN else host.role, "versions": _versions(host.versions)}


def _versions(versions: Versions) -> dict[str, object]:
    return {
        "binaries": versions.binaries,
        "management_packs": versions.management_packs,
        "databases": dict(versions.databases),
    }


def _yaml(value: object) -> bytes:
    """JSON is YAML: texts are quoted, so that no reader takes a version for a number."""
    return (json.dumps(value, indent=2, ensure_ascii=True) + "\n").encode("ascii")


def _checked(name: str) -> str:
    # "con" and its like cannot be files on Windows, where the folder may be read.
    if not _NAME.match(name) or name.endswith(".") or name.lower().split(".", 1)[0] in ("con", "prn", "aux", "nul"):
        raise UsageMistake(
            f"{name!r} cannot be the name of a file", remedy="use letters, digits, dot, hyphen, underscore"
        )
    return name


def _put(folder: Path, path: str, content: bytes) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
