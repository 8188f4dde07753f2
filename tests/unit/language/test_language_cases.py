"""One invalid document per code: the file's name is CODE.KIND.LINE.COLUMN.yaml, and that finding must come out."""

from pathlib import Path

import pytest

from engine.language.codes import EXPLANATIONS
from engine.language.load import load_inventory, load_runbook
from engine.language.located import split_lines
from engine.model.diagnostic import Diagnostic, Severity

CASES = Path(__file__).parents[2] / "cases" / "language" / "invalid"
FILES = sorted(CASES.glob("*.yaml"))
LOADERS = {"runbook": load_runbook, "inventory": load_inventory}


def findings_of(path: Path) -> tuple[Diagnostic, ...]:
    kind = path.name.split(".")[1]
    _, findings = LOADERS[kind](path.read_bytes(), path.name)
    return findings


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_finding_has_its_code_and_place(path: Path) -> None:
    code, _, line, column, _ = path.name.split(".")
    found = {(one.code, one.origin.line, one.origin.column) for one in findings_of(path) if one.origin}
    assert (code, int(line), int(column)) in found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_findings_are_complete(path: Path) -> None:
    lines = split_lines(path.read_text(encoding="utf-8"))
    for one in findings_of(path):
        assert one.severity is Severity.ERROR
        assert one.code in EXPLANATIONS
        assert one.origin is not None
        assert 1 <= one.origin.line <= len(lines)
        assert 1 <= one.origin.column <= len(lines[one.origin.line - 1]) + 1
        assert not one.message.endswith((".", "!"))
        if one.code not in ("S211", "Y110"):
            assert one.excerpt == lines[one.origin.line - 1]
            assert one.origin.column - 1 + one.mark <= len(one.excerpt)


def test_a_plain_password_is_never_shown() -> None:
    (path,) = [one for one in FILES if one.name.startswith("S211")]
    for one in findings_of(path):
        assert "hunter2" not in repr(one)


def test_every_emitted_code_has_a_page_and_a_case() -> None:
    import re

    room = Path(__file__).parents[3] / "engine" / "language"
    texts = {
        one.name: one.read_text(encoding="utf-8")
        for one in room.glob("*.py")
        if one.name not in ("codes.py", "triage.py")
    }
    emitted = {code for text in texts.values() for code in re.findall(r'"([YSER]\d{3})"', text)}
    assert emitted <= set(EXPLANATIONS)
    elsewhere = {
        "E304",
        "E307",
        "E308",
        "R402",
        "R403",
        "R404",
        "R405",
        "R408",
    }  # test_language_types, _hosts, _inventory
    assert emitted - elsewhere == {one.name.split(".")[0] for one in FILES}
    for code, page in EXPLANATIONS.items():
        assert len(page) > 60, code
