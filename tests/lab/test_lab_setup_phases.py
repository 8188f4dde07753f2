"""Setup fails where its causes lie: what each estate shows in its wizard, its versions, its log, and to the triage."""

import re
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path

import pytest

from engine.app.lab import up
from engine.app.triage_live import LiveRequest, triage_live
from engine.lab import machine_setup as setup
from engine.lab.estate import RTM, SP1, VARIANTS, Estate, build_estate, variant
from engine.lab.estate_causes import plant

ROW = r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$"
ASKED = "Does the wizard offer the button Retry?"
BUTTONS = {"offered": "Yes", "missing": "Only Close", "unknown": "Nobody can see it"}
ANSWER = {"offered": "yes", "missing": "no", "unknown": "unknown"}


def log_of(estate: Estate) -> str:
    file = estate.wizard.machine.files.get(estate.wizard.log_path)
    return file.content.decode("utf-16") if file is not None else ""


def changed(estate: Estate) -> set[str]:
    """The servers and databases that are no longer as they were."""
    servers = {name for name, one in estate.products.items() if one.build != RTM}
    databases = {one.name for product in estate.products.values() for one in product.databases}
    every = {one.name: one for product in estate.products.values() for one in product.databases}
    return servers | {name for name in databases if every[name].product_version != RTM}


@pytest.mark.parametrize(
    ("name", "page", "left", "words"),
    [
        ("prerequisite-failed", setup.PREREQUISITES, set(), "An Operations Manager agent is installed."),
        ("check-failed", setup.RETRY, set(), "MODIFY FILE encountered operating system error 112"),
        ("scripts-failed", setup.RETRY, set(), "has failed before permanent modifications were made"),
        ("upgrade-failed", setup.RETRY, set(), "StartService failed. Error Code: 0x8007041D"),
        ("server-changed", setup.CLOSE, {"SM01"}, "actual version available is 7.5.1561.0"),
        ("schema-changed", setup.CLOSE, {"SM01", "ServiceManager"}, "transaction log for database 'ServiceManager'"),
        ("warehouse-server-changed", setup.CLOSE, {"DW01"}, "Sccmdw.mpb"),
        ("warehouse-changed", setup.CLOSE, {"DW01", "DWStagingAndConfig"}, "for database 'DWStagingAndConfig' is full"),
        ("upgraded", setup.FINISHED, {"SM01", "ServiceManager"}, "Setup completed. Version 7.5.2905.0."),
        ("healthy", setup.CLOSED, set(), ""),
    ],
)
def test_what_each_estate_shows(name: str, page: str, left: set[str], words: str) -> None:
    estate = build_estate(name)
    assert (estate.wizard.page, changed(estate)) == (page, left)
    assert words in log_of(estate)
    assert not [one for one in estate.wizard.machine.processes if one.name in setup.PROCESSES]


PAGE = Path(__file__).resolve().parents[2] / "docs" / "scenarios.md"
ESTATES = {name: (page, row) for name, page, row in re.findall(ROW, PAGE.read_text(encoding="utf-8"), re.MULTILINE)}
SHOWN = {
    "closed": setup.CLOSED,
    "finished": setup.FINISHED,
    "prerequisite page": setup.PREREQUISITES,
    "Retry": setup.RETRY,
    "Close": setup.CLOSE,
}


def test_the_page_lists_every_estate_as_it_is() -> None:
    assert set(ESTATES) == set(VARIANTS)
    found = {name: build_estate(name).wizard.page for name in VARIANTS}
    assert found == {name: SHOWN[page] for name, (page, _) in ESTATES.items()}


@pytest.mark.parametrize(("name", "row"), [(name, row) for name, (_, row) in ESTATES.items() if row != "-"])
def test_the_triage_names_the_row(name: str, row: str, tmp_path: Path) -> None:
    lab = up(tmp_path / "lab", variant=name, speed=200)
    try:
        told = {"retry_button": ANSWER[str(lab.estate.operator_answer(ASKED, BUTTONS))]}
        if lab.estate.wizard.page == setup.PREREQUISITES:
            told["prerequisite_page"] = "failure: " + lab.estate.wizard.findings[0].text
        request = LiveRequest(
            inventory=str(lab.inventory), folder=tmp_path / "evidence", baseline=str(lab.baseline), answers=told
        )
        found = triage_live(request, lambda line: None)
    finally:
        lab.stop()
    assert found.row == row, found.meaning


