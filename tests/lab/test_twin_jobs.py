"""Twins of long SQL operations: begin, ask, forget and the work in the genuine PowerShell, against the lab's model.

The process that WMI would make is run here at once, over a scripted SQL Server; its result is kept back until the
model's operation has ended.
"""

import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.actions.base import script
from engine.actions.mssql_backup_copy_only import CLOCK, TEXT
from engine.actions.mssql_check_integrity import check_text
from engine.actions.mssql_job import PERCENT, forget, job
from engine.actions.mssql_verify_backup import verify_text
from engine.lab import machine_sql_jobs as jobs
from engine.lab.behaviours.mssql_job import poll as _poll  # noqa: F401 - registers the statements
from engine.lab.behaviours.sql_answers import plain
from engine.lab.clock import LabClock
from engine.lab.machine import Machine, Volume
from engine.lab.machine_error import PayloadError
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import Wish, back_up
from engine.lab.pwsh import Powershell, find_powershell
from engine.lab.pwsh_state import state_of
from engine.model.command import Detached, Script
from engine.model.data import canonical_json
from engine.model.packaged import payload
from tests.support import payload_genuine as genuine
from tests.support.sql_drive import look
from tests.support.twin import NO_POWERSHELL, powershell_at_hand

pytestmark = [pytest.mark.pwsh, pytest.mark.skipif(not powershell_at_hand(), reason=NO_POWERSHELL)]
KEYS = ("check-a", "copy-b", "drop-c")
FILE = "D:\\B\\it's.bak"
SEEDS = 30
STEPS = 10
WMI = r"""
param($Arguments)
$global:jobMode = $Arguments.mode
$global:jobsMade = 0
function global:Invoke-WmiMethod {
    param($Class, $Name, $ArgumentList)
    if ($Class -ne 'Win32_Process' -or $Name -ne 'Create') { throw "No stub for $Class.$Name." }
    if ($global:jobMode -eq 'refused') { return New-Object PSObject -Property @{ ReturnValue = 8; ProcessId = $null } }
    $global:jobsMade += 1
    if ($global:jobMode -eq 'idle') { return New-Object PSObject -Property @{ ReturnValue = 0; ProcessId = 1 } }
    $form = '^powershell\.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "([^"]+)" "([^"]+)"$'
    if ([string]$ArgumentList -notmatch $form) { throw "Not a line for a process: $ArgumentList" }
    $folder = $Matches[2]
    $work = [ScriptBlock]::Create([IO.File]::ReadAllText($Matches[1]))
    $since = [int]$global:lab.now + $global:jobsMade
    $process = @{ name = 'powershell.exe'; process_id = $PID; parent_id = 0; started = $since }
    $global:lab.processes = @(@($global:lab.processes) + @($process) | Where-Object { $_ -ne $null })
    $null = & $work $folder
    [IO.File]::Move([IO.Path]::Combine($folder, 'result.xml'), [IO.Path]::Combine($folder, 'kept.xml'))
    # Every process has a number of its own, and this one process here plays them all.
    $told = [IO.Path]::Combine($folder, 'process.txt')
    $process.process_id = 90000 + $global:jobsMade
    [IO.File]::WriteAllText($told, ([string]$process.process_id + '|' + [IO.File]::ReadAllText($told).Split('|')[1]))
    New-Object PSObject -Property @{ ReturnValue = 0; ProcessId = $process.process_id }
}
@{ ready = $true }
"""
END = r"""
param($Arguments)
$folder = (Get-Item -LiteralPath ('C:\Program Files\RecoveryRunbooks\job-' + $Arguments.key)).FullName
$known = [IO.File]::ReadAllText([IO.Path]::Combine($folder, 'process.txt')).Split('|')
$global:lab.processes = @($global:lab.processes | Where-Object { [string]$_.process_id -ne $known[0] })
$kept = [IO.Path]::Combine($folder, 'kept.xml')
if ($Arguments.result) { [IO.File]::Move($kept, [IO.Path]::Combine($folder, 'result.xml')) }
@{ ended = $true }
"""
MADE = "param($Arguments)\n@{ made = $global:jobsMade }\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def powershell(place: Path) -> Iterator[Powershell]:
    program = find_powershell()
    assert program is not None
    (place / "sql.json").write_text("[]")
    files = {"PWSH_SQL": str(place / "sql.json"), "PWSH_SQL_LOG": str(place / "sql.log")}
    with Powershell(program, {**files, "ProgramFiles": "C:\\Program Files"}) as one:
        yield one


