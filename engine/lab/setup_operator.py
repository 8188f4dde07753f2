r"""The lab's operator: does what an instruction says, on the estate, and tells truthfully what came of it.

A text is understood by its phrases (without case); the first row that fits counts. A host is named by its name in the
text, else it is the server whose upgrade is at stake. Paths are taken from the text as they stand.

========================================================  ============================================================
phrase                                                    what the operator does
========================================================  ============================================================
does the wizard offer the button retry                    looks: ``offered``, ``missing`` (only Close) or ``unknown``
what does the page of the prerequisites show              looks: ``failures``, ``warnings``, ``elsewhere``, ``unknown``
of which kind is it                                       reads the first failed item: its kind, else ``other``
remedy every item that still has a red cross              remedies what can be remedied, then lets setup look again
check prerequisites again                                 lets setup look again: ``clear`` or ``failures``
choose close, press close                                 closes the wizard; setup must have ended
sp_configure 'allow updates', 0                           switches the option off on every SQL Server
uninstall the ... operations manager agent                removes the agent
apply the service pack to the instance                    service pack and full-text search on every SQL Server
remedy those that failed, remedy it as listed             remedies each check that setup would stop at now
open the folder of the media                              looks at what setup would look at: ``hold`` or ``fail``
uninstall ... management server                           removes the role, and its encryption key with it
restore the encryption key ... PATH                       key file of that server: the role's key is there again
use an existing database ... PATH\Setup.exe               installs that media's version with the databases as they are
apply the update NAME ... [PATH.exe]                      updates a role that is installed
import the unsealed management packs ... FOLDER           imports the packs of that folder, once data access runs
rename the folder PATH to NAME.                           renames it; one that is not there needs nothing
is the password at hand, does somebody hold the password  the keys' passwords: ``held``, or ``missing`` or ``lost``
can a work item be created                                opens the console: ``works`` or ``fails``
start-scdwjob -jobname mpsyncjob                          starts the job, waits for it: ``done`` or ``failed``
do the reports open                                       runs a report of the warehouse: ``work`` or ``fail``
versions of binaries, databases and management packs      compares them on every server: ``agree`` or ``differ``
agree
retry, setup.exe                                          retries the upgrade, or starts it
========================================================  ============================================================

What was done answers with the first of ``done``, ``succeeded``, ``completed``, ``yes`` that is offered. What was not,
with the word of ``setup_recovery`` if it is offered, else ``failed``, else ``no``; an instruction that only takes
"done" then stays open.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.lab import machine_setup as setup
from engine.lab.machine import Machine
from engine.lab.machine_setup import SetupWizard
from engine.lab.setup_checks import predicted, prerequisites
from engine.lab.setup_log import SetupLog
from engine.lab.setup_product import SERVER_ROLE, WAREHOUSE_ROLE, Product, is_usable, versions_agree
from engine.lab.setup_recovery import (
    DONE,
    FOLDER_MISSING,
    MEDIA_MISSING,
    import_packs,
    install_role,
    remove_role,
    restore_key,
    set_aside,
    update_role,
)
from engine.lab.setup_remedies import forbid_updates, patch, remedy, remove_agent

UNKNOWN = "unknown"
_HOST = r"(?<!\\)\b{}\b(?!\.(?:bin|key))"
_DONE = (DONE, "succeeded", "completed", "yes")
_NOT_DONE = ("failed", "no")
_SEEN_ON_RETRY: Mapping[str, tuple[str, ...]] = {
    setup.SUCCEEDED: ("succeeded", DONE),
    setup.TIMED_OUT: ("timed_out", "retry_offered", "failed"),
    setup.RETRY_OFFERED: ("retry_offered", "failed"),
    setup.CHECK_FAILED: ("check_failed", "retry_offered", "failed"),
    setup.PREREQUISITES_FAILED: ("check_failed", "failed"),
}


@dataclass(slots=True, kw_only=True)
class LabPerson:
    """Who sits before the wizard, and walks to every machine."""

    machines: Mapping[str, Machine]
    products: Mapping[str, Product]
    wizard: SetupWizard
    holds_password: bool = True

    def answer(self, show: str, answers: Mapping[str, str]) -> str | None:
        """What comes of doing what the text says; None if that cannot be known."""
        show = " ".join(show.split())
        deed = deed_for(show)
        if deed is not None:
            found = next((one for one in deed(self, show) if one in answers), None)
            retry_failed = deed is LabPerson.press_retry and self.wizard.page != setup.FINISHED
            return _other(answers) if found is None and retry_failed else found
        return DONE if DONE in answers else next(iter(answers), None) if len(answers) == 1 else None

    def press_retry(self, show: str) -> tuple[str, ...]:
        """Retry, or start the upgrade."""
        del show
        ended = self.wizard.run()
        if ended == setup.FAILED:
            again = self.wizard.page == setup.RETRY
            return ("retry_offered", "failed") if again else ("failed",)
        return _SEEN_ON_RETRY[setup.SUCCEEDED if ended == setup.NOTHING else ended]

    def look_for_retry(self, show: str) -> tuple[str, ...]:
        """Which button the wizard has."""
        del show
        return ({setup.RETRY: "offered", setup.CLOSE: "missing"}.get(self.wizard.page, UNKNOWN),)

    def look_at_prerequisites(self, show: str) -> tuple[str, ...]:
        """What the wizard's page shows."""
        del show
        pages = {setup.PREREQUISITES: "failures", setup.READY: "warnings", setup.CLOSED: UNKNOWN}
        return (pages.get(self.wizard.page, "elsewhere"),)

    def read_item(self, show: str) -> tuple[str, ...]:
        """Of which kind the first failed item is."""
        del show
        return (self.wizard.findings[0].kind, "other") if self.wizard.page == setup.PREREQUISITES else ()

    def check_again(self, show: str) -> tuple[str, ...]:
        """Let setup look at the prerequisites again."""
        del show
        self.wizard.check()
        return ("failures" if self.wizard.page == setup.PREREQUISITES else "clear",)

    def close(self, show: str) -> tuple[str, ...]:
        """Close the wizard."""
        del show
        self.wizard.close()
        return _DONE

    def remedy_all(self, show: str) -> tuple[str, ...]:
        """Remedy each check that setup would stop at."""
        del show
        for product in self.products.values():
            for one in predicted(product):
                remedy(one)
        return ("again", *_DONE)

    def remedy_items(self, show: str) -> tuple[str, ...]:
        """Remedy each item with a red cross that can be remedied, then look again."""
        for one in prerequisites(self.wizard.product):
            remedy(one)
        return self.check_again(show)

    def look_at_media(self, show: str) -> tuple[str, ...]:
        """What only a person can look at is what setup itself would find."""
        del show
        return ("fail" if tuple(predicted(self.wizard.product)) else "hold",)

    def forbid_updates(self, show: str) -> tuple[str, ...]:
        """Switch the option off."""
        del show
        for machine in self.machines.values():
            forbid_updates(machine)
        return _DONE

    def remove_agent(self, show: str) -> tuple[str, ...]:
        """Uninstall the agent."""
        remove_agent(self._product(show).machine)
        return _DONE

    def patch_sql(self, show: str) -> tuple[str, ...]:
        """Service pack and full-text search."""
        del show
        for machine in self.machines.values():
            patch(machine)
        return _DONE

    def uninstall(self, show: str) -> tuple[str, ...]:
        """Remove a damaged role."""
        return _ended(remove_role(self._product(show)))

    def restore_key(self, show: str) -> tuple[str, ...]:
        """Restore the encryption key by its wizard."""
        found = re.search(r"(\\\\[^\s\"]+|[A-Za-z]:\\[^\s\"]+)\.(?:bin|key)\b", show)
        if not self.holds_password:
            return _NOT_DONE
        return _ended(restore_key(self._product(show), found.group() if found else "", self.machines))

    def install(self, show: str) -> tuple[str, ...]:
        """Install the original version with the existing database."""
        product = self._product(show)
        media = _path(show, r"setup\.exe")
        log = SetupLog(product.machine, self.wizard.log_path)
        return _ended(MEDIA_MISSING if media is None else install_role(product, media, log, self.machines))

    def update(self, show: str) -> tuple[str, ...]:
        """Apply an update."""
        found = re.search(r"apply the update ([\w.-]*\w)", show, re.IGNORECASE)
        name = found.group(1) if found else "unknown"
        return _ended(update_role(self._product(show), name, _path(show, r"\S+\.exe"), self.machines))

    def import_packs(self, show: str) -> tuple[str, ...]:
        """Import management packs out of a folder."""
        found = re.search(r"[A-Za-z]:\\[^\s\"]+", show)
        folder = found.group().rstrip("\\.,") if found else ""
        return _ended(import_packs(self._product(show), folder))

    def rename_folder(self, show: str) -> tuple[str, ...]:
        """Take a folder of old state away."""
        found = re.search(r"rename the folder (\w:\\.+?) to (.+?)\.(?:\s|$)", show, re.IGNORECASE)
        ended = set_aside(self._product(show).machine, *found.groups()) if found else FOLDER_MISSING
        return _DONE if ended == FOLDER_MISSING else _ended(ended)

    def ask_for_password(self, show: str) -> tuple[str, ...]:
        """Whether anybody has the password of the key's backup."""
        del show
        return ("held", *_DONE) if self.holds_password else ("missing", "lost", *_NOT_DONE)

    def open_console(self, show: str) -> tuple[str, ...]:
        """Create a work item through any management server."""
        del show
        works = any(is_usable(one) for one in self.products.values() if one.role == SERVER_ROLE)
        return ("works", *_DONE) if works else ("fails", *_NOT_DONE)

    def synchronise(self, show: str) -> tuple[str, ...]:
        """Start the job that brings management packs into the warehouse; it needs the warehouse's data access."""
        del show
        works = any(is_usable(one) for one in self.products.values() if one.role == WAREHOUSE_ROLE)
        return _DONE if works else _NOT_DONE

    def open_reports(self, show: str) -> tuple[str, ...]:
        """Run a report of the data warehouse."""
        del show
        works = any(is_usable(one) for one in self.products.values() if one.role == WAREHOUSE_ROLE)
        return ("work", *_DONE) if works else ("fail", *_NOT_DONE)

    def compare_versions(self, show: str) -> tuple[str, ...]:
        """Whether every role is of the version of its databases."""
        del show
        agree = all(versions_agree(one) for one in self.products.values())
        return ("agree", *_DONE) if agree else ("differ", *_NOT_DONE)

    def _product(self, show: str) -> Product:
        """The role on the host that the text names first, else the one that is being upgraded."""
        places = {name: re.search(_HOST.format(re.escape(name)), show, re.IGNORECASE) for name in self.products}
        found = {name: match.start() for name, match in places.items() if match}
        return self.products[min(found, key=found.__getitem__)] if found else self.wizard.product


