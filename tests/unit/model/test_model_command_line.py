"""A command that a person types: every word arrives as it was meant, in the shell of the machine."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.command_line import command_line, quoted


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_a_posix_shell_reads_the_words_again(words: list[str]) -> None:
    assert shlex.split(command_line(*words, windows=False)) == words


def test_a_real_shell_hands_the_words_over() -> None:
    words = ["a b", "it's", '{"x": "$HOME"}', "@file", "", "a;b|c&d", "*"]
    line = command_line("printf", "%s\\0", *words, windows=False)
    assert subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout.split(b"\0")[:-1] == [
        word.encode() for word in words
    ]


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("readiness", "readiness"),
        ("C:\\inventory\\all.yaml", "C:\\inventory\\all.yaml"),
        ("name=value", "name=value"),
        ("", "''"),
        ("SM01,SM02", "'SM01,SM02'"),
        ("@inputs.json", "'@inputs.json'"),
        ("it's", "'it''s'"),
        ("$env:X", "'$env:X'"),
        ("C:\\my files\\", "'C:\\my files\\\\'"),
        ('{"a": 1}', "'{\\\"a\\\": 1}'"),
    ],
)
def test_windows_powershell_takes_a_word_as_it_is(word: str, line: str) -> None:
    assert quoted(word, windows=True) == line