def new_machine() -> Machine:
    one = Machine("SQL01", LabClock(1362218400.0, speed=None))
    one.volumes["D:\\"] = Volume(name="D:\\", size=2**40, free=2**39)
    one.sql = SqlInstance()
    one.sql.add(Database(name="Sound"), Database(name="Sp]oilt", damaged_pages=2))
    back_up(one, "Sound", [FILE], Wish(duration_s=1.0))
    return one


STATEMENTS: tuple[tuple[str, dict[str, str]], ...] = (
    (check_text("Sound", physical_only=False), {}),
    (check_text("Sp]oilt", physical_only=True), {}),
    (check_text("Nowhere", physical_only=False), {}),
    (verify_text(1, 1, with_sums=True), {"device1": FILE}),
    (verify_text(1, 2, with_sums=True), {"device1": FILE}),
)


class Twins:
    """A machine, and the genuine PowerShell over a folder of its own; every answer must be the same."""

    def __init__(self, powershell: Powershell, place: Path, name: str, mode: str = "works") -> None:
        self.powershell, self.place, self.machine = powershell, place, new_machine()
        self.root = place / name
        (self.root / "Program Files").mkdir(parents=True)
        self.at_work: set[str] = set()
        powershell.become(state_of(self.machine, self.root))
        assert powershell.run(WMI, {"mode": mode})["ok"]
        (place / "sql.log").write_text("")

    def begin(self, key: str, statement: tuple[str, dict[str, str]]) -> bool:
        """True if it was begun now."""
        text, params = statement
        self.rules([self.outcome(text, params)])
        command = job({}, key, text, params)
        answer = self.both(command.start)
        if answer.get("begun") is True:
            self.at_work.add(key)
        self.let_end()
        return answer.get("begun") is True

    def outcome(self, text: str, params: dict[str, str]) -> dict[str, Any]:
        """What the scripted server answers: what the model's operation will end with."""
        rule: dict[str, Any] = {"match": f"^{re.escape(plain(text))};?$", "database": "master", "params": params}
        try:
            jobs.perform(self.machine, text, params).finish()
        except PayloadError as problem:
            error = {"number": 50000, "class": 16, "state": 1, "line": 1, "message": problem.message}
            return {**rule, "error": error}
        return {**rule, "affected": -1}

    def rules(self, rules: list[dict[str, Any]]) -> None:
        (self.place / "sql.json").write_text(json.dumps({"rules": rules}))

    def poll(self, key: str) -> str:
        """The state that both tell."""
        self.let_end()
        one = jobs.told(self.machine, key)
        percent = one.percent(self.machine.clock.now()) if one else None
        rows = [] if percent is None else [[percent]]
        columns = [{"name": "percent_complete", "type": "real"}]
        match = f"^{re.escape(plain(payload(PERCENT)))};?$"
        self.rules([{"match": match, "params": {"key": key}, "results": [{"columns": columns, "rows": rows}]}])
        return str(self.both(job({}, key, "", {}).poll)["state"])

    def forget(self, key: str) -> bool:
        self.let_end()
        return self.both(forget(key))["forgotten"] is True

    def let_end(self) -> None:
        """Give the results of those jobs that have ended on the machine."""
        for key in sorted(self.at_work):
            one = jobs.told(self.machine, key)
            assert one is not None
            if one.state != jobs.RUNNING:
                self.at_work.remove(key)
                assert self.powershell.run(END, {"key": key, "result": one.state != jobs.UNKNOWN})["ok"]

    def both(self, command: Script) -> dict[str, Any]:
        real = self.powershell.run(payload(command.name), command.arguments)  # type: ignore[arg-type]
        expected = look(self.machine, command)
        assert real["ok"] is expected.ok, (command.name, real, expected)
        if not expected.ok:
            assert real["errors"][0]["message"] == expected.errors[0].message  # type: ignore[index, call-overload]
            return {}
        assert canonical_json(_numbers(real["value"])) == canonical_json(_numbers(expected.value))
        assert isinstance(expected.value, dict)
        return expected.value

    def made(self) -> int:
        answer: Any = self.powershell.run(MADE, {})
        return int(answer["value"]["made"])

    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.place / "sql.log").read_text().splitlines()]


