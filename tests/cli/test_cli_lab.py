"""``runbook lab up``: what is typed while it is up; a slip does not take the estate down."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from command_line import environment

from engine.lab.faults import Faults

LINES = """help
fault SM01
fault SM01 delay_s=0.5 returns_from_reboot=false
fault SM09 refuse=true
fault SM01 refuse=yes
fault SM01 nope=1
state
quit
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    state = tmp_path_factory.mktemp("lab") / "state"
    done = subprocess.run(
        [sys.executable, "-m", "engine", "lab", "up", "--state", str(state)],
        input=LINES, capture_output=True, text=True, timeout=120, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr


def test_a_slip_is_told_and_the_lab_stays_up(told: str) -> None:
    slips = ("no host named SM09", "refuse is true or false, not 'yes'", "no fault named 'nope'")
    places = [told.index(one) for one in slips]
    assert max(places) < told.index("SM01: up") < told.index("the lab is down")


def test_troubles_are_listed_as_they_are(told: str) -> None:
    assert re.search(r"^delay_s +0.0$", told, re.MULTILINE)
    assert re.search(r"^delay_s +0.5$", told, re.MULTILINE)
    assert re.search(r"^returns_from_reboot +false$", told, re.MULTILINE)


def test_the_guide_names_every_trouble() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert {one.name for one in fields(Faults)} <= set(re.findall(r"`(\w+)=", page))
