"""The command line as its users meet it: runs it in this process or as one of its own, against a lab on loopback."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """The environment of a command as a process: this checkout, no colours, nothing else of the tester's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "USER": "anna", "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "error", **more}


def argv(*arguments: str | Path) -> list[str]:
    """The command line as a list."""
    return [sys.executable, "-m", "engine.cli.main", *map(str, arguments)]


def as_process(folder: Path, *arguments: str | Path, timeout: float = 60, **more: str) -> Said:
    """Run it to its end as a process without a terminal."""
    done = subprocess.run(
        argv(*arguments),
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def in_process(folder: Path, *arguments: str | Path) -> Said:
    """Run it to its end in this process, with nobody at a terminal; quicker, and the same code."""
    from engine.cli.main import run

    out, err = io.StringIO(), io.StringIO()
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([str(one) for one in arguments])
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
    return Said(code=code, out=out.getvalue(), err=err.getvalue())


Command = Callable[..., Said]


def runbook(folder: Path, steps: Sequence[Mapping[str, Any]], *, name: str = "probe", **more: Any) -> Path:
    """A runbook in JSON (which is YAML): the host set ``server`` is SM01."""
    document = {
        "schema": "runbook/v1",
        "name": name,
        "version": "1.0.0",
        "title": "A runbook of the tests",
        "purpose": "To be run by the tests.",
        "hosts": {"server": {"pattern": "SM01"}},
        "steps": [{"name": f"Step {one['id']}", **one} for one in steps],
        **more,
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return path


def inventory(lab: Any, folder: Path, host: str = "SM01", **changes: Any) -> Path:
    """The lab's inventory with other settings for one host."""
    text = lab.inventory.read_text(encoding="utf-8")
    document = json.loads(text[text.index("{") :])
    for group in document["all"]["children"].values():
        if host in group["hosts"]:
            group["hosts"][host] = {**group["hosts"][host], **changes}
            break
    path = folder / "inventory.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


LOOK = {"id": "look", "action": "windows.host", "hosts": "server"}


def value(number: int, name: str = "Probe", **more: Any) -> dict[str, Any]:
    """A step that sets a registry value."""
    return {
        "id": f"set_{number}",
        "action": "windows.registry_value",
        "hosts": "server",
        "with": {"key": rf"HKLM\SOFTWARE\{name}", "name": f"Value{number}", "value": number},
        **more,
    }
