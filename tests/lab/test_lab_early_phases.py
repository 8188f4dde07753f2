"""The runbooks of the early phases on every estate of the lab: each cures its own, and changes nothing on the others.

How each way through them ends is in their scenarios.
"""

import json
from pathlib import Path

import pytest

from engine.app.scenario import rehearse
from engine.app.scenario_find import load
from engine.lab.estate import RTM, SP1, VARIANTS, Estate, build_estate
from engine.model.data import JsonMap
from engine.model.packaged import root

RUNBOOKS = root("runbooks") / "service-manager"
CURES = {
    "prerequisite-check-failed": "prerequisite-failed",
    "predicted-check-failed": "check-failed",
    "failed-before-permanent-changes": "scripts-failed",
}


def versions(estate: Estate) -> dict[str, dict[str, str | None]]:
    """Binaries of the servers and versions of the databases."""
    found: dict[str, dict[str, str | None]] = {}
    for name, product in estate.products.items():
        files = {path: estate.machines[name].files.get(path) for path in product.files_of_build()}
        found[name] = {path: file.version if file else None for path, file in files.items()}
        found.setdefault(product.sql.name, {}).update({one.name: one.product_version for one in product.databases})
    return found


def upgraded(estate: Estate) -> dict[str, dict[str, str | None]]:
    """The same once the upgrade at stake is complete."""
    found = versions(estate)
    for name in (estate.wizard.machine.name, estate.wizard.product.sql.name):
        found[name] = dict.fromkeys(found[name], SP1)
    return found


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("runbook", CURES)
def test_it_cures_its_own_estate_and_changes_no_other(runbook: str, name: str, tmp_path: Path) -> None:
    estate, cured = build_estate(name), CURES[runbook] == name
    after = upgraded(estate) if cured and runbook != "prerequisite-check-failed" else versions(estate)
    expect: JsonMap = {"machines": {host: {"versions": found} for host, found in after.items()}}
    path = tmp_path / "one.yaml"
    path.write_text(
        f"schema: scenario/v1\nname: one\ntitle: One\nestate: {name}\nexpect: {json.dumps(expect)}\n"
        f"runbook: {(RUNBOOKS / f'{runbook}.yaml').absolute().as_posix()}\n"
    )
    result = rehearse(load(path))
    assert result.missed == ()
    assert (result.exit_code == 0) == cured, result.summary


def test_the_lab_s_versions_are_told_apart() -> None:
    before, after = versions(build_estate("healthy")), versions(build_estate("upgraded"))
    assert {one for found in before.values() for one in found.values()} == {RTM}
    assert {host for host in before if before[host] != after[host]} == {"SM01", "SQL01"}
