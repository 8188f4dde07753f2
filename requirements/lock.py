"""Write the hash-pinned locks from ``pyproject.toml``: ``runtime.txt`` and ``dev.txt``, for all platforms.

Needs uv, which ``make lock`` installs. No address of a registry gets into the files.
"""
# ruff: noqa: INP001, S603 - a script beside the locks, not a package; the command is written out below

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BASE = [
    "uv",
    "pip",
    "compile",
    "--quiet",
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-annotate",
    "--no-header",
]
HEAD = "# Written by `make lock` from pyproject.toml. Do not edit.\n"


def lock(name: str, *arguments: str) -> None:
    """One lock; the build backend is in it, so that an offline mirror of the lock is enough to install."""
    command = [sys.executable, "-m", *BASE, *arguments, "pyproject.toml", "requirements/build.in"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (HERE / name).write_text(HEAD + done.stdout, encoding="utf-8")


if __name__ == "__main__":
    lock("runtime.txt")
    lock("dev.txt", "--extra", "dev", "--constraint", "requirements/runtime.txt")
