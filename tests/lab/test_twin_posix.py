"""``posix.file`` and ``posix.command``: each script in a real shell over a folder, its model over the same state."""

import base64
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.connections.posix_script import shell_text
from engine.lab.machine_posix import PosixMachine
from engine.lab.machine_posix_host import PosixHost
from engine.model.command import Dialect, Script
from engine.model.packaged import payload

SHELL = shutil.which("dash") or shutil.which("sh")
pytestmark = pytest.mark.skipif(
    SHELL is None or shutil.which("sha256sum") is None, reason="a POSIX shell with sha256sum is needed"
)
NAMES = ["a", "b c", "d'$x`", "\u00fc", "-e"]
CONTENTS = ["", "x", "lines\nof text\n", "\u00fc" * 300]
MODES = ["", "600", "0644", "755", "9x"]

Tree = dict[str, tuple[int, bytes | None]]


def build(root: Path, dice: random.Random) -> PosixMachine:
    """The same files and folders on this machine and in the lab's; some are backups, some half-made files."""
    machine = PosixMachine()
    machine.add_folder(str(root))
    for name in NAMES:
        for suffix in ("", ".before", ".new", ".runbook-new"):
            chance = dice.random()
            place = root / f"{name}{suffix}"
            if chance < (0.15 if suffix == ".runbook-new" else 0.4):
                content, mode = dice.choice(CONTENTS).encode(), dice.choice([0o600, 0o644, 0o755, 0o400])
                place.write_bytes(content)
                place.chmod(mode)
                machine.add_file(str(place), content, mode)
            elif chance < 0.5 and not suffix:
                place.mkdir()
                place.chmod(0o750)
                machine.add_folder(str(place), 0o750)
                if dice.random() < 0.5:
                    (place / "inner").write_bytes(b"inner")
                    (place / "inner").chmod(0o644)
                    machine.add_file(str(place / "inner"), b"inner")
    return machine


def real_tree(root: Path) -> Tree:
    return {
        str(one): (one.stat().st_mode & 0o7777, one.read_bytes() if one.is_file() else None) for one in root.rglob("*")
    }


def lab_tree(machine: PosixMachine, root: Path) -> Tree:
    below = f"{root}/"
    return {path: (one.mode, one.content) for path, one in machine.entries.items() if path.startswith(below)}


def both(machine: PosixMachine, root: Path, name: str, **arguments: str) -> int:
    """The same bytes to a real shell and to the lab's host: the same answer, and the same files afterwards."""
    script = Script(name=name, text=payload(name), arguments=arguments, dialect=Dialect.POSIX)
    sent = shell_text(script)
    real = subprocess.run(
        [str(SHELL), "-s"], input=sent, capture_output=True, timeout=30, check=False, cwd=root, umask=0o022
    )
    code, stdout, stderr = PosixHost(machine).shell("sh -s", sent)
    story = f"{name} {arguments}\nreal: {real}\nlab: {code} {stdout!r} {stderr!r}"
    assert (code == 0) is (real.returncode == 0), story
    assert stdout == real.stdout, story
    assert bool(stderr) is bool(real.stderr), story
    assert lab_tree(machine, root) == real_tree(root), story
    return code


def paths(root: Path, dice: random.Random) -> str:
    name = dice.choice(NAMES)
    return str(root / dice.choice([name, name, name, name, "none", f"{name}/inner", "gone/x"]))


@pytest.mark.parametrize("block", range(4))
def test_files(tmp_path: Path, block: int) -> None:
    codes = set()
    for number in range(40):
        dice = random.Random(block * 1000 + number)
        root = tmp_path / str(number)
        root.mkdir()
        machine = build(root, dice)
        for _ in range(3):
            path = paths(root, dice)
            backup = dice.choice([f"{path}.before", f"{path}.before", ""])
            both(machine, root, "posix_file.observe.sh", path=path)
            match dice.choice(["write", "write", "remove", "restore"]):
                case "write":
                    codes.add(
                        both(
                            machine,
                            root,
                            "posix_file.write.sh",
                            path=path,
                            backup=backup or f"{path}.before",
                            mode=dice.choice(MODES),
                            keep_content=dice.choice(["yes", "no", "no"]),
                            content=base64.b64encode(dice.choice(CONTENTS).encode()).decode(),
                        )
                    )
                case "remove":
                    both(machine, root, "posix_file.remove.sh", path=path, backup=f"{path}.before")
                case _:
                    both(machine, root, "posix_file.restore.sh", path=path, backup=backup)
    assert 0 in codes
    assert len(codes) > 1


