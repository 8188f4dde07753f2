"""The lab's operator recovers a server as the instructions say: each deed has its causes, and its words are stable."""

from collections.abc import Callable

import pytest
import yaml

from engine.lab import machine_setup as setup
from engine.lab import setup_recovery as deeds
from engine.lab.clock import LabClock
from engine.lab.estate import RTM, SP1, Estate, build_estate, variant
from engine.lab.estate_products import KEY_FOLDER, ORIGINAL_MEDIA, PACK_FOLDER, UPDATE_MEDIA, UPGRADE_MEDIA
from engine.lab.setup_operator import deed_for
from engine.model.packaged import root

DONE = {"done": "Done"}
OUTCOMES = {
    "done": "It is done",
    "key_missing": "The key is not there",
    "key_unreadable": "The file is no key",
    "key_of_another": "The key is another server's",
    "version_mismatch": "Setup says that the database is of another version",
    "media_missing": "The media cannot be read",
    "failed": "It failed in another way",
}
UNINSTALL = "On {}, in Programs and Features, uninstall the Service Manager management server."
UNINSTALL_WAREHOUSE = "On {}, in Programs and Features, uninstall the data warehouse management server."
RESTORE = "On {} run SecureStorageBackup.exe, choose Restore, and restore the encryption key from {}."
INSTALL = 'On {} start "{}". On the page Configure the database choose Use an existing database.'
UPDATE = "On {} apply the update CU2: start {}."
IMPORT = "On {} import the unsealed management packs from the folder {}."


def key_of(name: str) -> str:
    return f"{KEY_FOLDER}\\{name}.bin"


def recovered(estate: Estate, name: str) -> list[str | None]:
    """Every deed in its order."""
    uninstall = UNINSTALL_WAREHOUSE if name.startswith("DW") else UNINSTALL
    return [
        estate.operator_answer(text, OUTCOMES)
        for text in (
            uninstall.format(name),
            RESTORE.format(name, key_of(name)),
            INSTALL.format(name, ORIGINAL_MEDIA),
            UPDATE.format(name, UPDATE_MEDIA),
            IMPORT.format(name, PACK_FOLDER),
        )
    ]


@pytest.mark.parametrize(("estate_name", "name"), [("server-changed", "SM01"), ("warehouse-server-changed", "DW01")])
def test_a_changed_server_is_recovered(estate_name: str, name: str) -> None:
    estate = build_estate(estate_name)
    machine, product = estate.machines[name], estate.products[name]
    keys = {key.path for key in machine.registry}
    assert recovered(estate, name) == ["done"] * 5
    assert (product.build, product.updates) == (RTM, ["CU2"])
    assert {machine.files.get(path).version for path in product.files_of_build()} == {RTM}
    assert machine.registry.data(product.uninstall_key, "DisplayVersion") == RTM
    assert {key.path for key in machine.registry} == keys
    assert {machine.services.get(one).state for one in ("OMSDK", "OMCFG", "HealthService")} == {"Running"}
    assert {one.product_version for one in product.databases} == {RTM}


def test_a_server_is_recovered_while_lab_time_runs() -> None:
    estate = build_estate("server-changed", clock=LabClock(1362218400.0, speed=5000))
    assert recovered(estate, "SM01") == ["done"] * 5
    assert estate.machines["SM01"].services.get("OMSDK").state == "Running"


def test_the_recovered_server_can_be_upgraded_once_the_cause_is_gone() -> None:
    estate = build_estate("server-changed")
    estate.operator_answer("Choose Close in the wizard.", DONE)
    recovered(estate, "SM01")
    assert estate.run_setup() == setup.SUCCEEDED  # the file that somebody had changed went with the role
    assert estate.products["SM01"].build == SP1


def test_a_role_that_is_uninstalled_leaves_nothing_but_what_was_beside_it() -> None:
    estate = build_estate("server-changed")
    machine, product = estate.machines["SM01"], estate.products["SM01"]
    assert estate.operator_answer(UNINSTALL.format("SM01"), DONE) == "done"
    assert [machine.services.get(one) for one in ("OMSDK", "OMCFG", "HealthService")] == [None, None, None]
    assert machine.registry.key(product.uninstall_key) is None
    assert not machine.files.is_folder(product.folder)
    assert not [one for one in machine.files if one.path.startswith(product.folder)]
    assert machine.files.get(key_of("SM01")) is not None
    assert machine.services.get("WinRM").state == "Running"
    assert not product.holds_key
    assert estate.machines["SM02"].services.get("OMSDK").state == "Running"
    assert estate.operator_answer(UNINSTALL.format("SM01"), OUTCOMES) == "failed"


