"""Starting is cheap: what is not imported. Seconds are measured by ``benchmarks/validate_start.py``."""

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import LOOK, environment, runbook


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