def _numbers(value: Any) -> Any:
    """A percentage as a number with one decimal, for a real is not a double."""
    if isinstance(value, dict) and isinstance(value.get("percent"), (int, float)):
        return {**value, "percent": round(float(value["percent"]), 1)}
    return value


def test_generated_courses(powershell: Powershell, place: Path) -> None:
    told: dict[str, int] = {}
    for seed in range(SEEDS):
        dice, twins = random.Random(seed), Twins(powershell, place, f"course-{seed}")
        for _ in range(STEPS):
            key = dice.choice(KEYS)
            match dice.randrange(6):
                case 0 | 1:
                    twins.begin(key, dice.choice(STATEMENTS))
                case 2:
                    twins.machine.clock.advance(dice.choice([0.1, 0.7, 30.0]))
                case 3:
                    running = sorted(twins.at_work)
                    if running and dice.random() < 0.5:
                        jobs.kill(twins.machine, dice.choice(running))
                case 4:
                    word = f"forgotten {twins.forget(key)}"
                    told[word] = told.get(word, 0) + 1
            for one in KEYS:
                word = twins.poll(one)
                told[word] = told.get(word, 0) + 1
    assert {"running", "done", "failed", "unknown", "forgotten True", "forgotten False"} <= set(told), told
    assert sum(told.values()) > 600, told
    assert min(told.values()) >= 5, told


def test_a_job_is_sent_once_with_its_values_under_its_key(powershell: Powershell, place: Path) -> None:
    twins = Twins(powershell, place, "once")
    assert twins.begin("copy-b", STATEMENTS[3])
    assert not twins.begin("copy-b", STATEMENTS[3])
    assert twins.made() == 1
    [sent] = twins.sent()
    assert plain(sent["text"]) == plain(STATEMENTS[3][0])
    assert {name.lstrip("@"): value for name, value in sent["params"].items()} == STATEMENTS[3][1]
    assert "Application Name=copy-b" in json.dumps(sent)
    assert "master" in json.dumps(sent)


def test_another_statement_under_a_key_is_refused(powershell: Powershell, place: Path) -> None:
    twins = Twins(powershell, place, "another")
    assert twins.begin("check-a", STATEMENTS[0])
    assert not twins.begin("check-a", STATEMENTS[1])
    twins.machine.clock.advance(60.0)
    assert twins.poll("check-a") == "done"
    assert not twins.begin("check-a", STATEMENTS[1])
    assert twins.made() == 1
    assert twins.forget("check-a")
    assert twins.begin("check-a", STATEMENTS[1])
    twins.machine.clock.advance(60.0)
    assert twins.poll("check-a") == "failed"


def start_of(key: str) -> Script:
    command = job({}, key, STATEMENTS[0][0], {})
    assert isinstance(command, Detached)
    return command.start


def test_a_process_that_cannot_be_made(powershell: Powershell, place: Path) -> None:
    Twins(powershell, place, "refused", mode="refused")
    answer: Any = powershell.run(payload("mssql_job.start.ps1"), start_of("check-a").arguments)  # type: ignore[arg-type]
    assert not answer["ok"]
    assert answer["errors"][0]["message"] == "The process could not be started: code 8."


