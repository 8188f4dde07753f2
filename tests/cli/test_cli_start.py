"""Starting is cheap: `runbook validate FILE` as a whole process, and what help does not import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import LOOK, argv, environment, runbook

BUDGET_S = 0.35


def imported(folder: Path, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "engine.cli.main", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("arguments", [("--help",), ("version",), ("run", "--help"), ("completion", "bash")])
def test_help_imports_no_library_of_the_work(arguments: tuple[str, ...], tmp_path: Path) -> None:
    heavy = {
        "yaml",
        "jsonschema",
        "jinja2",
        "rich",
        "paramiko",
        "winrm",
        "aiohttp",
        "sqlite3",
        "asyncio",
        "engine.app.run",
    }
    assert imported(tmp_path, *arguments) & heavy == set()


def test_validation_imports_no_connection_and_no_lab(tmp_path: Path) -> None:
    runbook(tmp_path, [LOOK])
    heavy = {"rich", "paramiko", "winrm", "aiohttp", "asyncssh", "sqlite3", "requests", "cryptography"}
    assert imported(tmp_path, "validate", "probe.yaml") & heavy == set()


@pytest.mark.skipif(os.name != "posix", reason="the processor time of a child is a matter of POSIX")
def test_validation_of_one_file_is_quick(tmp_path: Path) -> None:
    """Processor time of the best of some: a busy machine must not fail it."""
    book = Path(__file__).parents[2] / "runbooks" / "service-manager" / "configuration-service-timeout.yaml"
    best = min(_spent(tmp_path, "validate", book) for _ in range(4))
    assert best < BUDGET_S


def _spent(folder: Path, *arguments: str | Path) -> float:
    before = os.times()
    subprocess.run(argv(*arguments), cwd=folder, env=environment(), capture_output=True, check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system
