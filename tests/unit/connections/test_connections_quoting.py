"""Quoting against the programs that read it back."""

import json
import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.connections import quoting

PWSH = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
NASTY = st.text(st.sampled_from("'\"\\ `$;&|<>()\n\t\u2018\u2019\u201a\u201b%!^aZ0"), max_size=40)


def split_windows(line: str) -> list[str]:
    """The rules of CommandLineToArgvW for the arguments after the program, written down independently."""
    arguments: list[str] = []
    at = 0
    while at < len(line):
        while at < len(line) and line[at] in " \t":
            at += 1
        if at >= len(line):
            break
        word, quoted = "", False
        while at < len(line) and (quoted or line[at] not in " \t"):
            slashes = 0
            while at < len(line) and line[at] == "\\":
                slashes, at = slashes + 1, at + 1
            if at < len(line) and line[at] == '"':
                word += "\\" * (slashes // 2)
                if slashes % 2:
                    word += '"'
                else:
                    quoted = not quoted
                at += 1
            else:
                word += "\\" * slashes
                if not slashes and at < len(line):
                    word += line[at]
                    at += 1
        arguments.append(word)
    return arguments


@pytest.mark.skipif(shutil.which("sh") is None, reason="no POSIX shell on the PATH")
@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT | NASTY, max_size=6))
def test_posix_words_survive_a_real_shell(words: list[str]) -> None:
    script = "for w in " + " ".join(map(quoting.posix, words)) + "; do printf '%s\\0' \"$w\"; done\n"
    found = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, check=True)
    assert found.stdout.decode().split("\0")[:-1] == words


@pytest.mark.pwsh
@pytest.mark.skipif(PWSH is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH")
@settings(max_examples=8, deadline=None)
@given(st.lists(TEXT | NASTY, min_size=1, max_size=40))
def test_powershell_literals_survive_a_real_powershell(texts: list[str]) -> None:
    list_of = ",".join(map(quoting.powershell, texts))
    script = (
        f"foreach ($t in @({list_of})) {{ [Console]::Out.WriteLine([Convert]::ToBase64String("
        "[Text.Encoding]::UTF8.GetBytes($t))) }"
    )
    import base64

    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    command = [str(PWSH), "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded]
    found = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    assert [base64.b64decode(line).decode() for line in found.stdout.decode().splitlines()] == texts


@settings(max_examples=500)
@given(st.lists(TEXT | NASTY, max_size=6))
def test_windows_arguments_survive_the_rules_of_the_c_runtime(arguments: list[str]) -> None:
    assert split_windows(quoting.windows_command_line(arguments)) == arguments


@given(st.lists(NASTY, max_size=6))
def test_windows_arguments_agree_with_the_standard_library(arguments: list[str]) -> None:
    assert split_windows(subprocess.list2cmdline(arguments)) == split_windows(quoting.windows_command_line(arguments))


@pytest.mark.parametrize("quote", [quoting.posix, quoting.windows_argument])
def test_nul_is_refused(quote) -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")


def test_plain_windows_words_stay_readable() -> None:
    assert quoting.windows_command_line(["sc.exe", "query", json.dumps("a b")[1:-1]]) == 'sc.exe query "a b"'
