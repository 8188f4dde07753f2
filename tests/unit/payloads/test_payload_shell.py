"""The shell payloads run for real in a folder of their own, through the connections' own wrapping of arguments."""

import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.actions import load_actions
from engine.connections.posix_script import result_of, shell_text
from engine.model.command import Script
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Refuse, Unchanged

SHELL = shutil.which("dash") or shutil.which("sh")
pytestmark = pytest.mark.skipif(SHELL is None, reason="no POSIX shell on this machine")
HOST = HostView(name="linux01", platform="posix")


def run(script: Script) -> CommandResult:
    """As the ssh and local connections do."""
    done = subprocess.run([str(SHELL), "-s"], input=shell_text(script), capture_output=True, timeout=30, check=False)
    return result_of(done.stdout, done.stderr, done.returncode, truncated=False, duration_s=0.0)


def decide(name: str, args: dict[str, Any]) -> Any:
    action = load_actions()[name]
    seen: list[CommandResult] = []
    while (look := action.observe(args, HOST, seen)) is not None:
        assert isinstance(look, Script)
        answer = run(look)
        assert answer.ok or action.tolerates(args, HOST, answer), answer
        seen.append(answer)
    return action.decide(args, HOST, seen)


def apply(commands: tuple[Any, ...]) -> None:
    for one in commands:
        answer = run(one)
        assert answer.ok, answer


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Files that are no backups, with content and mode."""
    return {
        one.name: (one.read_bytes(), one.stat().st_mode & 0o7777)
        for one in folder.iterdir()
        if one.is_file() and ".before-" not in one.name
    }


CONTENTS = ["", "a\n", "no end of line", "'quotes' \"and\" $dollars `ticks` \\ \u00fc\n" * 50]


def wanted(dice: random.Random, path: str) -> dict[str, Any]:
    args: dict[str, Any] = {"path": path}
    if dice.random() < 0.25:
        return {**args, "absent": True}
    if dice.random() < 0.8:
        args["content"] = dice.choice(
            ["", "a\n", "no end of line", "'quotes' \"and\" $dollars `ticks` \\ \u00fc\n" * 50]
        )
    if dice.random() < 0.5 or "content" not in args:
        args["mode"] = dice.choice(["600", "0644", "0755", "400"])
    return args


def test_file_changes_hold_and_undo(tmp_path: Path) -> None:
    changed = 0
    for seed in range(110):
        dice = random.Random(seed)
        folder = tmp_path / f"{seed} it's a $folder"
        folder.mkdir()
        target = folder / dice.choice(["x.conf", "-x", "a b'c"])
        if dice.random() < 0.6:
            target.write_bytes(dice.choice([b"", b"a\n", b"\x00\xff binary"]))
            target.chmod(dice.choice([0o600, 0o644, 0o755]))
        args, before = wanted(dice, str(target)), tree(folder)
        decision = decide("posix.file", args)
        if isinstance(decision, Refuse):
            assert "content" not in args
            assert not target.exists()
            continue
        if isinstance(decision, Change):
            changed += 1
            apply(decision.commands)
            again = decide("posix.file", args)
            assert isinstance(again, Unchanged), (seed, again)
            expected = {key: value for key, value in decision.result.items() if value is not None}
            assert expected.items() <= again.result.items(), seed
            apply(decision.undo)
        assert tree(folder) == before, seed
    assert changed > 50


def test_folder_and_missing_folder(tmp_path: Path) -> None:
    assert decide("posix.file", {"path": str(tmp_path)}).result["kind"] == "folder"
    assert isinstance(decide("posix.file", {"path": str(tmp_path), "content": "x"}), Refuse)
    missing = decide("posix.file", {"path": str(tmp_path / "no" / "x"), "content": "x"})
    assert isinstance(missing, Change)
    assert not run(missing.commands[0]).ok  # type: ignore[arg-type]


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@given(st.lists(WORDS, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_arguments_arrive_exactly(words: list[str]) -> None:
    decision = decide("posix.command", {"argv": ["printf", "<%s>", *words], "effect": "observe", "exit_codes": [0]})
    expected = "".join(f"<{word}>" for word in words) if words else "<>"
    assert decision.result["stdout"] == expected


def test_exit_code_directory_and_standard_input(tmp_path: Path) -> None:
    args = {
        "argv": ["sh", "-c", "pwd; cat; exit 3"],
        "effect": "observe",
        "exit_codes": [3],
        "directory": str(tmp_path),
    }
    decision = decide("posix.command", {**args, "directory": str(tmp_path)})
    assert decision.result == {"stdout": f"{tmp_path}\n", "stderr": "", "exit_code": 3}


def test_script_with_arguments() -> None:
    args = {"script": 'echo "$RB_WHO, $RB_N"', "arguments": {"who": "it's", "n": 3}, "effect": "observe"}
    assert decide("posix.command", args).result["stdout"] == "it's, 3\n"
