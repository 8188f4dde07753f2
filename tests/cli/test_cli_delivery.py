"""The pages and the command line agree: what is written down exists, and no command is left out."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from engine.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# A use of the command in a code span or an indented line, up to the end of it.
USE = re.compile(r"(?:`|^ {4}(?:\S+[/\\])?)runbook ([^`\n]+)", re.MULTILINE)


def uses(page: Path) -> list[str]:
    return [found.split("  #")[0].strip() for found in USE.findall(page.read_text(encoding="utf-8"))]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and the words after it."""
    command: click.Command = main.cli
    context = click.Context(command, info_name="runbook")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        inner = command.get_command(context, name)
        assert inner is not None, f"there is no command {name}"
        command = inner
        context = click.Context(command, info_name=name, parent=context)
    return command, rest


def test_the_readme_s_table_is_the_command_line():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `runbook ([a-z]+)", text, re.MULTILINE)
    assert rows == list(main.COMMANDS)


@pytest.mark.parametrize("verb", main.COMMANDS)
def test_every_command_is_there_and_has_help(verb, capsys):
    assert main.run([verb, "--help"]) == 0
    assert f"Usage: runbook {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_an_option_that_a_page_names_exists(page):
    for use in uses(page):
        words = use.split()
        if words[0].isupper() or not words[0][0].isalpha():
            continue  # `runbook COMMAND --help`, `runbook --help`
        command, rest = command_of(words)
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
        named = {word.strip("[]") for word in rest if word.strip("[]").startswith("-")}
        assert named <= known, f"{use}: {named - known}"


def test_the_command_of_the_package_is_the_one_in_the_readme():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    place = re.search(r'^runbook = "([\w.]+):(\w+)"$', text, re.MULTILINE)
    assert place is not None
    assert callable(getattr(import_module(place[1]), place[2]))


def test_the_documents_shown_in_the_evidence_page_are_understood(tmp_path, capsys):
    """Each example is a YAML block whose first line names its file; none may be told of as wrong."""
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert {name for name, _ in blocks} == {"evidence.yaml", "baseline.yaml", "hosts/SM01/host.yaml"}
    for name, text in blocks:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert main.run(["triage", "--evidence", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one for one in answer["missing"] if str(one.get("file")).endswith(".yaml")] == []
    supporting = " ".join(one["text"] for one in answer["supporting"])
    assert "as in the baseline: binaries 7.5.1561.0" in supporting


@pytest.mark.skipif(sys.platform == "win32", reason="the benchmark's hosts run a POSIX shell")
def test_the_benchmark_does_its_job_with_everyone_installed():
    """No time is asserted: each contestant checks its own answers, and one that fails is not in the table."""
    sizes = ["--hosts", "2", "--steps", "2", "--ssh-hosts", "2", "--ssh-steps", "2", "--repeats", "1", "--start-s", "0"]
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "driver.py", *sizes],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    present = set(re.findall(r"^\| ([a-z-]+) \| .* s \|", done.stdout, re.MULTILINE))
    assert {"engine", "engine-connections", "pywinrm", "pypsrp", "engine-ssh", "paramiko"} <= present, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the benchmark forks")
def test_the_memory_is_measured_over_both_protocols():
    script = ROOT / "benchmarks" / "memory.py"
    command = [sys.executable, script, "--hosts", "2", "--steps", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(engine|engine-ssh): 2 hosts x 1 steps, .* MB at its peak", done.stdout, re.MULTILINE) == [
        "engine",
        "engine-ssh",
    ]