def deed_for(show: str) -> Callable[[LabPerson, str], tuple[str, ...]] | None:
    """What a text in one line asks for; None if it asks for nothing that the lab knows."""
    return next((deed for pattern, deed in _DEEDS if pattern.search(show)), None)


def _ended(word: str) -> tuple[str, ...]:
    return _DONE if word == DONE else (word, *_NOT_DONE)


def _other(answers: Mapping[str, str]) -> str | None:
    """A failure that the answers have no word for is the first that is no success."""
    return next((key for key in answers if key != setup.SUCCEEDED), None)


def _path(show: str, name: str) -> str | None:
    found = re.search(rf"(?:[A-Za-z]:|\\\\)\\?(?:(?![A-Za-z]:\\)[^\"])*?{name}", show, re.IGNORECASE)
    return found.group() if found else None


_PHRASES: tuple[tuple[str, Callable[[LabPerson, str], tuple[str, ...]]], ...] = (
    (r"does the wizard offer the button retry", LabPerson.look_for_retry),
    (r"what does the page of the prerequisites show", LabPerson.look_at_prerequisites),
    (r"of which kind is it", LabPerson.read_item),
    (r"remedy every item that still has a red cross", LabPerson.remedy_items),
    (r"check prerequisites again", LabPerson.check_again),
    (r"\b(?:choose|press|click) close\b", LabPerson.close),
    (r"sp_configure 'allow updates', 0", LabPerson.forbid_updates),
    (r"uninstall the [\w ]*operations manager agent", LabPerson.remove_agent),
    (r"apply the service pack to the instance", LabPerson.patch_sql),
    (r"remedy those that failed|remedy it as listed", LabPerson.remedy_all),
    (r"open the folder of the media", LabPerson.look_at_media),
    (r"uninstall\b.{0,200}\bmanagement server", LabPerson.uninstall),
    (r"restore the encryption key", LabPerson.restore_key),
    (r"use an existing database", LabPerson.install),
    (r"apply the update ", LabPerson.update),
    (r"import the unsealed management packs", LabPerson.import_packs),
    (r"rename the folder", LabPerson.rename_folder),
    (r"is the password at hand|does somebody hold the password", LabPerson.ask_for_password),
    (r"can a work item be created", LabPerson.open_console),
    (r"start-scdwjob -jobname mpsyncjob", LabPerson.synchronise),
    (r"do the reports open", LabPerson.open_reports),
    (r"versions of binaries, databases and management packs agree", LabPerson.compare_versions),
    (r"retry|setup\.exe", LabPerson.press_retry),
)
_DEEDS = tuple((re.compile(text, re.IGNORECASE | re.DOTALL), deed) for text, deed in _PHRASES)
