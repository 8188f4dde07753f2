"""The checks of this machine, where it is not fit."""

import shutil
import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.app import doctor
from engine.app.doctor import Health, machine
from engine.app.doctor_certificate import days_left


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def check(state: Path, name: str) -> doctor.Check:
    return next(one for one in machine(state) if one.name == name)


def test_a_fit_machine(tmp_path: Path) -> None:
    assert {one.health for one in machine(tmp_path)} <= {Health.OK, Health.WARNING}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("free", "health"), [(1 << 20, Health.FAILED), (1 << 29, Health.WARNING), (1 << 31, Health.OK)]
)
def test_space(free: int, health: Health, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 40, 0, free))
    found = check(tmp_path / "not" / "there", "space")
    assert found.health is health
    assert (found.remedy is None) is (health is Health.OK)


def test_old_parts_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 7, 17))
    monkeypatch.setattr(doctor, "PACKAGES", (*doctor.PACKAGES, "no-such-package-here"))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    failed = {one.name: one for one in machine(tmp_path) if one.health is Health.FAILED}
    assert set(failed) == {"sqlite", "packages", "clock"}
    assert "no-such-package-here" in failed["packages"].says
    assert all(one.remedy for one in failed.values())


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:5985/wsman", "127.0.0.1:22", "https://127.0.0.1:1/wsman", ""])
def test_no_certificate_no_days(endpoint: str) -> None:
    assert days_left(endpoint, 0.0) is None
