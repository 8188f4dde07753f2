"""The runbooks of the early phases, each rehearsed on the lab's estate: how each way through them ends."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.app import scenario
from engine.app.scenario import ScenarioResult, rehearse
from engine.lab import machine_services as scm
from engine.lab.estate import Estate, build_estate
from engine.language.scenario import Expectation, ScenarioSpec
from engine.model.packaged import root

LOG = r"C:\Users\scsmsetup\AppData\Local\Temp\SCSMInstall.log"
BEFORE = "This upgrade attempt has failed before permanent modifications were made."
SAID_BEFORE = f"An error occurred while executing a custom action: _ExecuteSqlScripts. {BEFORE}"


def rehearsed(runbook: str, expected: Mapping[str, str], code: int, **told: Any) -> ScenarioResult:
    """One rehearsal of a shipped runbook on an estate where nothing is wrong unless ``told`` says so."""
    nothing = Expectation(exit_code=code, status=None, steps=expected, why={}, machines={}, contacted=None)
    spec = {
        "name": "early",
        "title": "Early phase",
        "file": str(root("runbooks") / "service-manager" / "scenarios" / "early.yaml"),
        "runbook": f"../{runbook}.yaml",
        "estate": "healthy",
        "changes": {},
        "baseline": True,
        "check": False,
        "params": {},
        "answers": {},
        "approvals": "all",
        "faults": {},
        **told,
    }
    result = rehearse(ScenarioSpec(**spec, expect=nothing))
    assert result.missed == (), result.summary
    return result


def log(text: str) -> Mapping[str, Any]:
    return {"SM01": {"files": {LOG: text}}}


OFFERED = {"retry_button": "offered"}
BEFORE_CHANGES = [
    pytest.param(
        {"answers": {**OFFERED, "cause": "removed"}},
        0,
        {"cause": "ok", "fix_tls": "skipped", "retry_first": "ok", "cured": "ok", "services": "ok"},
        id="an unknown cause was removed",
    ),
    pytest.param(
        {"answers": OFFERED, "faults": log(SAID_BEFORE)},
        0,
        {"fix_allow_updates": "ok", "allow_updates_off": "ok", "cause": "skipped", "cured": "ok"},
        id="allow updates",
    ),
    pytest.param(
        {"answers": {"retry_button": "unknown"}, "faults": log(SAID_BEFORE)},
        0,
        {"right_case": "ok", "cured": "ok"},
        id="the log alone says so",
    ),
    pytest.param(
        {"answers": {**OFFERED, "cause": "tls"}}, 0, {"fix_tls": "ok", "cured": "ok"}, id="hardened to TLS 1.2"
    ),
    pytest.param(
        {"answers": OFFERED, "faults": log(f"custom action: _CreateSrsFolder_SC. {BEFORE}")},
        0,
        {"fix_report_folder": "ok", "fix_allow_updates": "skipped", "cured": "ok"},
        id="the report server stands still",
    ),
    pytest.param(
        {"answers": OFFERED, "faults": log("The file build_scdw_db.sql was not found.")},
        0,
        {"fix_missing_scripts": "ok", "cured": "ok"},
        id="missing scripts",
    ),
    pytest.param(
        {"answers": {**OFFERED, "cause": "cancel"}},
        1,
        {"goes_on": "failed", "untouched_still": "cancelled", "retry_first": "cancelled"},
        id="the cause stays unknown",
    ),
    pytest.param(
        {"answers": {"retry_button": "missing"}, "faults": log(SAID_BEFORE)},
        1,
        {"right_case": "failed", "fix_allow_updates": "cancelled"},
        id="wizard and log disagree",
    ),
    pytest.param(
        {"answers": {"retry_button": "unknown"}}, 1, {"right_case": "failed"}, id="nobody saw the wizard, no log"
    ),
    pytest.param(
        {"answers": OFFERED, "estate": "upgrade-failed"}, 1, {"other_case": "failed"}, id="the service timed out"
    ),
    pytest.param(
        {"answers": OFFERED, "estate": "service-logon"}, 1, {"other_case": "failed"}, id="the service could not log on"
    ),
    pytest.param(
        {"answers": OFFERED, "estate": "database-changed", "faults": log(SAID_BEFORE)},
        1,
        {"other_case": "ok", "untouched@SQL01": "failed", "fix_allow_updates": "cancelled"},
        id="a database was changed",
    ),
    pytest.param(
        {"answers": OFFERED, "baseline": False},
        1,
        {"untouched@SM01": "failed", "options": "cancelled"},
        id="no baseline",
    ),
    pytest.param(
        {"answers": OFFERED, "faults": {"SM01": {"processes": ["msiexec.exe"]}}},
        1,
        {"setup_ended": "failed", "log_lines": "cancelled"},
        id="setup is at work",
    ),
    pytest.param(
        {
            "answers": {
                **OFFERED,
                "cause": "removed",
                "retry_first": "retry_offered",
                "cause_again": "removed",
                "retry_second": "succeeded",
            }
        },
        0,
        {"untouched_again": "ok", "retry_second": "ok", "cured": "ok", "services": "ok"},
        id="the second retry is enough",
    ),
    pytest.param(
        {
            "answers": {
                **OFFERED,
                "cause": "removed",
                "retry_first": "retry_offered",
                "cause_again": "removed",
                "retry_second": "failed",
            }
        },
        1,
        {"retry_second": "ok", "cured": "failed", "services": "cancelled"},
        id="back to the triage after two failures",
    ),
    pytest.param(
        {"answers": {**OFFERED, "cause": "removed", "retry_first": "retry_offered", "cause_again": "cancel"}},
        1,
        {"untouched_again": "skipped", "retry_second": "skipped", "cured": "failed"},
        id="given up after the first retry",
    ),
    pytest.param(
        {"answers": {**OFFERED, "cause": "removed", "retry_first": "failed"}},
        1,
        {"cause_again": "skipped", "cured": "failed"},
        id="no Retry any more",
    ),
]


@pytest.mark.parametrize(("told", "code", "expected"), BEFORE_CHANGES)
def test_failed_before_permanent_changes(told: Mapping[str, Any], code: int, expected: Mapping[str, str]) -> None:
    rehearsed("failed-before-permanent-changes", expected, code, **told)


# --- predicted checks ------------------------------------------------------------------------------

MEDIA = r"E:\SCSM\Setup.exe"
READY = {"retry_button": "offered", "remedies": "again", "seen_by_person": "hold"}
Do = Callable[[Estate], None]


def no_free_space(estate: Estate) -> None:
    estate.machines["SQL02"].volumes["L:\\"].free = 1024**2


def more_space(estate: Estate) -> None:
    estate.machines["SQL02"].volumes["L:\\"].free = 2 * 1024**3


def full_system_volume(estate: Estate) -> None:
    estate.machines["SM01"].volumes["C:\\"].free = 1024**3


def emptied_system_volume(estate: Estate) -> None:
    estate.machines["SM01"].volumes["C:\\"].free = 20 * 1024**3


def old_sql_server(estate: Estate) -> None:
    sql = estate.machines["SQL01"].sql
    assert sql is not None
    sql.version, sql.level = "10.50.1600.1", "RTM"


def patched_sql_server(estate: Estate) -> None:
    sql = estate.machines["SQL01"].sql
    assert sql is not None
    sql.version, sql.level = "10.50.4000.0", "SP2"


def stopped_service(estate: Estate) -> None:
    service = estate.machines["SM01"].services.get("OMSDK")
    assert service is not None
    scm.stop(estate.machines["SM01"], service)


def started_service(estate: Estate) -> None:
    service = estate.machines["SM01"].services.get("OMSDK")
    assert service is not None
    scm.start(estate.machines["SM01"], service)


def copied_media(estate: Estate) -> None:
    machine = estate.machines["SM01"]
    machine.files.write(MEDIA, b"MZ", modified=machine.clock.now())


def offline_database(estate: Estate) -> None:
    sql = estate.machines["SQL02"].sql
    assert sql is not None
    sql.databases["DWDataMart"].state = "OFFLINE"


def online_database(estate: Estate) -> None:
    sql = estate.machines["SQL02"].sql
    assert sql is not None
    sql.databases["DWDataMart"].state = "ONLINE"


def changed_database(estate: Estate) -> None:
    sql = estate.machines["SQL01"].sql
    assert sql is not None
    sql.databases["ServiceManager"].product_version = "7.5.2905.0"


def full_data_volume(estate: Estate) -> None:
    estate.machines["SQL01"].volumes["D:\\"].free = 1024**2


def larger_data_volume(estate: Estate) -> None:
    estate.machines["SQL01"].volumes["D:\\"].free = 2 * 1024**3


def stopped_configuration(estate: Estate) -> None:
    service = estate.machines["SM01"].services.get("OMCFG")
    assert service is not None
    scm.stop(estate.machines["SM01"], service)


def nothing(estate: Estate) -> None:
    del estate


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Do, Do], None]:
    """What is wrong with the estate at first, and what a person does when asked for the remedies."""

    def arrange(first: Do, then: Do) -> None:
        build, question = build_estate, scenario.ScenarioPerson.question

        def broken(*what: Any, **more: Any) -> Estate:
            estate = build(*what, **more)
            first(estate)
            return estate

        def remedied(self: scenario.ScenarioPerson, asked: Any) -> Any:
            if asked.step == "remedies":
                then(self._estate)
            return question(self, asked)

        monkeypatch.setattr(scenario, "build_estate", broken)
        monkeypatch.setattr(scenario.ScenarioPerson, "question", remedied)

    return arrange


@pytest.mark.parametrize(
    ("first", "then", "told", "code", "expected"),
    [
        pytest.param(
            nothing,
            nothing,
            {},
            0,
            {"media": "skipped", "seen_by_person": "ok", "sql_build_now": "skipped", "cured": "ok"},
            id="no failure",
        ),
        pytest.param(
            no_free_space,
            more_space,
            {},
            0,
            {"log_space@SQL01": "ok", "log_space@SQL02": "failed", "log_space_now@SQL02": "ok", "cured": "ok"},
            id="space was made",
        ),
        pytest.param(
            no_free_space,
            nothing,
            {},
            1,
            {
                "log_space@SQL02": "failed",
                "program_space": "ok",
                "log_space_now@SQL02": "failed",
                "retry_first": "cancelled",
            },
            id="space was not made",
        ),
        pytest.param(
            old_sql_server,
            patched_sql_server,
            {},
            0,
            {"sql_build@SQL01": "failed", "sql_build_now@SQL01": "ok", "cured": "ok"},
            id="SQL Server was patched",
        ),
        pytest.param(old_sql_server, nothing, {}, 1, {"sql_build_now@SQL01": "failed"}, id="SQL Server is too old"),
        pytest.param(
            stopped_service,
            started_service,
            {},
            0,
            {"data_access": "failed", "configuration": "ok", "data_access_now": "ok", "cured": "ok"},
            id="the account was corrected",
        ),
        pytest.param(
            full_system_volume,
            emptied_system_volume,
            {},
            0,
            {"program_space": "failed", "temp_space": "failed", "temp_space_now": "ok", "cured": "ok"},
            id="the system volume was full",
        ),
        pytest.param(
            nothing,
            copied_media,
            {"params": {"media": "local", "media_path": MEDIA}},
            0,
            {"media": "failed", "media_now": "ok", "seen_by_person": "skipped", "cured": "ok"},
            id="the media was copied",
        ),
        pytest.param(
            nothing,
            nothing,
            {"answers": {**READY, "seen_by_person": "fail"}},
            1,
            {"all_clear": "failed"},
            id="not readable",
        ),
        pytest.param(
            nothing,
            nothing,
            {"params": {"reading": "install"}},
            1,
            {"untouched@SM01": "skipped", "databases_free@SQL01": "failed", "databases_free_now@SQL01": "failed"},
            id="a fresh installation finds its names taken",
        ),
        pytest.param(
            nothing,
            nothing,
            {
                "params": {
                    "reading": "install",
                    "databases": ["NewManager"],
                    "data_path": "D:\\SQLData",
                    "log_path": "L:\\SQLLogs",
                }
            },
            0,
            {"databases_free@SQL01": "ok", "data_space@SQL01": "ok", "data_access": "skipped", "cured": "ok"},
            id="a fresh installation finds everything ready",
        ),
        pytest.param(
            nothing, nothing, {"answers": {"retry_button": "unknown"}}, 1, {"right_case": "failed"}, id="no Retry seen"
        ),
        pytest.param(nothing, nothing, {"baseline": False}, 1, {"untouched@SM01": "failed"}, id="no baseline"),
        pytest.param(
            offline_database,
            online_database,
            {},
            0,
            {"databases_there@SQL02": "failed", "databases_there_now@SQL02": "ok", "cured": "ok"},
            id="a database was offline",
        ),
        pytest.param(
            full_data_volume,
            larger_data_volume,
            {},
            0,
            {"data_space@SQL01": "failed", "data_space_last@SQL01": "failed", "data_space_last_now@SQL01": "ok"},
            id="the data volume was full",
        ),
        pytest.param(
            stopped_configuration,
            nothing,
            {},
            1,
            {"configuration": "failed", "configuration_now": "failed", "retry_first": "cancelled"},
            id="the account was not corrected",
        ),
        pytest.param(
            changed_database,
            nothing,
            {},
            1,
            {"untouched_still@SQL01": "failed", "retry_first": "cancelled"},
            id="a database was changed",
        ),
        pytest.param(
            nothing, nothing, {"answers": {"retry_button": "missing"}}, 1, {"right_case": "failed"}, id="Close"
        ),
        pytest.param(
            nothing,
            nothing,
            {"answers": {**READY, "remedies": "cancel"}},
            1,
            {"goes_on": "failed", "retry_first": "cancelled"},
            id="cancelled",
        ),
        pytest.param(
            nothing,
            nothing,
            {
                "answers": {
                    **READY,
                    "retry_first": "check_failed",
                    "remedies_again": "again",
                    "retry_second": "succeeded",
                }
            },
            0,
            {"retry_second": "ok", "cured": "ok"},
            id="the second retry is enough",
        ),
        pytest.param(
            nothing,
            nothing,
            {"answers": {**READY, "retry_first": "check_failed", "remedies_again": "again", "retry_second": "failed"}},
            1,
            {"cured": "failed"},
            id="back to the triage after two failures",
        ),
        pytest.param(
            nothing,
            nothing,
            {"answers": {**READY, "retry_first": "check_failed", "remedies_again": "cancel"}},
            1,
            {"retry_second": "skipped", "cured": "failed"},
            id="given up after the first retry",
        ),
        pytest.param(
            nothing,
            nothing,
            {"answers": {**READY, "retry_first": "failed"}},
            1,
            {"remedies_again": "skipped", "cured": "failed"},
            id="another failure",
        ),
    ],
)
def test_predicted_check_failed(
    between: Callable[[Do, Do], None],
    first: Do,
    then: Do,
    told: Mapping[str, Any],
    code: int,
    expected: Mapping[str, str],
) -> None:
    between(first, then)
    rehearsed("predicted-check-failed", expected, code, **{"answers": READY, **told})


# --- prerequisites ---------------------------------------------------------------------------------


def no_full_text(estate: Estate) -> None:
    sql = estate.machines["SQL01"].sql
    assert sql is not None
    sql.full_text = False


AGENT = r"HKLM\SOFTWARE\Microsoft\Microsoft Operations Manager\3.0\Agent Management Groups\OMGROUP"


def agent(estate: Estate) -> None:
    estate.machines["SM01"].registry.make_key(AGENT)


def item(kind: str, then: str = "clear", **more: str) -> Mapping[str, Any]:
    """The answers of an operator who found one failed item of this kind."""
    return {"answers": {"page": "failures", "item": kind, "check_again": then, **more}}


@pytest.mark.parametrize(
    ("first", "told", "code", "expected"),
    [
        (nothing, {"answers": {"page": "warnings"}}, 0, {"item": "skipped", "warnings_read": "ok"}),
        (nothing, item("software"), 0, {"install_software": "ok", "patch_sql": "skipped", "clear": "ok"}),
        (nothing, item("sql"), 0, {"sql_server@SQL01": "ok", "sql_server_now@SQL01": "ok"}),
        (no_full_text, item("sql", patch_sql="done"), 1, {"sql_server@SQL01": "failed", "sql_server_now@SQL01": "failed"}),
        (nothing, item("collation"), 0, {"collation_by_hand": "ok"}),
        (nothing, item("analysis"), 0, {"analysis_by_hand": "ok"}),
        (nothing, item("agent"), 0, {"remove_agent": "ok", "agent_gone": "ok"}),
        (agent, item("agent", remove_agent="done"), 1, {"agent_gone": "failed", "check_again": "cancelled"}),
        (nothing, item("system"), 0, {"system_by_hand": "ok"}),
        (nothing, item("licence"), 0, {"licence_by_hand": "ok"}),
        (nothing, item("other"), 0, {"other_by_hand": "ok"}),
        (nothing, item("cancel"), 1, {"check_again": "skipped", "not_cancelled": "failed"}),
        (nothing, item("software", "cancel"), 1, {"next_item": "skipped", "not_cancelled": "failed"}),
        (nothing, item("software", "failures", next_item="clear"), 0, {"next_item": "ok", "clear": "ok"}),
        (nothing, item("software", "failures", next_item="failures"), 1, {"clear": "failed"}),
        (nothing, item("software", "failures", next_item="cancel"), 1, {"not_cancelled": "failed"}),
        (nothing, {"answers": {"page": "elsewhere"}}, 1, {"right_case": "failed"}),
        (nothing, {"answers": {"page": "unknown"}}, 1, {"right_case": "failed"}),
        (changed_database, {"answers": {"page": "warnings"}}, 1, {"untouched@SQL01": "failed"}),
        (
            nothing,
            {"answers": {"page": "warnings", "no_baseline": "never"}, "baseline": False},
            0,
            {"untouched@SM01": "skipped", "nothing_installed": "ok"},
        ),
        (
            nothing,
            {"answers": {"page": "warnings", "no_baseline": "perhaps"}, "baseline": False},
            1,
            {"nothing_installed": "failed"},
        ),
    ],
)
def test_prerequisite_check_failed(
    between: Callable[[Do, Do], None], first: Do, told: Mapping[str, Any], code: int, expected: Mapping[str, str]
) -> None:
    between(first, nothing)
    rehearsed("prerequisite-check-failed", expected, code, **told)
