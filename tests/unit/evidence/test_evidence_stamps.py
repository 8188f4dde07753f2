"""Times as the cultures of Windows write them; what can be read in two ways gives both, and counts if either does."""

from datetime import datetime
from pathlib import Path

import pytest

from engine.app.triage import triage_spec
from engine.conduct.triage import judge
from engine.evidence.reader import read_evidence
from engine.evidence.stamps import stamps
from engine.language.triage import parse_text

SPEC = triage_spec()


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


ONE = {
    "02/13/2013 7:05:12 PM": "2013-02-13T19:05:12+01:00",
    "2/13/2013 12:05:12 AM": "2013-02-13T00:05:12+01:00",
    "13/02/2013 19:05:12": "2013-02-13T19:05:12+01:00",
    "13.02.2013 19:05:12": "2013-02-13T19:05:12+01:00",
    "13.02.13 19:05": "2013-02-13T19:05:00+01:00",
    "13-02-2013 19.05.12": "2013-02-13T19:05:12+01:00",
    "2013-02-13 19:05:12": "2013-02-13T19:05:12+01:00",
    "2013/2/13 19:05:12": "2013-02-13T19:05:12+01:00",
    "2013.02.13. 19:05:12": "2013-02-13T19:05:12+01:00",
    "2013. 02. 13. 19:05:12": "2013-02-13T19:05:12+01:00",
    "2/13/2013\u00a07:05:12\u202fp.m.": "2013-02-13T19:05:12+01:00",
    "2013-02-13T18:05:12.123Z": "2013-02-13T19:05:12+01:00",
}


@pytest.mark.parametrize("text", ONE)
def test_a_time_that_can_be_read_in_one_way(text: str) -> None:
    assert at(ONE[text]) in stamps(text, 3600)
    early = ONE[text][11:13] == "00"
    assert len(stamps(text, 3600)) == (3 if early else 1)


def test_day_and_month_that_may_be_either_give_both() -> None:
    assert stamps("02/03/2013 19:05:12", 3600) == (at("2013-02-03T19:05:12+01:00"), at("2013-03-02T19:05:12+01:00"))


@pytest.mark.parametrize("text", ["2013/2/13 下午 7:05:12", "13/2/2013 7:05:12 μμ", "13/02/2013 7:05:12 du."])
def test_the_half_of_the_day_in_a_language_that_is_not_known_gives_both(text: str) -> None:
    assert {at("2013-02-13T07:05:12+01:00"), at("2013-02-13T19:05:12+01:00")} <= set(stamps(text, 3600))


def test_a_word_behind_a_time_of_24_hours_says_nothing() -> None:
    assert stamps("13.02.2013 19:05:12 Uhr", 3600) == (at("2013-02-13T19:05:12+01:00"),)


def test_the_hour_that_is_there_twice_when_clocks_are_set_back_gives_both() -> None:
    assert {at("2013-10-27T02:10:00+02:00"), at("2013-10-27T02:10:00+01:00")} <= set(
        stamps("27.10.2013 02:10:00", 7200)
    )


@pytest.mark.parametrize("text", ["", "31.02.2013 10:00", "13/13/2013 10:00", "1.2.3.4 5", "2013-02-13", "99:99"])
def test_what_is_no_time_gives_none(text: str) -> None:
    assert stamps(text, 3600) == ()


def export(folder: Path, started: str, *rows: str) -> None:
    events = folder / "hosts" / "SM01" / "events"
    events.mkdir(parents=True)
    lines = ['"TimeGenerated";"EventID";"Source";"Message"']
    lines += [f'"{row}";"7009";"Service Control Manager";"x System Center Management Configuration x"' for row in rows]
    (events / "System.csv").write_text("\r\n".join(lines), encoding="utf-8")
    (folder / "evidence.yaml").write_text(f'upgrade: {{started_at: "{started}"}}\n')


def counted(folder: Path) -> list[bool]:
    evidence = read_evidence([folder], SPEC.signatures, parse_text)
    result = judge(evidence, SPEC)
    seen = [one for one in (*result.supporting, *result.noted) if one.signature == "7009"]
    return [one.superseded is None for one in sorted(seen, key=lambda one: one.line or 0)]


@pytest.mark.parametrize(
    ("started", "rows", "expected"),
    [
        ("2013-02-13T19:00:00+01:00", ("13.02.2013 19:05:12", "13.02.2013 18:05:12"), [True, False]),
        ("2013-02-13T19:00:00+01:00", ("2/13/2013 7:05:12 PM", "2/13/2013 7:05:12 AM"), [True, False]),
        # Either the third of February or the second of March: it may be after the start, so it is not dropped.
        ("2013-02-13T19:00:00+01:00", ("02/03/2013 19:05:12", "02/01/2013 19:05:12"), [True, False]),
        # Clocks are set back at 03:00: what happened at 02:10 for the second time is later than 02:30 of the first.
        ("2013-10-27T02:30:00+02:00", ("27.10.2013 02:10:00", "27.10.2013 00:10:00"), [True, False]),
    ],
)
def test_events_of_an_export_count_from_the_start_of_the_upgrade(
    tmp_path: Path, started: str, rows: tuple[str, ...], expected: list[bool]
) -> None:
    export(tmp_path, started, *rows)
    assert counted(tmp_path) == expected
