"""Every finding about a runbook names its place, shows the line and marks the very words that are meant."""

from pathlib import Path

import pytest

from engine.app.validate import validate

HEAD = """\
schema: runbook/v1
name: bad
version: 1.0.0
title: T
purpose: P
sources: [s]
params: {unused: {description: d}, n: {description: d, type: integer, default: 3}}
hosts: {here: {pattern: "A"}, gone: {pattern: nowhere}}
steps:
  - {id: look, name: One, action: posix.file, hosts: here, with: {path: /etc}}
  - {id: last, name: Two, action: posix.file, hosts: here, with: {path: /etc}}
"""
LAST = "  - {id: end, name: Three, action: posix.file, hosts: here, with: {path: /etc}}\n"
STEPS = [
    ("R402", "steps.lok", "action: posix.file, hosts: here, when: steps.lok.found, with: {path: /etc}"),
    ("R403", "steps.end", "action: posix.file, hosts: here, when: steps.end.found, with: {path: /etc}"),
    ("R405", "steps.look.fond", "action: posix.file, hosts: here, when: steps.look.fond, with: {path: /etc}"),
    ("E304", "steps.look.size", "action: posix.file, hosts: here, when: steps.look.size, with: {path: /etc}"),
    ("E307", "params.n", "action: posix.file, hosts: here, with: {path: \"{{ params.n + 'x' }}\"}"),
    ("R450", "posix.fil", "action: posix.fil, hosts: here, with: {path: /etc}"),
    ("R452", "posix.file", "action: posix.file, hosts: here"),
    ("R452", "pth", "action: posix.file, hosts: here, with: {path: /etc, pth: /x}"),
    ("R452", "maybe", "action: posix.file, hosts: here, with: {path: /etc, expect: maybe}"),
    ("R454", "her", "action: posix.file, hosts: her, with: {path: /etc}"),
    ("R454", "her", "action: posix.file, hosts: [here, her], with: {path: /etc}"),
    ("R455", "posix.file", "action: posix.file, with: {path: /etc}"),
    ("R456", "here", "action: operator.instruct, hosts: here, with: {show: x}"),
    ("R457", "look", "action: posix.file, hosts: here, on_failure: look, with: {path: /etc}"),
    ("R458", "hole(estate)", "action: posix.file, hosts: here, requires: [hole(estate)], with: {path: /etc}"),
    ("R464", "approval(operator)", "action: operator.instruct, requires: [approval(operator)], with: {show: x}"),
    (
        "R465",
        "same-name(here@her)",
        "action: posix.file, hosts: here, requires: [same-name(here@her)], with: {path: /x}",
    ),
    ("R467", "4", "action: posix.file, hosts: here, on_failure: finding, max_failures: 4, with: {path: /etc}"),
    (
        "R468",
        "approval(anna)",
        "action: posix.file, hosts: here, requires: [approval(anna)], with: {path: /x, content: x}, why: w",
    ),
    ("P503", "observe", "action: windows.reboot, hosts: here, effect: observe, why: w"),
    ("P504", "3", "action: posix.command, hosts: here, effect: permanent, retry: 3, why: w, with: {script: ls}"),
    ("P514", "true", "action: posix.command, hosts: here, effect: permanent, always: true, why: w, with: {script: ls}"),
]


def found(folder: Path, text: str, code: str):
    (folder / "bad.yaml").write_text(text, encoding="utf-8")
    inventory = folder / "inventory.yaml"
    inventory.write_text("all: {hosts: {A: {ansible_connection: local, runbook_platform: posix}}}", encoding="utf-8")
    return [one for one in validate((str(folder / "bad.yaml"),), str(inventory)).diagnostics if one.code == code]


@pytest.mark.parametrize(("code", "marked", "step"), STEPS, ids=[f"{one[0]} {one[1]}" for one in STEPS])
def test_the_words_meant_are_marked(code: str, marked: str, step: str, tmp_path: Path) -> None:
    one, *_ = found(tmp_path, f"{HEAD}  - {{id: a, name: Step, {step}}}\n{LAST}", code)
    assert one.origin is not None
    assert one.excerpt is not None
    assert one.origin.line == 12
    begin = one.origin.column - 1
    assert one.excerpt[begin : begin + one.mark].startswith(marked)


@pytest.mark.parametrize(("code", "marked"), [("R460", "unused"), ("R404", "nowhere"), ("R461", "nowhere")])
def test_what_is_not_of_a_step_is_marked_too(code: str, marked: str, tmp_path: Path) -> None:
    one, *_ = found(tmp_path, HEAD, code)
    assert one.origin is not None
    assert one.excerpt is not None
    begin = one.origin.column - 1
    assert one.excerpt[begin : begin + one.mark] == marked
