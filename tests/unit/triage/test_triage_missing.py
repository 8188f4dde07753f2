"""What missing evidence weighs, and which piece would decide: held to what the table answers once it is there."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from engine.app.triage import triage_evidence, triage_spec
from engine.conduct.triage import judge
from engine.conduct.triage_table import Table
from engine.evidence.writer import HostEvidence, baseline_document, write_evidence
from engine.model.triage import (
    UNKNOWN,
    Answers,
    Concern,
    Counts,
    Evidence,
    EvidenceHost,
    Missing,
    Row,
    Sighting,
    TriageResult,
    Upgrade,
    Versions,
    Weight,
)

OLD, NEW = "7.5.1561.0", "7.5.2905.0"
SPEC = triage_spec()
READ = Counts(hosts=1, files=2, log_files=1, log_lines=10, events=1)
LOG_GAP = Missing(what="a log", why="access denied", host="SM01", concerns=Concern.LOGS)
S1 = Sighting(signature="S1", text="StartService failed", host="SM01", file="hosts/SM01/logs/a.log", line=4)


def host(binaries: str = OLD, main: str = OLD) -> EvidenceHost:
    return EvidenceHost(
        name="SM01", role="management-server", versions=Versions(binaries=binaries, databases={"ServiceManager": main})
    )


def evidence(
    now: EvidenceHost | None = None, *, baseline: bool = True, retry: str = UNKNOWN, **more: object
) -> Evidence:
    whole = Evidence(
        hosts=(now or host(),),
        baseline=(host(),) if baseline else None,
        upgrade=Upgrade(started_at=1.0, offset_s=0),
        answers=Answers(setup_running="no", retry_button=retry),
        counts=READ,
    )
    return replace(whole, **more)  # type: ignore[arg-type]


def weights(result: TriageResult) -> Mapping[str, Weight | None]:
    return {one.what: one.weight for one in result.missing}


def test_an_unread_event_log_does_not_change_a_timeout() -> None:
    gap = Missing(what="event log System", why="access denied", host="SM01", concerns=Concern.EVENTS)
    result = judge(evidence(sightings=(S1,), missing=(gap,)), SPEC)
    assert result.verdict == "configuration-service-timeout"
    assert weights(result)["event log System"] is Weight.NEVER
    assert weights(result)["the answer retry_button"] is Weight.NEVER
    assert result.deciding is None


def test_a_log_that_was_not_read_could_change_a_verdict() -> None:
    gap = Missing(what="C:\\a.log", why="access denied", host="SM01", concerns=Concern.LOGS)
    result = judge(evidence(retry="yes", missing=(gap,)), SPEC)
    assert result.verdict == "before-permanent-changes"
    assert weights(result)["C:\\a.log"] is Weight.ALONE


def test_the_end_of_the_very_log_may_overtake_what_it_shows() -> None:
    gap = Missing(what="the end of a log", why="cut off", host="SM01", file=S1.file, concerns=Concern.LOGS)
    result = judge(evidence(sightings=(S1,), missing=(gap,)), SPEC)
    assert weights(result)["the end of a log"] is Weight.ALONE
    other = judge(evidence(sightings=(S1,), missing=(replace(gap, file="hosts/SM01/logs/b.log"),)), SPEC)
    assert weights(other)["the end of a log"] is Weight.NEVER


def test_two_gaps_that_decide_only_together_are_not_called_harmless() -> None:
    result = judge(evidence(host(main=UNKNOWN), sightings=()), SPEC)
    assert result.verdict == "undetermined"
    assert weights(result)["the answer retry_button"] is Weight.TOGETHER
    assert weights(result)["the version of ServiceManager"] is Weight.TOGETHER
    assert result.deciding is not None


def test_the_baseline_is_the_single_piece_that_decides_a_timeout() -> None:
    result = judge(evidence(baseline=False, sightings=(S1,)), SPEC)
    assert result.verdict == "undetermined"
    assert result.deciding is not None
    assert result.deciding.pieces == ("the baseline",)
    assert result.deciding.surely
    assert {one.verdict for one in result.deciding.outcomes} == {
        "configuration-service-timeout",
        "after-permanent-changes-database",
        "after-permanent-changes-management-server",
    }


def test_the_retry_button_is_the_single_piece_where_a_database_changed() -> None:
    result = judge(evidence(host(main=NEW)), SPEC)
    assert result.deciding is not None
    assert result.deciding.pieces == ("the answer retry_button",)
    assert [(one.says, one.row) for one in result.deciding.outcomes] == [("yes", "D6"), ("no", "D8")]
    assert not result.deciding.surely
    assert result.next[0].startswith("Look whether setup offers Retry")


@pytest.mark.parametrize(
    ("main", "binaries", "retry", "baseline", "seen"),
    list(product((OLD, NEW, UNKNOWN), (OLD, NEW, UNKNOWN), ("yes", "no", UNKNOWN), (True, False), ((), (S1,)))),
)
def test_what_is_said_of_the_retry_button_is_what_happens(
    main: str, binaries: str, retry: str, baseline: bool, seen: tuple[Sighting, ...]
) -> None:
    """Answering it in earnest changes the verdict exactly where that was said."""
    before = judge(evidence(host(binaries, main), baseline=baseline, retry=retry, sightings=seen), SPEC)
    if retry != UNKNOWN:
        assert "the answer retry_button" not in weights(before)
        return
    after = {
        judge(evidence(host(binaries, main), baseline=baseline, retry=one, sightings=seen), SPEC).verdict
        for one in ("yes", "no")
    }
    said = weights(before)["the answer retry_button"]
    assert (said is Weight.ALONE) == (after != {before.verdict})
    if before.deciding is not None and before.deciding.pieces == ("the answer retry_button",):
        for outcome in before.deciding.outcomes:
            truly = judge(evidence(host(binaries, main), baseline=baseline, retry=outcome.says, sightings=seen), SPEC)
            assert (truly.verdict, truly.row, truly.suspected) == (outcome.verdict, outcome.row, outcome.suspected)


def test_an_unreachable_host_weighs_the_same_when_the_folder_is_read_later(tmp_path: Path) -> None:
    gap = Missing(
        what="the host as a whole", why="open could not connect: refused", host="SQL01", concerns=Concern.ANYTHING
    )
    sql = EvidenceHost(name="SQL01", role="sql-server", versions=Versions(databases={"ServiceManager": OLD}))
    server = EvidenceHost(name="SM01", versions=Versions(binaries=OLD))
    write_evidence(
        tmp_path / "e",
        (
            HostEvidence(host=server, logs={"SCSMInstall.log": b"an ordinary line\r\n"}),
            HostEvidence(host=EvidenceHost(name="SQL01"), missing=(gap,)),
        ),
        answers=Answers(setup_running="no", retry_button="no"),
        baseline=baseline_document((server, sql)),
    )
    result = triage_evidence([tmp_path / "e"], SPEC)
    assert (result.row, result.suspected) == ("D10", "after-permanent-changes-database")
    assert weights(result)["the host as a whole"] is Weight.ALONE
    assert result.deciding is not None
    assert result.deciding.pieces == ("the version of ServiceManager of SQL01",)


def test_versions_that_decide_only_together_are_not_called_harmless() -> None:
    result = judge(evidence(host(binaries=UNKNOWN, main=UNKNOWN), retry="no"), SPEC)
    assert weights(result)["the version of the binaries"] is Weight.TOGETHER
    assert weights(result)["the version of ServiceManager"] is Weight.ALONE


def test_where_no_piece_decides_alone_two_are_named() -> None:
    answers = Answers(setup_running="no", exit_code=248, prerequisite_page=("Warning: memory",))
    result = judge(evidence(host(UNKNOWN, UNKNOWN), answers=answers), SPEC)
    assert result.deciding is not None
    assert result.deciding.pieces == ("the answer retry_button", "the versions that are not known")
    assert {one.verdict for one in result.deciding.outcomes} >= {
        "before-permanent-changes",
        "after-permanent-changes-database",
        "after-permanent-changes-management-server",
    }


@pytest.mark.parametrize(
    ("main", "binaries", "retry"), list(product((OLD, NEW, UNKNOWN), (OLD, NEW, UNKNOWN), ("yes", "no", UNKNOWN)))
)
def test_a_log_that_is_called_harmless_is_harmless(main: str, binaries: str, retry: str) -> None:
    """Each signature that it might have shown is put there in earnest."""
    gap = Missing(what="a log", why="lost", host="SM01", concerns=Concern.LOGS)
    before = judge(evidence(host(binaries, main), retry=retry, missing=(gap,)), SPEC)
    after = {
        judge(evidence(host(binaries, main), retry=retry, sightings=(replace(S1, signature=one.id),)), SPEC).verdict
        for one in SPEC.signatures
        if one.logs
    }
    if after != {before.verdict}:
        assert weights(before)["a log"] is Weight.ALONE
    if weights(before)["a log"] is Weight.NEVER:
        assert after == {before.verdict}


def test_gaps_that_may_hide_the_same_are_weighed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    whole = Table.row

    def counted(table: Table, values: Mapping[str, str]) -> Row:
        nonlocal asked
        asked += 1
        return whole(table, values)

    monkeypatch.setattr(Table, "row", counted)
    gaps = tuple(replace(LOG_GAP, file=f"{number}.log") for number in range(100))
    judge(evidence(sightings=(S1,), missing=gaps[:1]), SPEC)
    once, asked = asked, 0
    result = judge(evidence(sightings=(S1,), missing=gaps), SPEC)
    assert [one.weight for one in result.missing if one.what == LOG_GAP.what] == [Weight.NEVER] * 100
    assert asked == once
