"""Use case: is this machine fit to run a recovery? Its Python, packages, state folder, space, SQLite and clock.

Nothing is changed: a state folder that does not exist yet is judged by the folder it would be made in.
"""

import os
import shutil
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LEAST_PYTHON = (3, 11)
LEAST_SQLITE = (3, 35)
FEW_BYTES, LEAST_BYTES = 1 << 30, 64 << 20
PACKAGES = (
    "aiohttp", "asyncssh", "click", "cryptography", "evtx", "jinja2", "jsonschema", "paramiko", "pyspnego", "pywinrm",
    "pyyaml", "rich",
)  # fmt: skip
OLDEST_NOW = 1_767_225_600.0  # 2026-01-01: a clock before the engine's own time is wrong


class Health(StrEnum):
    """How a check ended; a warning does not fail."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: a sentence, and what to do about it."""

    name: str
    health: Health
    says: str
    remedy: str | None = None


def machine(state: Path) -> tuple[Check, ...]:
    """The checks of this machine, in a fixed order."""
    return (_python(), _packages(), _state(state), _space(state), _sqlite(), _clock())


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    says = f"{version} on {sys.platform}"
    if sys.version_info < LEAST_PYTHON:
        return Check(name="python", health=Health.FAILED, says=says, remedy="install Python 3.11 or later")
    return Check(name="python", health=Health.OK, says=says)


def _packages() -> Check:
    from importlib.metadata import PackageNotFoundError, version

    missing = []
    for name in PACKAGES:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check(
            name="packages",
            health=Health.FAILED,
            says=f"missing: {', '.join(missing)}",
            remedy="install the package again: pip install recovery-runbooks",
        )
    return Check(name="packages", health=Health.OK, says=f"all {len(PACKAGES)} are installed")


def _nearest(folder: Path) -> Path:
    """The folder, or the first of its parents that exists."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _state(state: Path) -> Check:
    there = _nearest(state)
    remedy = "name another folder with --state or RUNBOOK_STATE"
    if not there.is_dir():
        return Check(
            name="state folder", health=Health.FAILED, says=f"{state}: the file {there} is in the way", remedy=remedy
        )
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Check(
            name="state folder",
            health=Health.FAILED,
            says=f"{there} cannot be written: {error.strerror}",
            remedy=remedy,
        )
    new = "" if there == state.absolute() else ", made at the first run"
    return Check(name="state folder", health=Health.OK, says=f"{state.absolute()} can be written{new}")


def _space(state: Path) -> Check:
    free = shutil.disk_usage(_nearest(state)).free
    says = f"{free / (1 << 30):.1f} GiB free for journal, evidence and reports"
    remedy = "free some space, or name a state folder on another disk"
    if free < LEAST_BYTES:
        return Check(name="space", health=Health.FAILED, says=says, remedy=remedy)
    health = Health.WARNING if free < FEW_BYTES else Health.OK
    return Check(name="space", health=health, says=says, remedy=remedy if health is Health.WARNING else None)


def _sqlite() -> Check:
    says = f"{sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        return Check(name="sqlite", health=Health.FAILED, says=says, remedy="use a Python with SQLite 3.35 or later")
    return Check(name="sqlite", health=Health.OK, says=says)


def _clock() -> Check:
    now = time.time()
    says = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(now))
    if now < OLDEST_NOW:
        return Check(name="clock", health=Health.FAILED, says=says, remedy="set this machine's clock")
    return Check(name="clock", health=Health.OK, says=says)
