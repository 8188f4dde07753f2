"""The screen of a triage: what is true, what it means, what decides, what to do next; within 80 columns."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from engine.app.triage import triage_spec
from engine.conduct.triage import judge
from engine.model.triage import Answers, Concern, Counts, Evidence, EvidenceHost, Missing, Sighting, Upgrade, Versions
from engine.reporting.triage_text import triage_json, triage_text

OLD, NEW = "7.5.1561.0", "7.5.2905.0"
HOST = EvidenceHost(
    name="SM01", role="management-server", versions=Versions(binaries=OLD, databases={"ServiceManager": OLD})
)
LINE = Sighting(
    signature="S1", host="SM01", file="hosts/SM01/logs/SCSMInstall.log", line=4711,
    text="StartService failed. Error Code: 0x8007041D (bound to OMCFG, line 4710)",
)  # fmt: skip
GAP = Missing(what="event log System", why="access denied", host="DW01", concerns=Concern.EVENTS)
EVIDENCE = Evidence(
    hosts=(HOST,),
    baseline=(HOST,),
    baseline_file="baseline.yaml",
    upgrade=Upgrade(from_version=OLD, to_version=NEW, started_at=1359828120.0, offset_s=3600),
    answers=Answers(setup_running="no"),
    sightings=(LINE, replace(LINE, line=4712)),
    missing=(GAP,),
    counts=Counts(hosts=3, files=7, log_files=1, events=1204),
)


def screen(evidence: Evidence = EVIDENCE, width: int = 80) -> str:
    return triage_text(judge(evidence, triage_spec()), width)


def test_a_verdict_with_all_that_stands_behind_it() -> None:
    assert (
        screen()
        == """\
Failed upgrade of Service Manager 7.5.1561.0 to 7.5.2905.0
evidence: 3 hosts, 7 files, 1,204 events read

  Verdict   configuration service start-up time-out
            row D1 of the decision table
            Setup could not start OMCFG in time and rolled back. Nothing
            permanent was changed.

  For       SM01  logs/SCSMInstall.log:4711  and 1 line like it
              StartService failed. Error Code: 0x8007041D (bound to OMCFG, line
              4710)
            SM01  baseline.yaml
              as in the baseline: binaries 7.5.1561.0
            SM01  baseline.yaml
              as in the baseline: ServiceManager 7.5.1561.0
  Against   nothing found
  Missing   would not change the verdict:
              DW01: event log System: access denied
              the answer retry_button: nobody has said whether setup offers
              Retry

  Exits     retry, undo and restore are still possible: nothing permanent was
            changed
  Next      runbook run runbooks/service-manager/configuration-service-timeout.yaml -i INVENTORY"""
    )


def test_an_undetermined_verdict_names_what_decides_and_where_it_leads() -> None:
    text = screen(replace(EVIDENCE, baseline=None))
    start, end = text.index("  Possible"), text.index("  For")
    assert (
        text[start:end]
        == """\
  Possible  failure after permanent changes to a database; failure after
            permanent changes to the management server; configuration service
            start-up time-out
  Decides   the baseline
              everything is as in the baseline -> configuration service start-up
              time-out, row D1
              changed: ServiceManager -> failure after permanent changes to a
              database, row D2
              changed: the binaries -> failure after permanent changes to the
              management server, row D2

"""
    )
    assert "Next      Bring the baseline recorded before the upgrade" in text


def test_evidence_that_contradicts_itself_is_decided_by_a_person() -> None:
    changed = replace(HOST, versions=Versions(binaries=OLD, databases={"ServiceManager": NEW}))
    answers = Answers(setup_running="no", retry_button="yes", exit_code=0, prerequisite_page=("Warning: memory",))
    text = screen(replace(EVIDENCE, hosts=(changed,), answers=answers, sightings=(), missing=()))
    assert "row D6" in text
    assert "Decides   nothing that is missing would decide it; a person has to" in text


@pytest.mark.parametrize("width", [20, 60, 80, 100, 400])
def test_no_line_is_longer_than_the_screen_save_commands(width: int) -> None:
    for evidence in (EVIDENCE, replace(EVIDENCE, baseline=None), Evidence()):
        lines = screen(evidence, width).splitlines()
        assert all(len(one) <= max(60, min(width, 120)) for one in lines if "runbook run" not in one)


def test_the_data_says_what_each_gap_weighs() -> None:
    result = judge(replace(EVIDENCE, baseline=None), triage_spec())
    data: Mapping[str, object] = json.loads(json.dumps(triage_json(result)))
    weights = {one["what"]: one["could_change_verdict"] for one in data["missing"]}  # type: ignore[attr-defined]
    assert weights == {"event log System": "no", "the baseline": "alone", "the answer retry_button": "no"}
    assert data["deciding"]["pieces"] == ["the baseline"]  # type: ignore[index]
    assert data["deciding"]["surely"] is True  # type: ignore[index]


def test_what_one_host_lacks_for_one_reason_is_told_once() -> None:
    gaps = (GAP, replace(GAP, what="event log Application"), replace(GAP, host="DW02"))
    text = " ".join(screen(replace(EVIDENCE, missing=gaps)).split())
    assert "DW01: event log System, event log Application: access denied DW02: event log System: access" in text
    assert len(triage_json(judge(replace(EVIDENCE, missing=gaps), triage_spec()))["missing"]) == 4


def test_where_setup_may_be_running_that_is_looked_at_first() -> None:
    answers = Answers(exit_code=247)
    result = judge(replace(EVIDENCE, sightings=(), answers=answers), triage_spec())
    assert result.suspected == "setup-running"
    assert result.next[0].startswith("Look whether setup is still running")
