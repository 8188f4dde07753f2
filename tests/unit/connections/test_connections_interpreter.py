"""The interpreter in a real PowerShell, with stdin as later versions and as Windows PowerShell 2.0 treat it."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.connections.deadline import Deadline
from engine.connections.powershell import ARGUMENTS, PowerShell
from engine.connections.process_pipe import ProcessPipe
from engine.connections.transfer import TransferFailed, get_by_frames, put_by_frames
from engine.model.command import Script
from engine.model.errors import CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.result import CommandResult

PWSH = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")
pytestmark = [
    pytest.mark.pwsh,
    pytest.mark.skipif(PWSH is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]

Run = Callable[..., CommandResult]


def start_pwsh(stdin: str) -> Callable[[Deadline], ProcessPipe]:
    environment = {**os.environ, "PWSH_STDIN": stdin}
    return lambda _: ProcessPipe((str(PWSH), *ARGUMENTS), environment)


@pytest.fixture(scope="module", params=["", "2.0"], ids=["stdin-later", "stdin-2.0"])
def shell(request: pytest.FixtureRequest) -> Iterator[PowerShell]:
    powershell = PowerShell("SM01", start_pwsh(request.param))
    yield powershell
    powershell.close()


@pytest.fixture
def run(shell: PowerShell) -> Run:
    def run(text: str, **arguments: object) -> CommandResult:
        script = Script(name="test.ps1", text=f"param($Arguments)\n{text}", arguments=arguments)  # type: ignore[arg-type]
        return shell.run(script, Deadline.after(30))

    return run


def test_handshake_tells_what_answers(shell: PowerShell) -> None:
    shell.open(Deadline.after(30))
    assert shell.persistent
    assert shell.note == ""
    assert set(shell.facts) == {"version", "clr", "culture", "code_page", "boot_id", "process_id", "computer"}
    assert shell.interpreter.startswith("PowerShell ")


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -7,
        2**31 - 1,
        2**31,
        -(2**63),
        1.0,
        2.5,
        -1e-7,
        1e300,
        "",
        "plain",
        "quote ' \" back\\slash /",
        "a\r\nb\tc\x00\x01\x1f",
        "Gr\u00fc\u00dfe \u65e5\u672c\u8a9e \U0001f600 \u2028",
        [],
        [1],
        [[1]],
        [[], [[]]],
        [None, None],
        {},
        {"Keys": 1, "Count": 2, "Values": [3]},
        {"a b": {"c": [{"d": None}]}},
        list(range(300)),
    ],
)
def test_values_survive_the_way_there_and_back(run: Run, value: object) -> None:
    result = run("@{ it = $Arguments.it }", it=value)
    assert result.ok, result.errors
    assert result.value == {"it": value}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    # Keys differ in more than letter case, which a hashtable does not tell apart.
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="ascii", categories=["Ll", "Nd"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_any_value_survives(run: Run, value: object) -> None:
    result = run("@{ it = $Arguments.it }", it=value)
    assert result.value == {"it": value}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[DateTime]::SpecifyKind([DateTime]'2020-01-02T03:04:05', 'Utc')", "2020-01-02T03:04:05Z"),
        ("[DateTime]::SpecifyKind([DateTime]'2020-01-02T03:04:05.25', 'Utc')", "2020-01-02T03:04:05.25Z"),
        ("[DayOfWeek]::Monday", "Monday"),
        ("[char]65", "A"),
        ("[version]'10.50.1600'", "10.50.1600"),
        ("[byte[]](0, 255)", [0, 255]),
        ("[DBNull]::Value", None),
        ("[double]::NaN", "NaN"),
        ("[decimal]'1.10'", 1.1),
        ("(New-Object PSObject -Property @{ a = 1 })", {"a": 1}),
        ("[xml]'<a>x</a>'", "System.Xml.XmlDocument"),
        ("(New-Object System.Collections.ArrayList)", []),
        ("[string][char]0xd800", "\ud800"),
    ],
)
def test_objects_become_plain_data(run: Run, expression: str, expected: object) -> None:
    result = run(f"@{{ it = {expression} }}")
    assert result.ok, result.errors
    assert result.value == {"it": expected}


def test_numbers_do_not_follow_the_culture(run: Run) -> None:
    culture = "[Threading.Thread]::CurrentThread.CurrentCulture"
    german = (
        "$c = [Globalization.CultureInfo][Globalization.CultureInfo]::InvariantCulture.Clone();"
        "$c.NumberFormat.NumberDecimalSeparator = ','; $c.NumberFormat.NegativeSign = '~';"
    )
    result = run(f"{german}{culture} = $c; @{{ a = 1.5; b = -3 }}")
    assert result.value == {"a": 1.5, "b": -3}
    assert run("@{ a = $Arguments.a }", a=-1.5).value == {"a": -1.5}


def test_a_terminating_error_is_a_record(run: Run) -> None:
    result = run("\nGet-Content -LiteralPath /is/not/there")
    (error,) = result.errors
    assert not result.ok
    assert error.category == "ObjectNotFound"
    assert "/is/not/there" in error.message
    assert ":3 " in error.position
    assert error.types[0].endswith("ItemNotFoundException")


def test_the_chain_of_exceptions_is_kept(run: Run) -> None:
    (error,) = run("throw (New-Object Exception 'outer', (New-Object IO.IOException 'inner'))").errors
    assert error.types == ("System.Exception", "System.IO.IOException")


def test_a_non_terminating_error_is_a_record_too(run: Run) -> None:
    result = run("Write-Error 'soft' -ErrorAction Continue; @{ after = $true }")
    assert not result.ok
    assert [error.message for error in result.errors] == ["soft"]
    assert result.value == {"after": True}


@pytest.mark.parametrize(
    "text", ["try { throw 'x' } catch { }; @{ a = 1 }", "Get-Item /none -ErrorAction SilentlyContinue; @{ a = 1 }"]
)
def test_an_error_that_the_script_dealt_with_is_none(run: Run, text: str) -> None:
    assert run(text).ok


def test_a_script_that_does_not_parse_is_an_error(run: Run) -> None:
    (error,) = run("@{ a = ").errors
    assert error.category == "ParserError" or "Parse" in error.types[-1]


def test_exit_code_and_error_stream_of_a_program(run: Run) -> None:
    result = run("sh -c 'echo from the program >&2; exit 5'; @{}")
    assert (result.ok, result.exit_code) == (True, 5)
    assert "from the program" in result.stray
    assert run("@{}").exit_code is None


def test_several_objects_are_an_error_that_keeps_them(run: Run) -> None:
    result = run("'a'; 'b'")
    assert not result.ok
    assert result.value == ["a", "b"]
    assert "2 objects" in result.errors[0].message


def test_output_outside_the_frame_is_kept_as_stray(run: Run) -> None:
    result = run("Write-Host 'seen'; [Console]::Out.Write('half a line'); @{ a = 1 }")
    assert result.value == {"a": 1}
    assert result.stray.split("\n")[:2] == ["seen", "half a line"]
    assert run("@{}").stray == ""


def test_nothing_leaks_from_one_script_to_the_next(run: Run) -> None:
    run(
        "$x = 1; $ErrorActionPreference = 'Continue'; function f { };"
        " Set-Location /; [Environment]::CurrentDirectory = '/'; @{}"
    )
    result = run(
        '@{ x = (Test-Path variable:x); e = "$ErrorActionPreference"; f = (Test-Path function:f);'
        " p = (Get-Location).Path; d = [Environment]::CurrentDirectory; n = $Error.Count }"
    )
    here = os.getcwd()  # noqa: PTH109 - compared as text
    assert result.value == {"x": False, "e": "Stop", "f": False, "p": here, "d": here, "n": 0}


def test_global_preferences_do_not_stick(run: Run) -> None:
    run("$global:ErrorActionPreference = 'SilentlyContinue'; @{}")
    assert run('@{ e = "$ErrorActionPreference" }').value == {"e": "Stop"}


def test_a_result_too_deep_is_an_error(run: Run) -> None:
    result = run("$a = @{}; $a.a = $a; $a")
    assert "nested deeper" in result.errors[0].message


@pytest.mark.parametrize("text", ["break; 1", "continue; 1", "return"])
def test_leaving_a_script_does_not_leave_the_interpreter(run: Run, shell: PowerShell, text: str) -> None:
    shell.open(Deadline.after(30))
    before = shell.facts["process_id"]
    assert run(text).ok
    assert run("@{ p = $PID }").value == {"p": before}


def test_exit_ends_the_script_with_its_code(run: Run) -> None:
    bad = run("exit 3")
    assert (bad.ok, bad.exit_code) == (False, 3)
    assert "exit code 3" in bad.errors[-1].message
    good = run("@{ a = 1 }; exit 0")
    assert (good.ok, good.exit_code, good.value) == (True, 0, {"a": 1})
    assert run("@{ b = 2 }").value == {"b": 2}


def test_the_same_script_is_sent_once_and_arguments_each_time(run: Run) -> None:
    assert [run("@{ n = $Arguments.n * 2 }", n=n).value for n in (1, 2, 3)] == [{"n": 2}, {"n": 4}, {"n": 6}]


def test_large_arguments_and_answers(run: Run) -> None:
    text = "x\u00e4\n" * 400_000
    assert run("@{ t = $Arguments.t; n = $Arguments.t.Length }", t=text).value == {"t": text, "n": len(text)}


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 600_000])
def test_files_go_there_and_back_through_frames(shell: PowerShell, tmp_path, size: int) -> None:
    content = bytes(index * 7 % 256 for index in range(size))
    path = str(tmp_path / "a file [1].bin")
    for _ in range(2):  # the second time it replaces
        put_by_frames("SM01", shell.run, path, content, Deadline.after(30))
    assert get_by_frames("SM01", shell.run, path, size, Deadline.after(30)) == content
    assert [one.name for one in tmp_path.iterdir()] == ["a file [1].bin"]


def test_a_file_that_cannot_be_written_or_is_too_large(shell: PowerShell, tmp_path) -> None:
    with pytest.raises(TransferFailed, match="no/such"):
        put_by_frames("SM01", shell.run, str(tmp_path / "no/such/file"), b"x", Deadline.after(30))
    (tmp_path / "large").write_bytes(b"12345")
    with pytest.raises(TransferFailed, match="5 bytes, more than the 4"):
        get_by_frames("SM01", shell.run, str(tmp_path / "large"), 4, Deadline.after(30))
    with pytest.raises(TransferFailed, match="folder"):
        get_by_frames("SM01", shell.run, str(tmp_path), 4, Deadline.after(30))


@pytest.mark.parametrize("stdin", ["", "2.0"])
def test_one_process_a_command(stdin: str) -> None:
    powershell = PowerShell("SM01", start_pwsh(stdin), persistent=False)
    powershell.open(Deadline.after(30))
    text = "param($Arguments)\n@{ p = $PID; n = $Arguments.n }"
    values = [powershell.run(Script(name="x", text=text, arguments={"n": n}), Deadline.after(30)).value for n in (1, 2)]
    assert [value["n"] for value in values] == [1, 2]  # type: ignore[index, call-overload]
    assert values[0]["p"] != values[1]["p"]  # type: ignore[index, call-overload]


def test_a_hung_script_is_ended_and_the_next_one_runs() -> None:
    powershell = PowerShell("SM01", start_pwsh(""))
    powershell.open(Deadline.after(30))
    with pytest.raises(CommandTimedOut):
        powershell.run(Script(name="x", text="param($Arguments) Start-Sleep 60"), Deadline.after(0.5))
    assert powershell.run(Script(name="x", text="param($Arguments) @{ a = 1 }"), Deadline.after(30)).value == {"a": 1}
    powershell.close()


def test_an_interpreter_that_dies_in_the_middle_leaves_the_script_in_doubt() -> None:
    powershell = PowerShell("SM01", start_pwsh(""))
    text = "param($Arguments) [Diagnostics.Process]::GetCurrentProcess().Kill(); Start-Sleep 5"
    with pytest.raises(ConnectionLost, match="PowerShell ended with"):
        powershell.run(Script(name="x", text=text, changing=True), Deadline.after(30))
    powershell.close()


def test_a_program_that_is_no_powershell_is_no_connection() -> None:
    powershell = PowerShell("SM01", lambda _: ProcessPipe(("sh", "-c", "echo not found >&2; exit 9")))
    with pytest.raises(ConnectFailed, match="not found"):
        powershell.open(Deadline.after(20))


@pytest.mark.parametrize("name", ["interpreter.ps1", "file_put.ps1", "file_get.ps1"])
def test_scripts_use_nothing_newer_than_windows_powershell_2(name: str) -> None:
    path = files("engine") / "connections" / name
    assert path.read_bytes().isascii()
    found = subprocess.run([str(PWSH), "--parse", str(path)], capture_output=True, check=False)
    if not found.stdout.startswith((b"{", b"[")):
        pytest.skip("this PowerShell has no --parse")
    report = json.loads(found.stdout)
    report = report[0] if isinstance(report, list) else report
    assert (report["errors"], report["constructs"]) == ([], [])
