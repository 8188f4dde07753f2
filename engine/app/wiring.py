"""The composition root: the one place that knows which piece stands behind which contract."""

import os
from pathlib import Path

from engine.actions import load_actions
from engine.app.clock import SystemClock
from engine.model.command_line import command_line
from engine.model.errors import JournalDamaged, StorageFailed, UsageMistake
from engine.ports.edges import Catalogue, Clock
from engine.ports.journal import EvidenceStore, JournalStore

STATE_VARIABLE = "RUNBOOK_STATE"
STATE_FOLDER = ".runbook"
"""Where runs are kept if nobody says otherwise."""
RUNS = "runs"
"""The folder in it that holds one folder for each run."""


def catalogue() -> Catalogue:
    """The built-in actions."""
    return Catalogue(load_actions())


def state_folder(named: str | None) -> Path:
    """Where runs are kept: the option, else the environment's ``RUNBOOK_STATE``, else ``.runbook`` of this folder."""
    return Path(named or os.environ.get(STATE_VARIABLE) or STATE_FOLDER)


def state_option(state: Path) -> str:
    """What a command about a run in this state folder must add."""
    return "" if str(state) == STATE_FOLDER else f" {command_line('--state', str(state))}"


def open_journal(state: Path, clock: Clock | None = None) -> JournalStore:
    """The journal of this jump host, made at its first use."""
    from engine.journal.sqlite_store import SqliteJournal

    path = state / "journal.sqlite"
    _refuse_lost(path, state / RUNS)
    return SqliteJournal(path, clock or SystemClock(), state_option(state))


def _refuse_lost(journal: Path, runs: Path) -> None:
    """A journal is made before the first run's folder, so runs beside none mean that their record was lost."""
    try:
        known = sum(one.is_dir() for one in runs.iterdir()) if runs.is_dir() else 0
    except OSError as error:
        raise StorageFailed(
            f"the folder {runs} cannot be read: {_reason(error)}", remedy="make it readable for this user"
        ) from error
    if known and not (journal.is_file() and journal.stat().st_size):
        raise JournalDamaged(
            f"{journal} is {'empty' if journal.exists() else 'not there'}, yet there are folders of runs in {runs} "
            f"({known}): which hosts they hold and what is in doubt is not known",
            remedy="restore the journal from a backup. What each run did, its folder tells: "
            f"{command_line('runbook', 'report', '--from', str(runs / 'RUN' / 'events.jsonl'))}. "
            f"To begin anew, look at those first, then move {runs} away",
        )


def evidence_store(folder: Path) -> EvidenceStore:
    """The evidence of one run."""
    from engine.journal.evidence import EvidenceFiles

    return EvidenceFiles(folder)


def make_folder(folder: Path) -> Path:
    """The folder, made if it is not there; ``StorageFailed`` names what is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(
            f"the folder {folder} cannot be made: {_reason(error)}",
            remedy=f"name another folder with --state or {STATE_VARIABLE}",
        ) from error
    return folder


def known_folder(folder: Path) -> Path:
    """The state folder of runs that are there already; a mistyped name must not make an empty one."""
    if not folder.is_dir():
        raise UsageMistake(
            f"there is no state folder {folder}, so there is no run in it",
            remedy="go to the folder in which the run was started, or name its state folder with --state or "
            + STATE_VARIABLE,
        )
    return folder


def write_text(path: Path, text: str) -> None:
    """Write a file of a run; ``StorageFailed`` names it."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageFailed(
            f"{path} cannot be written: {_reason(error)}",
            remedy=f"free space on that disk, or name another folder with --state or {STATE_VARIABLE}",
        ) from error


def _reason(error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return "a file of that name is in the way"
    if isinstance(error, NotADirectoryError):
        return "a part of its path is a file"
    return error.strerror or str(error)


def operator_name() -> str:
    """Who runs this, as the operating system says."""
    import getpass

    domain = os.environ.get("USERDOMAIN")
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return f"{domain}\\{user}" if domain else user


def jump_host_name() -> str:
    """Name of the machine the engine runs on."""
    import platform

    return platform.node() or "unknown"