def test_a_start_that_was_broken_off_can_be_sent_again(powershell: Powershell, place: Path) -> None:
    """The first process never takes the job up; the second one does, and a third is not made."""
    twins = Twins(powershell, place, "broken-off", mode="idle")
    answer: Any = powershell.run(payload("mssql_job.start.ps1"), start_of("check-a").arguments)  # type: ignore[arg-type]
    assert "did not take up its work" in answer["errors"][0]["message"]
    assert "only signed scripts" in answer["errors"][0]["message"]
    assert twins.sent() == []
    assert powershell.run(WMI, {"mode": "works"})["ok"]
    assert twins.begin("check-a", STATEMENTS[0])
    assert not twins.begin("check-a", STATEMENTS[0])
    assert len(twins.sent()) == 1


def test_a_process_that_comes_too_late_finds_its_job_gone(powershell: Powershell, place: Path) -> None:
    """A start that told of no beginning is not followed by one that nobody knows of."""
    twins = Twins(powershell, place, "late", mode="idle")
    answer: Any = powershell.run(payload("mssql_job.start.ps1"), start_of("check-a").arguments)  # type: ignore[arg-type]
    assert "did not take up its work" in answer["errors"][0]["message"]
    folder = twins.root / "Program Files" / "RecoveryRunbooks" / "job-check-a"
    work = payload("mssql_job.work.ps1").replace("param($Arguments)", "param($Given)", 1)
    late = f"param($Arguments)\n& {{\n{work.replace('[string]$Arguments', '[string]$Given')}\n}} $Arguments.folder\n"
    process = {"name": "powershell.exe", "process_id": 1, "parent_id": 0, "started": 1362218400}
    add = (
        "param($Arguments)\n$one = $Arguments.one\n$one.process_id = $PID\n$global:lab.processes += $one\n@{ a = 1 }\n"
    )
    assert powershell.run(add, {"one": process})["ok"]  # type: ignore[dict-item]
    assert powershell.run(late, {"folder": str(folder)})["ok"] is False
    assert twins.sent() == []
    assert not (folder / "result.xml").exists()
    told: Any = powershell.run(payload("mssql_job.poll.ps1"), job({}, "check-a", "", {}).poll.arguments)  # type: ignore[arg-type]
    assert told["value"]["state"] == "unknown"


SUMMER = r"""
param($Arguments)
$global:labWinter = ${function:ConvertTo-LabWmiTime}
function global:ConvertTo-LabWmiTime($Seconds) {
    $culture = [Globalization.CultureInfo]::InvariantCulture
    (ConvertFrom-LabTime ($Seconds + 7200)).ToString('yyyyMMddHHmmss', $culture) + '.000000+120'
}
@{ set = $true }
"""
WINTER = "param($Arguments)\n${function:global:ConvertTo-LabWmiTime} = $global:labWinter\n@{ set = $true }\n"


def test_a_job_is_known_again_when_the_clocks_were_changed(powershell: Powershell, place: Path) -> None:
    twins = Twins(powershell, place, "summer")
    assert twins.begin("check-a", STATEMENTS[0])
    assert powershell.run(SUMMER, {})["ok"]
    try:
        assert twins.poll("check-a") == "running"
        assert not twins.forget("check-a")
    finally:
        assert powershell.run(WINTER, {})["ok"]
    assert twins.poll("check-a") == "running"


# The night in which the clocks go back from one to twelve: what .NET makes of WMI's text there, where an hour is told
# twice and counts as that of the winter.
NIGHT = r"""
param($Arguments)
$global:labWinter = ${function:ConvertTo-LabWmiTime}
$global:labPlain = ${function:New-LabObject}
$global:labOffset = $Arguments.offset
function global:ConvertTo-LabWmiTime($Seconds) {
    $moment = (ConvertFrom-LabTime $Seconds).AddMinutes($global:labOffset)
    $text = $moment.ToString('yyyyMMddHHmmss', [Globalization.CultureInfo]::InvariantCulture)
    $text + '.000000+' + $global:labOffset.ToString('000')
}
function global:Get-LabOffset($Moment) { if ($Moment.Hour -lt 12) { 120 } else { 60 } }
function global:New-LabObject($Properties) {
    $object = & $global:labPlain $Properties
    Add-Member -InputObject $object -MemberType ScriptMethod -Name ConvertToDateTime -Force -Value {
        param($Text)
        $culture = [Globalization.CultureInfo]::InvariantCulture
        $moment = [datetime]::ParseExact($Text.Substring(0, 14), 'yyyyMMddHHmmss', $culture)
        $moment = $moment.AddMinutes((Get-LabOffset $moment) - [int]$Text.Substring(21))
        [datetime]::SpecifyKind($moment.AddMinutes(-(Get-LabOffset $moment)), 'Utc')
    }
    $object
}
@{ set = $true }
"""
MORNING = r"""
param($Arguments)
${function:global:ConvertTo-LabWmiTime} = $global:labWinter
${function:global:New-LabObject} = $global:labPlain
@{ set = $true }
"""


