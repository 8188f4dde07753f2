"""Every packaged script is held to its rules: PowerShell 2.0 only, ASCII, parsed; and the checker itself is tried."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.actions.tsql_select import check_select
from tests.support import payload_genuine as genuine
from tests.support.payload_ps20 import TABLE, check
from tests.support.payload_session import ROOT, find_pwsh

ACTIONS = sorted((ROOT / "engine" / "actions").glob("*.ps1"))
SCRIPTS = [*ACTIONS, *sorted((ROOT / "engine" / "connections").glob("*.ps1"))]
QUERIES = sorted((ROOT / "engine" / "actions").glob("*.sql"))
SHELLS = sorted((ROOT / "engine" / "actions").glob("*.sh"))
needs_pwsh = [
    pytest.mark.pwsh,
    pytest.mark.skipif(find_pwsh() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]

# Text planted at the end of a payload, and what 2.0 lacks in it.
PLANTED = {
    "json": "$x = ConvertTo-Json $x",
    "in": "if ($x -in $y) { $x }",
    "notin": "$x -notin $y",
    "ordered": "$x = [ordered]@{ a = 1 }",
    "object": "$x = [pscustomobject]@{ a = 1 }",
    "raw": "$x = Get-Content -LiteralPath 'a' -Raw",
    "file": "Get-ChildItem -LiteralPath 'a' -File",
    "ternary": "$x ? 1 : 2",
    "chain": "Get-Item 'a' && Get-Item 'b'",
    "or-chain": "Get-Item 'a' || Get-Item 'b'",
    "coalesce": "$x = $y ?? 1",
    "new": "$x = [IO.MemoryStream]::new()",
    "where": "$x.Where({ $_ })",
    "foreach": "$x.ForEach({ $_ })",
    "class": "class Planted { }",
    "enum": "enum Planted { One }",
    "root": "$x = $PSScriptRoot",
    "shift": "$x = $y -shl 3",
    "stream": "Get-Item 'a' *> b",
    "cim": "Get-CimInstance -ClassName Win32_Service",
    "hash": "Get-FileHash -Path 'a'",
    "simplified": "$x | Where-Object Name -eq 'a'",
    "unknown": "Get-Bogus",
    "parameter": "Get-Item -Bogus 'a'",
    "web": "Invoke-RestMethod 'a'",
    "brace": "if ($x) {",
    "quote": "$x = 'abc",
    "parenthesis": "$x = (1",
    "operator": "$x -eqq 3",
    "catch": "try { $x }",
}
# What the genuine side cannot see, as it knows only what the syntax shows of newer versions.
BEYOND_GENUINE: set[str] = set()


def test_there_are_payloads() -> None:
    assert len(ACTIONS) > 8
    assert len(SCRIPTS) > len(ACTIONS)
    assert QUERIES
    assert SHELLS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.name)
def test_text(script: Path) -> None:
    content = script.read_bytes()
    content.decode("ascii")
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert b"\t" not in content
    if script in ACTIONS:
        assert content.startswith(b"param($Arguments)\n")
        assert b"$ErrorActionPreference = 'Stop'" in content
        assert b"Invoke-Expression" not in content


@pytest.mark.parametrize(
    "script",
    [one for one in ACTIONS if "SqlConnectionStringBuilder" in one.read_text("ascii")],
    ids=lambda one: one.name,
)
def test_no_session_stays_in_a_database(script: Path) -> None:
    """The interpreter of a run lives on, and so would a pool: its idle session keeps a database from being restored or
    dropped. A connection without a database lands in the login's own, which may be the one.
    """
    text = script.read_text("ascii")
    assert text.count("$builder['Pooling'] = $false") == text.count("New-Object Data.SqlClient.SqlConnection(")
    assert "$builder['Initial Catalog'] = " in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.name)
def test_powershell_2(script: Path) -> None:
    assert check(script.read_text(encoding="ascii")) == []


@pytest.mark.parametrize("mutation", PLANTED)
def test_planted_faults_are_seen(mutation: str) -> None:
    for script in ACTIONS:
        assert check(script.read_text(encoding="ascii") + PLANTED[mutation] + "\n"), script.name


def test_cut_scripts_are_seen() -> None:
    """A script without one of its braces is never good."""
    for script in ACTIONS:
        text = script.read_text(encoding="ascii")
        for mark in "{}":
            place = text.rfind(mark)
            assert check(text[:place] + text[place + 1 :]), (script.name, mark)


@pytest.mark.parametrize("script", SHELLS, ids=lambda one: one.name)
def test_shell(script: Path) -> None:
    content = script.read_bytes()
    content.decode("ascii")
    assert b"\r" not in content
    shell = shutil.which("dash") or shutil.which("sh")
    if shell is None:
        pytest.skip("no POSIX shell on this machine")
    subprocess.run([shell, "-n", str(script)], check=True, timeout=10)


@pytest.mark.parametrize("query", QUERIES, ids=lambda one: one.name)
def test_query_only_reads(query: Path) -> None:
    check_select(query.read_text(encoding="ascii"))


class TestGenuine:
    pytestmark = needs_pwsh

    def test_scripts(self, tmp_path: Path) -> None:
        found = genuine.check_scripts(SCRIPTS)
        assert len(found) == len(SCRIPTS)
        assert {file.name: findings for file, findings in found.items() if findings} == {}
        assert genuine.analyse(SCRIPTS, tmp_path) == []

    def test_table_is_that_of_the_analyzer(self) -> None:
        if not genuine.table():
            pytest.skip("PSScriptAnalyzer's table of PowerShell 2.0 is not beside this PowerShell")
        carried = json.loads(TABLE.read_text(encoding="ascii"))
        assert {name: frozenset(given) for name, given in carried.items()} == genuine.table()

    def test_both_see_the_same_planted_faults(self, tmp_path: Path) -> None:
        files = {}
        for name, text in PLANTED.items():
            files[name] = tmp_path / f"{name}.ps1"
            files[name].write_text(ACTIONS[0].read_text(encoding="ascii") + text + "\n")
        found = genuine.check_scripts(list(files.values()))
        missed = {name for name, file in files.items() if not found[file]}
        assert missed == BEYOND_GENUINE

    def test_both_agree_on_cut_lines(self, tmp_path: Path) -> None:
        """Leaving out any one line with a brace breaks a script for both."""
        files = []
        for script in ACTIONS[:6]:
            lines = script.read_text(encoding="ascii").splitlines(keepends=True)
            for number, line in enumerate(lines):
                if line.strip() == "}" or line.rstrip().endswith(" {"):
                    file = tmp_path / f"{script.stem}-{number}.ps1"
                    file.write_text("".join(lines[:number] + lines[number + 1 :]))
                    files.append(file)
        found = genuine.check_scripts(files)
        assert files
        for file in files:
            assert bool(found[file]) == bool(check(file.read_text(encoding="ascii"))), file.name

    def test_queries(self, tmp_path: Path) -> None:
        for query, parsed in zip(
            QUERIES, genuine.parse_tsql([one.read_text(encoding="ascii") for one in QUERIES], tmp_path), strict=True
        ):
            assert parsed["errors"] == [], query.name
            assert [one["kind"] for one in genuine.statements(parsed)] == ["SelectStatement"], query.name
            assert not any(one["implicit_exec"] for one in genuine.statements(parsed)), query.name
