"""What the genuine parsers say of a script: PowerShell's, PSScriptAnalyzer's table of 2.0, Microsoft's for T-SQL."""

import json
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.payload_ps20 import Finding
from tests.support.payload_session import find_pwsh

_TABLE = "Modules/PSScriptAnalyzer/*/Settings/desktop-2.0-windows.json"
_ANALYSE = """
$ErrorActionPreference = 'SilentlyContinue'
Import-Module PSScriptAnalyzer
$settings = @{ Rules = @{
    PSUseCompatibleCmdlets = @{ compatibility = @('desktop-2.0-windows') }
    PSUseCompatibleSyntax = @{ Enable = $true; TargetVersions = @('3.0') } } }
foreach ($file in $args) {
    foreach ($one in @(Invoke-ScriptAnalyzer -Path $file -Settings $settings)) {
        if ($one.RuleName -notlike 'PSUseCompatible*') { continue }
        [Console]::Out.WriteLine($file + '|' + $one.Line + '|' + $one.Message)
    }
}
[Console]::Out.WriteLine('done')
"""


def _lines(*arguments: str) -> list[dict[str, Any]]:
    pwsh = find_pwsh()
    assert pwsh is not None
    done = subprocess.run([pwsh, *arguments], capture_output=True, text=True, timeout=100, check=False)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@cache
def table() -> dict[str, frozenset[str]]:
    """Commands of PowerShell 2.0 with their parameters, from the analyzer's own data; empty if it is not at hand."""
    pwsh = Path(find_pwsh() or "")
    found = sorted(pwsh.parent.glob(_TABLE))
    if not found:
        return {}
    modules = json.loads(found[-1].read_text(encoding="utf-8-sig"))["Modules"]
    result: dict[str, frozenset[str]] = {}
    for command in (one for module in modules for one in module["ExportedCommands"]):
        given = frozenset(re.findall(r"(?<![\w<])-(\w+)", command.get("ParameterSets") or ""))
        result[command["Name"]] = result.get(command["Name"], frozenset()) | given
    return result


def check_scripts(files: Sequence[Path]) -> dict[Path, list[Finding]]:
    """Findings of PowerShell's parser and of the table, for each file."""
    known = {name.lower(): {one.lower() for one in given} for name, given in table().items()}
    found: dict[Path, list[Finding]] = {}
    for one in _lines("--parse", *map(str, files)):
        findings = [Finding(error["line"], f"syntax: {error['message']}") for error in one["errors"]]
        findings += [Finding(construct["line"], construct["name"]) for construct in one["constructs"]]
        for command in one["commands"]:
            if command.get("dynamic") or command.get("local") or command["name"].lower().endswith(".exe"):
                continue
            parameters = known.get(command["name"].lower())
            if parameters is None:
                findings.append(Finding(command["line"], f"command {command['name']}"))
                continue
            for given in command["parameters"]:
                name = given.lstrip("-").rstrip(":").lower()
                if not any(full.startswith(name) for full in parameters):
                    findings.append(Finding(command["line"], f"parameter {given} of {command['name']}"))
        found[Path(one["file"])] = sorted(findings)
    return found


def analyse(files: Sequence[Path], folder: Path) -> list[str]:
    """What PSScriptAnalyzer's two rules of compatibility say, as FILE|LINE|MESSAGE."""
    pwsh = find_pwsh()
    assert pwsh is not None
    script = folder / "analyse.ps1"
    script.write_text(_ANALYSE)
    command = [pwsh, "-NoProfile", "-File", str(script), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    lines = done.stdout.splitlines()
    assert lines[-1:] == ["done"], done.stderr
    return lines[:-1]


def parse_tsql(texts: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """What the SQL Server 2008 grammar makes of each text: errors, and batches of statements."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, text in enumerate(texts):
        file = folder / f"{number:04}.sql"
        file.write_text(text, encoding="utf-8")
        files.append(file)
    answers = {Path(one["file"]).name: one for one in _lines("--tsql", "100", *map(str, files))}
    return [answers[file.name] for file in files]


def statements(parsed: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements that stand for themselves, not those inside others."""
    return [one for batch in parsed["batches"] for one in batch["statements"] if one["depth"] == 0]