def test_a_job_is_known_again_that_began_in_the_hour_that_is_told_twice(powershell: Powershell, place: Path) -> None:
    twins = Twins(powershell, place, "night")
    assert powershell.run(NIGHT, {"offset": 120})["ok"]
    try:
        assert twins.begin("check-a", STATEMENTS[0])
        assert powershell.run("param($Arguments)\n$global:labOffset = 60\n@{ set = $true }\n", {})["ok"]
        assert twins.poll("check-a") == "running"
        assert not twins.forget("check-a")
        assert not twins.begin("check-a", STATEMENTS[0])
    finally:
        assert powershell.run(MORNING, {})["ok"]
    assert twins.made() == 1


def test_of_two_processes_one_gets_the_job(powershell: Powershell, place: Path) -> None:
    twins = Twins(powershell, place, "two")
    assert twins.begin("check-a", STATEMENTS[0])
    folder = twins.root / "Program Files" / "RecoveryRunbooks" / "job-check-a"
    before = {one.name: one.read_bytes() for one in folder.iterdir() if one.name != "work.ps1"}
    assert {"digest.txt", "data.xml", "process.txt", "kept.xml"} == set(before)
    script = payload("mssql_job.work.ps1").replace("$Arguments", "$Given", 1)
    second = (
        f"param($Arguments)\n& {{\n{script.replace('[string]$Arguments', '[string]$Given')}\n}} $Arguments.folder\n"
    )
    answer = powershell.run(second, {"folder": str(folder)})
    assert answer["ok"] is False
    assert len(twins.sent()) == 1
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert not (folder / "result.xml").exists()


def test_folders_of_copies(powershell: Powershell, place: Path) -> None:
    twins = Twins(powershell, place, "folders")
    twins.machine.volumes["C:\\"] = Volume(name="C:\\", size=2**40, free=2**39)
    dice, made = random.Random(7), {True: 0, False: 0}
    names = ("Safety", "it's here", "a", "b", "[x]", "Program Files")
    for _ in range(100):
        path = "C:\\" + "\\".join(dice.choice(names) for _ in range(dice.randrange(1, 4)))
        answer = twins.both(script("mssql_backup_copy_only.folder.ps1", {"folder": path}, changing=True))
        made[answer["made"]] += 1
        assert (twins.root / path[3:].replace("\\", "/")).is_dir()
        assert twins.machine.files.is_folder(path)
    assert min(made.values()) > 10, made


def test_the_statements_in_the_grammar_of_2008(tmp_path: Path) -> None:
    texts = [CLOCK, TEXT, verify_text(1, 1, with_sums=True), "DROP DATABASE [a]]b];"]
    texts += [check_text(name, physical_only=only) for name in ("A", "a]b'; --", "ü") for only in (True, False)]
    for text, one in zip(texts, genuine.parse_tsql(texts, tmp_path), strict=True):
        assert one["errors"] == [], text
        [found] = genuine.statements(one)
        assert not found["implicit_exec"], text


def test_a_key_that_a_host_made_up_stays_a_name() -> None:
    command = job({}, "restore-1-..\\..\\Windows", "DROP DATABASE [x];", {})
    for one in (command.start, command.poll, forget("restore-1-..\\..\\Windows")):
        assert re.fullmatch(r"[0-9a-f]{64}", str(one.arguments["key"]))
    assert command.start.arguments["key"] == command.poll.arguments["key"]
    assert os.sep not in str(command.start.arguments["key"])