@pytest.mark.parametrize("block", range(2))
def test_commands(tmp_path: Path, block: int) -> None:
    codes = set()
    for number in range(80):
        dice = random.Random(block * 1000 + number)
        root = tmp_path / str(number)
        root.mkdir()
        machine = build(root, dice)
        for _ in range(2):
            path = paths(root, dice)
            other = dice.choice([paths(root, dice), "./a", "b c", "none"])
            argv = dice.choice(
                [
                    ["cat", path],
                    ["cat", path, other],
                    ["test", dice.choice(["-e", "-f", "-d", "-s"]), path],
                    ["test", "a", dice.choice(["=", "!="]), dice.choice(["a", "b'$c"])],
                    ["mkdir", path],
                    ["mkdir", "-p", f"{path}/deep/deeper"],
                    ["rm", "-f", path],
                    ["rm", path],
                    ["true"],
                    ["false"],
                    ["pwd"],
                    ["no-such-program", path],
                ]
            )
            folder = str(dice.choice([root, root, root / "b c", root / "none", ""]))
            arguments = {f"arg{n}": word for n, word in enumerate(argv, 1)}
            if not folder:
                folder = str(root) if argv[0] in ("pwd", "cat") else ""
            codes.add(both(machine, root, "posix_command.sh", **arguments, count=str(len(argv)), directory=folder))
    assert {0, 1, 125, 127} <= codes


@pytest.mark.parametrize(
    "sent",
    [
        b"rm -rf /\n",
        b"eval 'rm -rf /' </dev/null\n",
        b"RB_A='1'\neval 'echo $RB_A' </dev/null\necho more\n",
        b"PATH='/x'\neval '" + payload("posix_file.observe.sh").encode() + b"' </dev/null\n",
        b"eval 'unclosed",
        b"",
        b"\xff\xfe",
    ],
)
def test_any_other_script_fails_with_a_sentence(sent: bytes) -> None:
    code, stdout, stderr = PosixHost(PosixMachine()).shell("sh -s", sent)
    assert (code, stdout) == (126, b"")
    assert b"has no model of this script" in stderr


def test_other_command_lines_fail(tmp_path: Path) -> None:
    code, _, stderr = PosixHost(PosixMachine()).shell(f"touch {tmp_path}/x", b"")
    assert code == 126
    assert b"runs sh -s only" in stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_file_as_it_was() -> None:
    machine = PosixMachine(free_bytes=4)
    machine.add_file("/etc/x.conf", b"old")
    before = dict(machine.entries)
    script = Script(
        name="posix_file.write.sh",
        text=payload("posix_file.write.sh"),
        arguments={
            "path": "/etc/x.conf",
            "backup": "/etc/x.conf.before",
            "mode": "",
            "keep_content": "no",
            "content": base64.b64encode(b"much longer").decode(),
        },
        dialect=Dialect.POSIX,
    )
    code, _, stderr = PosixHost(machine).shell("sh -s", shell_text(script))
    assert code == 1
    assert b"No space left" in stderr
    assert machine.entries["/etc/x.conf"] == before["/etc/x.conf"]
    assert "/etc/x.conf.runbook-new" not in machine.entries


def test_what_lies_beside_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("old")
    (tmp_path / "x.conf.new").write_text("somebody's")
    machine = PosixMachine()
    machine.add_folder(str(tmp_path))
    for one in tmp_path.iterdir():
        one.chmod(0o644)
        machine.add_file(str(one), one.read_bytes(), 0o644)
    path, backup = str(tmp_path / "x.conf"), str(tmp_path / "x.conf.before")
    content = base64.b64encode(b"mine").decode()
    written = {"path": path, "backup": backup, "mode": "", "keep_content": "no", "content": content}
    assert both(machine, tmp_path, "posix_file.write.sh", **written) == 0
    assert both(machine, tmp_path, "posix_file.restore.sh", path=path, backup=backup) == 0
    assert (tmp_path / "x.conf.new").read_text() == "somebody's"