def test_a_cause_that_is_gone_lets_setup_go_on() -> None:
    cures = {
        "prerequisite-failed": lambda one: one.machines["SM01"].registry.remove_key(
            r"HKLM\SOFTWARE\Microsoft\Microsoft Operations Manager\3.0\Agent Management Groups"
        ),
        "check-failed": lambda one: setattr(one.machines["SQL01"].volumes["D:\\"], "free", 2 * 1024**3),
        "scripts-failed": lambda one: one.machines["SQL01"].sql.options.update({"allow updates": 0}),
    }
    for name, cure in cures.items():
        estate = build_estate(name)
        before = estate.wizard.page
        assert estate.run_setup() != setup.SUCCEEDED
        assert estate.wizard.page == before
        cure(estate)
        assert estate.run_setup() == setup.SUCCEEDED
        assert changed(estate) == {"SM01", "ServiceManager"}


@pytest.mark.parametrize("name", ["server-changed", "schema-changed", "warehouse-changed"])
def test_after_a_permanent_change_setup_finds_its_own_version(name: str) -> None:
    estate = build_estate(name)
    left = changed(estate)
    assert estate.run_setup() == setup.FAILED
    assert "Setup ended with error 265." in log_of(estate)
    assert changed(estate) == left
    assert estate.wizard.machine.services.get("OMCFG").state == "Stopped"


def test_databases_are_changed_one_after_the_other() -> None:
    estate = build_estate("warehouse-changed")
    found = {one.name: one.product_version for one in estate.products["DW01"].databases}
    assert found.pop("DWStagingAndConfig") == SP1
    assert set(found.values()) == {RTM}


def test_a_scenario_says_what_is_changed_first() -> None:
    estate = build_estate(variant("schema-changed", databases_first=True))
    assert changed(estate) == {"ServiceManager"}
    assert estate.wizard.page == setup.CLOSE
    estate = build_estate(variant("warehouse-server-changed", databases_first=True))
    assert changed(estate) == set()  # the packs that do not fit come before anything is changed
    assert estate.wizard.page == setup.RETRY


def test_closing_the_wizard_lets_setup_check_anew() -> None:
    estate = build_estate("scripts-failed")
    estate.machines["SQL01"].volumes["D:\\"].free = 0
    assert estate.run_setup() == setup.RETRY_OFFERED
    assert estate.operator_answer("In the setup wizard choose Close.", {"done": "Done"}) == "done"
    assert estate.wizard.page == setup.CLOSED
    assert estate.run_setup() == setup.CHECK_FAILED


def test_an_unknown_cause_or_server_is_told() -> None:
    with pytest.raises(TypeError, match="fails_at is 'lunch'"):
        build_estate(variant("healthy", upgrade=True, fails_at="lunch"))
    with pytest.raises(TypeError, match="server is 'SQL01'"):
        build_estate(variant("upgrade-failed", server="SQL01"))


PHASES = ("prerequisites", "predicted", "before-permanent", "service", "after-server", "after-database")
PAGES = dict(zip(PHASES, (setup.PREREQUISITES, *[setup.RETRY] * 3, *[setup.CLOSE] * 2), strict=True))
ENDS = dict(zip(PHASES, ("failures", "check_failed", "retry_offered", "timed_out", "failed", "failed"), strict=True))


def sets_of_causes() -> Iterator[tuple[str, ...]]:
    """Every set of causes, in the order of the phases."""
    return chain.from_iterable(combinations(PHASES, count) for count in range(len(PHASES) + 1))


@pytest.mark.parametrize("server", ["SM01", "SM02", "DW01"])
def test_the_earliest_cause_decides_whatever_else_is_wrong(server: str) -> None:
    for causes in sets_of_causes():
        estate = build_estate(variant("healthy", server=server))
        for cause in causes:
            plant(estate.wizard, cause)
        if "service" in causes:
            estate.machines[server].services.get("OMCFG").start_s = 45.0
        first = causes[0] if causes else None
        assert estate.run_setup() == (ENDS[first] if first else setup.SUCCEEDED), causes
        assert estate.wizard.page == (PAGES[first] if first else setup.FINISHED), causes
        assert (server in changed(estate)) == (first in ("after-server", "after-database", None)), causes
        names = set(estate.wizard.product.database_names)
        expected = names if first is None else {estate.wizard.product.database_names[0]} & names
        assert changed(estate) & names == (expected if first in ("after-database", None) else set()), causes


def test_a_running_warehouse_job_keeps_setup_from_starting() -> None:
    estate = build_estate(variant("healthy", server="DW01"))
    job = estate.machines["DW01"].product.jobs["MPSyncJob"]
    job.until = estate.clock.now() + 600.0
    assert estate.run_setup() == setup.PREREQUISITES_FAILED
    assert "MPSyncJob" in estate.wizard.findings[0].text
    estate.clock.advance(601.0)
    assert estate.run_setup() == setup.SUCCEEDED
