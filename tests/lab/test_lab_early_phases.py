"""The runbooks of the early phases, each rehearsed on the lab's estate: how each way through them ends."""

from collections.abc import Mapping
from typing import Any

import pytest

from engine.app.scenario import ScenarioResult, rehearse
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
