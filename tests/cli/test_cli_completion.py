"""Shell completion: the four scripts, and what is offered for runbooks, hosts, tags, steps, inputs and runs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import LOOK, Command, as_process, environment, runbook

from engine.app.lab import Lab

SHELLS = {
    "bash": ("_RUNBOOK_COMPLETE=bash_complete", "complete -o nosort"),
    "zsh": ("_RUNBOOK_COMPLETE=zsh_complete", "#compdef runbook"),
    "fish": ("_RUNBOOK_COMPLETE=fish_complete", "complete --no-files --command runbook"),
    "powershell": ("$env:_RUNBOOK_COMPLETE = 'powershell_complete'", "Register-ArgumentCompleter"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts(shell: str, command: Command) -> None:
    said = command("completion", shell)
    assert said.code == 0
    assert all(part in said.out for part in SHELLS[shell])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_that_is_here_accepts_its_script(shell: str, command: Command, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(command("completion", shell).out)
    done = subprocess.run([program, "-n", "script"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def offered(folder: Path, *words: str, shell: str = "bash", **more: str) -> list[str]:
    """What is offered for the last word."""
    variables = {
        "bash": {"COMP_WORDS": " ".join(["runbook", *words]), "COMP_CWORD": str(len(words))},
        "zsh": {"COMP_WORDS": " ".join(["runbook", *words]), "COMP_CWORD": str(len(words))},
        "fish": {"COMP_WORDS": " ".join(["runbook", *words]), "COMP_CWORD": words[-1]},
        "powershell": {"COMP_WORDS": " ".join(["runbook", *words]), "COMP_CWORD": words[-1]},
    }[shell]
    said = as_process(folder, _RUNBOOK_COMPLETE=f"{shell}_complete", **variables, **more)
    assert "Traceback" not in said.err, said.err
    lines = [line for line in said.out.splitlines() if line]
    if shell == "zsh":
        return lines[1::3]
    if shell == "powershell":
        return [line.partition("\t")[0] for line in lines]
    return [line.partition(",")[2].partition("\t")[0] for line in lines]


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_in_every_shell(shell: str, tmp_path: Path) -> None:
    assert offered(tmp_path, "re", shell=shell) == ["resume", "report"]


@pytest.mark.parametrize("shell", SHELLS)
def test_runbooks_in_every_shell(shell: str, tmp_path: Path) -> None:
    assert "configuration-service-timeout" in offered(tmp_path, "run", "conf", shell=shell)


def test_hosts_and_groups(lab: Lab, tmp_path: Path) -> None:
    words = ("run", "configuration-service-timeout", "-i", str(lab.inventory), "-l")
    assert offered(tmp_path, *words, "SQL") == ["SQL01", "SQL02"]
    assert offered(tmp_path, *words, "man") == ["management_servers"]
    assert offered(tmp_path, *words, "SM01,SQ") == ["SM01,SQL01", "SM01,SQL02"]


def test_steps_tags_and_inputs(lab: Lab, tmp_path: Path) -> None:
    book = runbook(
        tmp_path,
        [{**LOOK, "tags": ["first"]}, {**LOOK, "id": "later", "tags": ["second"]}],
        params={"size": {"description": "A size", "type": "integer", "default": 1}},
    )
    assert offered(tmp_path, "run", str(book), "--start-at", "la") == ["later"]
    assert offered(tmp_path, "run", str(book), "-t", "first,se") == ["first,second"]
    assert offered(tmp_path, "run", str(book), "-e", "si") == ["size="]


def test_runs(command: Command, lab: Lab, tmp_path: Path) -> None:
    assert offered(tmp_path, "resume", "") == []
    assert command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory).code == 0
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    for verb in ("resume", "report", "answer"):
        assert offered(tmp_path, verb, run_id[:4]) == [run_id]
    assert offered(tmp_path, "runs", "--give-up", run_id[:4]) == [run_id]


def test_actions_and_schemas(tmp_path: Path) -> None:
    assert offered(tmp_path, "actions", "windows.r") == ["windows.reboot", "windows.registry_value"]
    assert offered(tmp_path, "schema", "run") == ["runbook"]


def test_a_document_that_cannot_be_read_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("{")
    assert offered(tmp_path, "run", "bad.yaml", "-i", "bad.yaml", "-l", "S") == []
    assert offered(tmp_path, "run", "bad.yaml", "--start-at", "s") == []


def test_bash_completes_for_real(command: Command, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None or os.name != "posix":
        pytest.skip("bash is not installed")
    (tmp_path / "script").write_text(command("completion", "bash").out)
    (tmp_path / "runbook").write_text(f'#!/bin/sh\nexec "{os.sys.executable}" -m engine.cli.main "$@"\n')
    (tmp_path / "runbook").chmod(0o755)
    ask = (
        "source ./script; COMP_WORDS=(runbook val); COMP_CWORD=1; _runbook_completion runbook val; echo ${COMPREPLY[@]}"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "-c", ask], cwd=tmp_path, env=environment() | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "validate", done.stderr