def test_without_its_key_no_server_is_recovered() -> None:
    estate = build_estate("server-changed")
    estate.operator_answer(UNINSTALL.format("SM01"), DONE)
    assert estate.operator_answer(INSTALL.format("SM01", ORIGINAL_MEDIA), OUTCOMES) == "key_missing"
    assert estate.operator_answer(INSTALL.format("SM01", ORIGINAL_MEDIA), DONE) is None
    assert not estate.products["SM01"].installed


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (key_of("SM01"), "done"),
        (r"\\SQL01\D$\KeyBackup\SM01.bin", "done"),
        (r"\\sql01.contoso.lab\D$\KeyBackup\SM01.bin", "done"),
        (r"\\SQL01\D$\KeyBackup\DW01.bin", "key_of_another"),
        (r"\\SQL09\D$\KeyBackup\SM01.bin", "key_missing"),
        (r"C:\Elsewhere\SM01.bin", "key_missing"),
        (r"C:\KeyBackup\empty.bin", "key_unreadable"),
    ],
)
def test_the_key_has_to_be_that_server_s(path: str, word: str) -> None:
    estate = build_estate("server-changed")
    server = estate.machines["SM01"]
    server.files.write(r"C:\KeyBackup\empty.bin", b"", modified=server.clock.now())
    estate.operator_answer(UNINSTALL.format("SM01"), DONE)
    assert estate.operator_answer(RESTORE.format("SM01", path), OUTCOMES) == word
    assert estate.products["SM01"].holds_key == (word == "done")


def restored(estate: Estate) -> None:
    for one in estate.products["SM01"].databases:
        one.product_version = RTM


def renamed(estate: Estate) -> None:
    key = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"
    estate.machines["SM01"].registry.set(key, "ComputerName", "SM09")
    restored(estate)


def offline(estate: Estate) -> None:
    estate.products["SM01"].databases[0].state = "RESTORING"


def nothing(estate: Estate) -> None:
    del estate


@pytest.mark.parametrize(
    ("first", "media", "word"),
    [
        (nothing, ORIGINAL_MEDIA, deeds.VERSION_MISMATCH),
        (restored, ORIGINAL_MEDIA, deeds.DONE),
        (restored, UPGRADE_MEDIA, deeds.VERSION_MISMATCH),
        (restored, r"E:\Setup.exe", deeds.MEDIA_MISSING),
        (renamed, ORIGINAL_MEDIA, "failed"),
        (offline, ORIGINAL_MEDIA, "failed"),
    ],
)
def test_setup_compares_media_and_database(first: Callable[[Estate], None], media: str, word: str) -> None:
    estate = build_estate("schema-changed")
    estate.operator_answer(UNINSTALL.format("SM01"), DONE)
    estate.operator_answer(RESTORE.format("SM01", key_of("SM01")), DONE)
    first(estate)
    assert estate.operator_answer(INSTALL.format("SM01", media), OUTCOMES) == word
    assert estate.products["SM01"].installed == (word == deeds.DONE)


def test_an_upgrade_finds_nothing_where_the_role_is_gone() -> None:
    estate = build_estate("server-changed")
    estate.operator_answer(UNINSTALL.format("SM01"), DONE)
    assert estate.run_setup() == setup.FAILED
    assert not estate.machines["SM01"].files.is_folder(estate.products["SM01"].folder)


def test_a_role_that_is_still_there_is_not_installed_again() -> None:
    estate = build_estate("server-changed")
    assert estate.operator_answer(INSTALL.format("SM01", ORIGINAL_MEDIA), OUTCOMES) == "failed"
    assert estate.products["SM01"].build == SP1


def test_while_setup_is_at_work_nothing_is_removed() -> None:
    estate = build_estate("server-changed")
    estate.machines["SM01"].add_process("msiexec.exe")
    assert estate.operator_answer(UNINSTALL.format("SM01"), OUTCOMES) == "failed"
    assert estate.products["SM01"].installed


