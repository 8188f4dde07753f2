"""The guide to writing runbooks: what it shows is valid, can be rehearsed, and names all that the language has."""

import json
import re
from pathlib import Path

import pytest
import yaml

from engine.cli.main import run
from engine.language.syntax import FILTERS, TESTS, Tree, parse
from engine.model.packaged import root

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "runbooks.md").read_text(encoding="utf-8")
DOCUMENTS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The runbook of the guide, with its scenarios beside it."""
    (tmp_path / "scenarios").mkdir()
    for text in DOCUMENTS:
        document = yaml.safe_load(text)
        folder = tmp_path / "scenarios" if document["schema"] == "scenario/v1" else tmp_path
        (folder / f"{document['name']}.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "start-data-access.yaml"


def test_nothing_is_to_be_said_of_its_runbook(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(written)]) == 0
    assert capsys.readouterr().out == "1 document valid\n"


def test_its_scenarios_take_every_branch(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(written), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["scenarios"]) == len(DOCUMENTS) - 1
    (covered,) = told["coverage"]
    assert (covered["steps_missed"], covered["branches_missed"]) == ([], [])


def test_its_conditions_are_conditions() -> None:
    shown = [yaml.safe_load(line)["when"] for line in re.findall(r"^ +(when: .*)$", PAGE, re.MULTILINE)]
    assert len(shown) > 2
    assert all(isinstance(parse(one), Tree) for one in shown)


def test_it_names_every_filter_every_test_and_every_key_of_a_step() -> None:
    words = set(re.findall(r"\w+", PAGE))
    schema = json.loads((root("schemas") / "runbook.schema.json").read_text(encoding="utf-8"))
    wanted = {*FILTERS, *TESTS, *schema["$defs"]["step"]["properties"], *schema["properties"]}
    assert wanted - words - {"phase", "applies_to"} == set()
