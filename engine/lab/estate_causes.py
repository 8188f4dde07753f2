"""Why the estate's upgrade fails: for each phase one cause that lies in the machines, for setup to find by itself."""

from collections.abc import Callable, Mapping

from engine.lab.machine_setup import SetupWizard
from engine.lab.machine_sql_media import volume_of
from engine.lab.setup_checks import AGENT_KEY, DATABASE_BYTES
from engine.lab.setup_databases import LOG_BYTES

SERVICE, NONE = "service", "none"


def plant(wizard: SetupWizard, fails_at: str) -> None:
    """Give the servers of the upgrade the cause of a failure in that phase."""
    if fails_at not in CAUSES:
        raise TypeError(f"fails_at is {fails_at!r}, and not one of {', '.join(CAUSES)}")
    CAUSES[fails_at](wizard)


def _agent(wizard: SetupWizard) -> None:
    wizard.machine.registry.make_key(AGENT_KEY + r"\OMGROUP")


def _full_data_volume(wizard: SetupWizard) -> None:
    _leave_free(wizard, "ROWS", DATABASE_BYTES // 4)


def _updates_allowed(wizard: SetupWizard) -> None:
    if wizard.product.sql.sql is not None:
        wizard.product.sql.sql.options["allow updates"] = 1


def _touched_bundle(wizard: SetupWizard) -> None:
    """Somebody changed the file, so setup leaves it alone, and the management packs in it are the old ones."""
    file = wizard.machine.files.get(wizard.product.bundle)
    if file is not None:
        file.modified = wizard.machine.clock.now()


def _small_log_volume(wizard: SetupWizard) -> None:
    """Enough for the check beforehand, too little for the change of the schema."""
    _leave_free(wizard, "LOG", (DATABASE_BYTES + LOG_BYTES) // 2)


def _leave_free(wizard: SetupWizard, kind: str, free: int) -> None:
    for database in wizard.product.databases:
        for file in database.files:
            volume = volume_of(wizard.product.sql, file.path)
            if volume is not None and file.kind == kind:
                volume.free = free


def _nothing(wizard: SetupWizard) -> None:
    del wizard


CAUSES: Mapping[str, Callable[[SetupWizard], None]] = {
    "prerequisites": _agent,
    "predicted": _full_data_volume,
    "before-permanent": _updates_allowed,
    SERVICE: _nothing,
    "after-server": _touched_bundle,
    "after-database": _small_log_volume,
    NONE: _nothing,
}
