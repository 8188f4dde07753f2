"""Safe text and the words for times and sizes."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.status import Status
from engine.reporting import words
from engine.reporting.plain import fit, masked_width, one_line, pad, printable, value_text, width


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Übergröße 日本", "plain Übergröße 日本"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]0;evil title\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1b(0b\x1bc", "ab"),
        ("a\x1bP1;2|x\x1b\\b", "ab"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("\u2066a\u2069\ufeff", "a"),
        ("bell\x07 back\x08 nul\x00", "bell back nul"),
        ("one\r\ntwo\u2028three\x85four\ttab", "one\ntwo\nthree\nfour\ttab"),
        ("over\rwritten", "overwritten"),
        ("half \ud800", "half \ufffd"),
    ],
)
def test_nothing_that_a_terminal_obeys_is_left(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_printable_text_has_no_control_characters_and_stays_as_it_is(text: str) -> None:
    shown = printable(text)
    assert not any((ord(one) < 32 and one not in "\n\t") or 127 <= ord(one) < 160 for one in shown)
    assert printable(shown) == shown
    shown.encode("utf-8")
    assert "\n" not in one_line(text)


@given(st.text(), st.integers(0, 40))
def test_padding_gives_exactly_the_cells(text: str, cells: int) -> None:
    shown = one_line(text)
    assert width(fit(shown, cells)) <= cells
    assert width(pad(shown, cells)) == cells
    assert width(pad(shown, cells, right=True)) == cells


@given(st.text())
def test_masking_keeps_every_place(text: str) -> None:
    assert len(masked_width(text)) == len(text)
    assert printable(masked_width(text)) == masked_width(text)


def test_values_as_people_write_them() -> None:
    assert [value_text(one) for one in (None, "a\nb", 5, True, {"b": 1, "a": "x"})] == [
        "none",
        "a b",
        "5",
        "true",
        "b: 1; a: x",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (7505, "2 h 5 min"),
        (86400 * 3 + 3600 * 4, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown


@pytest.mark.parametrize(("count", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**40 * 3, "3.0 TiB")])
def test_sizes(count: int, shown: str) -> None:
    assert words.size(count) == shown


def test_small_words() -> None:
    assert words.clock_time(3792.9) == "01:03:12"
    assert (words.counted(1, "host"), words.counted(0, "host")) == ("1 host", "0 hosts")
    assert (words.listed(["a"]), words.listed(["a", "b", "c"])) == ("a", "a, b and c")
    assert words.short_digest("3f9a77c1" + "0" * 56) == "3f9a-77c1"
    assert words.status_word(Status.IN_DOUBT) == "IN DOUBT"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set in a process on this system")
@pytest.mark.usefixtures("berlin")
def test_moments_are_local_with_offset() -> None:
    assert words.moment(1359824640.0) == "2013-02-02 18:04 +01:00"
    assert words.moment(1375000000.0, seconds=True) == "2013-07-28 10:26:40 +02:00"