def test_packs_are_imported_through_data_access_only() -> None:
    estate = build_estate("server-changed")
    server, store = estate.machines["SM01"], estate.machines["SM01"].product.store
    gone = next(iter(store.unsealed))
    del store.at().management_packs[gone]
    server.services.get("OMSDK").state = "Stopped"
    assert estate.operator_answer(IMPORT.format("SM01", PACK_FOLDER), OUTCOMES) == "failed"
    server.services.get("OMSDK").state = "Running"
    assert estate.operator_answer(IMPORT.format("SM01", r"C:\Elsewhere"), OUTCOMES) == "media_missing"
    assert estate.operator_answer(IMPORT.format("SM01", PACK_FOLDER), OUTCOMES) == "done"
    assert gone in store.at().management_packs


def test_the_host_that_is_named_first_counts() -> None:
    estate = build_estate("server-changed")
    text = "On SM02 (not on SM01) uninstall the Service Manager management server."
    assert estate.operator_answer(text, DONE) == "done"
    assert (estate.products["SM02"].installed, estate.products["SM01"].installed) == (False, True)


def test_a_retry_is_never_told_the_other_way_round() -> None:
    strange = {"worse": "It got worse", "better": "It got better"}
    assert build_estate("upgrade-failed").operator_answer("Choose Retry.", strange) == "worse"
    assert build_estate("upgraded").operator_answer("Choose Retry.", strange) is None
    assert (
        build_estate("upgraded").operator_answer("Choose Retry.", {"succeeded": "Yes", "failed": "No"}) == "succeeded"
    )


def test_what_the_operator_sees_in_the_wizard() -> None:
    page = "What does the page of the prerequisites show?"
    pages = {"failures": "Red", "warnings": "Yellow", "elsewhere": "Past it", "unknown": "Closed"}
    kinds = {"agent": "An agent", "other": "Something else"}
    shown = {
        "prerequisite-failed": "failures",
        "check-failed": "elsewhere",
        "server-changed": "elsewhere",
        "healthy": "unknown",
    }
    for name, word in shown.items():
        estate = build_estate(name)
        assert estate.operator_answer(page, pages) == word
        assert estate.operator_answer("Of which kind is it?", kinds) == ("agent" if word == "failures" else None)


PASSWORD = "Is the password at hand?"
CONSOLE = "Open the console. Can a work item be created and found?"
REPORTS = "Do the reports open?"
VERSIONS = "Do the versions of binaries, databases and management packs agree?"
TOLD = {one: one for one in ("held", "missing", "works", "fails", "work", "fail", "agree", "differ")}


def test_a_password_that_nobody_kept_restores_no_key() -> None:
    estate = build_estate(variant("server-changed", key_password_kept=False))
    assert estate.operator_answer(PASSWORD, TOLD) == "missing"
    estate.operator_answer(UNINSTALL.format("SM01"), DONE)
    assert estate.operator_answer(RESTORE.format("SM01", key_of("SM01")), OUTCOMES) == "failed"
    assert not estate.products["SM01"].holds_key
    assert (
        estate.operator_answer("Does somebody hold the password of every backup?", {"held": "", "lost": ""}) == "lost"
    )
    assert build_estate("server-changed").operator_answer(PASSWORD, TOLD) == "held"


@pytest.mark.parametrize(
    ("name", "console", "reports", "versions"),
    [
        ("healthy", "works", "work", "agree"),
        ("server-changed", "works", "work", "differ"),
        ("schema-changed", "fails", "work", "differ"),
        ("warehouse-changed", "works", "fail", "differ"),
        ("warehouse-server-changed", "works", "fail", "differ"),
    ],
)
def test_a_person_finds_what_works(name: str, console: str, reports: str, versions: str) -> None:
    estate = build_estate(name)
    found = [estate.operator_answer(one, TOLD) for one in (CONSOLE, REPORTS, VERSIONS)]
    assert found == [console, reports, versions]


AT_THE_SCREEN = ("setup wizard", "Programs and Features", "SecureStorageBackup", "Setup.exe", "apply the update")


def instructions() -> list[tuple[str, str]]:
    """Every text for a person in a shipped runbook that has to do with setup, in one line."""
    texts = []
    for path in sorted((root("runbooks") / "service-manager").glob("*.yaml")):
        for step in yaml.safe_load(path.read_text(encoding="utf-8")).get("steps", ()):
            told = step.get("with", {})
            show = " ".join(f"{told.get('show', '')} {told.get('question', '')}".split())
            if step["action"].startswith("operator.") and any(word in show for word in AT_THE_SCREEN):
                texts.append((f"{path.stem}: {step['id']}", show))
    return texts


@pytest.mark.parametrize(("place", "show"), instructions())
def test_every_instruction_about_setup_is_understood(place: str, show: str) -> None:
    assert deed_for(show) is not None, place
