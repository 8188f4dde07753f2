"""Twins of what runs a command line through a scheduled task: payloads in the genuine PowerShell over a lab drive,
with a scheduler that does what Windows' own does with a task; same answers and same files.
"""

import copy
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.actions import load_actions
from engine.actions.windows_scheduled_task import PATIENCE_S, POLL, START
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.model.command import Command, Detached, Script
from engine.model.data import canonical_json
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import Change, CommandResult, Refuse, Unchanged
from tests.support.payload_session import PayloadSession, find_pwsh, machine_files, read_files
from tests.support.sql_drive import look

HOST = HostView(name="SM01", platform="windows")
needs_pwsh = [
    pytest.mark.pwsh,
    pytest.mark.skipif(find_pwsh() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]
SCHEDULER = r"""
param($Arguments)
$env:ProgramFiles = 'C:\Program Files'
$env:SystemRoot = 'C:\Windows'
$global:twin = $Arguments
if (-not $global:twinGetDate) { $global:twinGetDate = Get-Command -Name Get-Date -CommandType Cmdlet }
function global:ConvertFrom-Twin($Seconds) {
    (New-Object DateTime -ArgumentList 1970, 1, 1, 0, 0, 0, ([DateTimeKind]::Utc)).AddSeconds([double]$Seconds)
}
function global:Get-Date { (ConvertFrom-Twin $global:twin.now).ToLocalTime() }
function global:Get-WmiObject {
    param($Class)
    if ($Class -ne 'Win32_OperatingSystem') { throw "no class $Class" }
    $one = New-Object PSObject -Property @{ LastBootUpTime = $global:twin.booted }
    Add-Member -InputObject $one -MemberType ScriptMethod -Name ConvertToDateTime -Value {
        param($Seconds)
        (ConvertFrom-Twin $Seconds).ToLocalTime()
    }
    $one
}
function global:icacls.exe {
    $words = @($args | ForEach-Object { $_ })
    if (-not [IO.Directory]::Exists($words[0]) -or $words[1] -ne '/grant') { throw ('wrong: ' + $words) }
    $global:LASTEXITCODE = 0
    $global:twin.granted = [string]$words[2]
}
function global:schtasks.exe {
    $words = @($args | ForEach-Object { $_ })
    $name = [string]$words[2]
    $tasks = 'C:\Windows\System32\Tasks'
    $task = $tasks + '\' + $name
    $folder = 'C:\Program Files\RecoveryRunbooks\task-' + $name.Substring('RecoveryRunbooks-'.Length)
    $global:LASTEXITCODE = 0
    if ($global:twin.no_scheduler) {
        $global:LASTEXITCODE = 1
        'ERROR: The service has not been started.'
        return
    }
    if ($words[1] -ne '/TN') { throw 'no name' }
    if ($words[0] -eq '/Create') {
        $expected = '\"' + $folder + '\run.cmd\"'
        $fixed = @('/TR', $expected, '/SC', 'ONCE', '/ST', '00:00', '/F') -join ' '
        if (($words[3..9] -join ' ') -ne $fixed) { throw ('wrong: ' + $words) }
        $null = New-Item -Path $tasks -ItemType Directory -Force
        $place = [IO.Path]::Combine((Get-Item -LiteralPath $tasks).FullName, $name)
        [IO.File]::WriteAllText($place, ($words[10..($words.Count - 1)] -join ' '))
        return
    }
    if (-not (Test-Path -LiteralPath $task)) {
        $global:LASTEXITCODE = 1
        'ERROR: The system cannot find the file specified.'
        return
    }
    $place = (Get-Item -LiteralPath $task).FullName
    if ($words[0] -eq '/Delete') { Remove-Item -LiteralPath $task }
    # Only administrators may write below the folder of programs, and a task that cannot write leaves no sign of itself.
    $writers = @{ LOCALSERVICE = '*S-1-5-19:(OI)(CI)(M)'; NETWORKSERVICE = '*S-1-5-20:(OI)(CI)(M)' }
    foreach ($one in @($writers.Keys)) {
        if ($words[0] -ne '/Run' -or [IO.File]::ReadAllText($place) -notmatch $one) { continue }
        if ($global:twin.granted -ne $writers[$one]) { return }
    }
    if ($words[0] -eq '/Run' -and ($global:twin.logged_on -or [IO.File]::ReadAllText($place) -notmatch '/IT')) {
        $begun = [IO.Path]::Combine((Get-Item -LiteralPath $folder).FullName, 'begun.txt')
        [IO.File]::WriteAllText($begun, "begun`r`n")
    }
}
@{ ready = $true }
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayloadSession]:
    one = PayloadSession(tmp_path_factory.mktemp("twin"))
    yield one
    one.close()


def both(session: PayloadSession, machine: Machine, command: Script) -> CommandResult:
    """The model's answer, which is that of the payload; and the files that both leave."""
    if command.name == POLL:
        look(copy.copy(machine), command)  # what was due to be written is there before either looks
    root = session.become(machine)
    for file in machine.files:
        place = root / file.path[3:].replace("\\", "/")
        os.utime(place, (int(file.modified), int(file.modified)))
    state = {"now": int(machine.clock.now()), "booted": int(machine.booted_at), "logged_on": machine.logged_on}
    assert session.run(SCHEDULER, state)["ok"]
    real = session.run(payload(command.name), command.arguments)
    expected = look(machine, command)
    assert real["ok"] is expected.ok, (real, expected)
    if expected.ok:
        assert canonical_json(real["value"]) == canonical_json(expected.value)
    else:
        assert expected.errors[0].message in real["errors"][0]["message"]
    assert read_files(root) == machine_files(machine)
    assert _folder(root) == machine.files.is_folder("C:\\Program Files\\RecoveryRunbooks")
    return expected


def _folder(root: Path) -> bool:
    return (root / "Program Files" / "RecoveryRunbooks").is_dir()


def new_machine() -> Machine:
    machine = Machine("SM01", LabClock(1362218400.0, speed=None))
    machine.files.make_folder("C:\\Windows")
    machine.files.write("C:\\Media\\Setup.exe", b"MZ", modified=1362218000.0)
    return machine


def given_arguments(args: dict[str, Any]) -> dict[str, Any]:
    properties: Any = load_actions()["windows.scheduled_task"].info.arguments["properties"]
    return {**{key: one["default"] for key, one in properties.items() if "default" in one}, "name": "try", **args}


LINES = (
    "hostname",
    "whoami",
    "timeout /t 90",
    "dir C:\\Media\\Setup.exe",
    "dir C:\\Media\\No.exe",
    "exit 3",
    "nothing.exe x",
)


class TestGenuine:
    pytestmark = needs_pwsh

    def test_generated_lives_of_tasks(self, session: PayloadSession) -> None:
        """Payloads in any order, with time and restarts in between."""
        states, count = set(), 0
        for seed in range(30):
            dice, machine = random.Random(seed), new_machine()
            machine.logged_on = dice.choice(["", "CONTOSO\\admin"])
            args = given_arguments(
                {"command": dice.choice(LINES), "account": dice.choice(["system", "LOCAL SERVICE", "INTERACTIVE"])}
            )
            start, poll, remove = scripts(machine, args)
            for _ in range(6):
                step = dice.choice([start, poll, poll, poll, remove])
                if step is start and dice.random() < 0.2:
                    step = Script(name=START, text=start.text, arguments={**start.arguments, "digest": "other"})
                answered = both(session, machine, step)
                count += 1
                if step is poll:
                    value: Any = answered.value
                    states.add(value["state"] + ("" if value["there"] else " nothing"))
                machine.clock.advance(dice.choice([0, 2, 40, 100]))
                if dice.random() < 0.15:
                    machine.booted_at = machine.clock.now()
                    machine.clock.advance(5)
        assert count >= 150
        assert states == {"running", "done", "failed", "unknown", "unknown nothing"}, states

    def test_a_task_that_nobody_could_remove_is_not_told_as_removed(self, session: PayloadSession) -> None:
        """Without the scheduler's service the task cannot be asked for, and it runs again once the service does."""
        machine = new_machine()
        start, _, remove = scripts(machine, given_arguments({"command": "hostname"}))
        assert look(machine, start).ok
        root = session.become(machine)
        state = {"now": int(machine.clock.now()), "booted": 0, "logged_on": ""}
        assert session.run(SCHEDULER, {**state, "no_scheduler": True})["ok"]
        answer = session.run(payload(remove.name), remove.arguments)
        assert not answer["ok"]
        task = f"RecoveryRunbooks-{remove.arguments['key']}"
        assert answer["errors"][0]["message"] == (
            f"The task {task} is still registered, and schtasks.exe says: ERROR: The service has not been started."
        )
        assert read_files(root) == machine_files(machine)
        assert session.run(SCHEDULER, state)["ok"]
        assert session.run(payload(remove.name), remove.arguments)["value"] == {"removed": True}
        assert not [one for one in read_files(root) if task in one]

    def test_an_output_of_any_length_is_read_from_its_end(self, session: PayloadSession) -> None:
        machine = new_machine()
        start, poll, _ = scripts(machine, given_arguments({"command": "hostname"}))
        assert look(machine, start).ok
        machine.clock.advance(5)
        assert look(machine, poll).ok
        root = session.become(machine)
        state = {"now": int(machine.clock.now()), "booted": 0, "logged_on": ""}
        assert session.run(SCHEDULER, state)["ok"]
        folder = root / "Program Files" / "RecoveryRunbooks" / f"task-{poll.arguments['key']}"
        with (folder / "output.txt").open("r+b") as file:
            file.seek(3 << 30)
            file.write(b"x" * 20000 + b"the end\r\n")
        answer = session.run(payload(poll.name), poll.arguments)
        (folder / "output.txt").unlink()
        assert answer["ok"], answer["errors"][0]["message"]
        assert answer["value"]["state"] == "done"
        assert answer["value"]["output"] == "x" * 3991 + "the end\r\n"


def scripts(machine: Machine, args: dict[str, Any]) -> tuple[Script, Script, Script]:
    decision = load_actions()["windows.scheduled_task"].decide(args, HOST, [answer(machine, args)])
    assert isinstance(decision, Change)
    detached, remove = decision.commands
    assert isinstance(detached, Detached)
    assert isinstance(remove, Script)
    return detached.start, detached.poll, remove


def answer(machine: Machine, args: dict[str, Any]) -> CommandResult:
    command = load_actions()["windows.scheduled_task"].observe(args, HOST, [])
    assert isinstance(command, Script)
    return look(machine, command)


def run_through(machine: Machine, args: dict[str, Any]) -> Unchanged | Refuse:
    """The engine's loop without an engine: look, begin, ask until it has ended, remove, verify."""
    action = load_actions()["windows.scheduled_task"]
    before = [answer(machine, args)]
    decision = action.decide(args, HOST, before)
    assert isinstance(decision, Change), decision
    detached, remove = decision.commands
    assert isinstance(detached, Detached)
    assert look(machine, detached.start).ok
    told = look(machine, detached.poll)
    while told.value["state"] == "running":  # type: ignore[index,call-overload]
        machine.clock.advance(5)
        told = look(machine, detached.poll)
    applied = [told, carry_out(machine, remove)]
    verified = action.verify(args, HOST, before, applied, [answer(machine, args)])
    assert isinstance(verified, (Unchanged, Refuse))
    if isinstance(verified, Unchanged):
        assert verified.pays == tuple(one.key for one in decision.owes)
    assert not [one for one in machine.files if "RecoveryRunbooks" in one.path]
    return verified


def carry_out(machine: Machine, command: Command) -> CommandResult:
    assert isinstance(command, Script)
    return look(machine, command)


@pytest.mark.parametrize(
    ("line", "account", "code", "output"),
    [
        ("whoami", "SYSTEM", 0, "nt authority\\system\r\n"),
        ("whoami", "network service", 0, "nt authority\\network service\r\n"),
        ("whoami", "INTERACTIVE", 0, "contoso\\admin\r\n"),
        ("timeout /t 90", "SYSTEM", 0, ""),
        ("exit /b 7", "SYSTEM", 7, ""),
        ("nothing.exe", "SYSTEM", 9009, "'nothing.exe' is not recognized"),
    ],
)
def test_a_command_line_runs_to_its_end(line: str, account: str, code: int, output: str) -> None:
    machine = new_machine()
    machine.logged_on = "CONTOSO\\admin"
    ended = run_through(machine, given_arguments({"command": line, "account": account, "accept": [0, 7]}))
    assert isinstance(ended, Unchanged) is (code in (0, 7)), ended
    assert ended.result["exit_code"] == code
    assert str(ended.result["output"]).startswith(output)


def test_a_restart_breaks_it_off_and_nobody_runs_it_anew() -> None:
    machine, args = new_machine(), given_arguments({"command": "timeout /t 90"})
    start, _, _ = scripts(machine, args)
    assert look(machine, start).ok
    machine.clock.advance(30)
    machine.booted_at = machine.clock.now()
    machine.clock.advance(100)
    action = load_actions()["windows.scheduled_task"]
    refused = action.decide(args, HOST, [answer(machine, args)])
    assert isinstance(refused, Refuse)
    absent = {**args, "absent": True}
    removal = action.decide(absent, HOST, [answer(machine, absent)])
    assert isinstance(removal, Change)
    assert carry_out(machine, removal.commands[0]).ok
    assert isinstance(action.decide(absent, HOST, [answer(machine, absent)]), Unchanged)


def test_nobody_is_logged_on() -> None:
    machine, args = new_machine(), given_arguments({"command": "whoami", "account": "INTERACTIVE"})
    start, poll, _ = scripts(machine, args)
    assert look(machine, start).ok
    machine.clock.advance(PATIENCE_S + 1)
    value: Any = look(machine, poll).value
    assert (value["state"], value["message"]) == (
        "failed",
        "the task did not begin within 60 s, and may still do so",
    )


VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["running", "done", "failed"])
)
ANSWERS = VALUES | st.dictionaries(st.sampled_from(["state", "there", "message", "exit_code", "output"]), VALUES)


@given(ANSWERS, ANSWERS, ANSWERS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_answer_is_decided(look_: Any, end: Any, after: Any, absent: bool) -> None:
    action, args = load_actions()["windows.scheduled_task"], given_arguments({"command": "whoami", "absent": absent})
    before, applied, last = (CommandResult(ok=True, value=one) for one in (look_, end, after))
    decided = action.decide(args, HOST, [before])
    verified = action.verify(args, HOST, [before], [applied], [last])
    for one in (decided, verified):
        if isinstance(one, (Change, Unchanged)):
            jsonschema.validate(one.result, action.info.result)
    if isinstance(verified, Unchanged) and not absent:
        assert (end["state"], end["exit_code"]) == ("done", 0)
