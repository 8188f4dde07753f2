"""Between the upgrades of two servers a baseline is amended: new versions of the one, all else as recorded."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.app import documents
from engine.app.baseline import judged, write
from engine.app.baseline_amend import amend
from engine.model.errors import UsageMistake

OLD, NEW = "7.5.1561.0", "7.5.2905.0"
DOCUMENT: dict[str, Any] = {
    "schema": "baseline/v1",
    "recorded_at": "2013-02-02T18:04:00Z",
    "recorded_by": "kim",
    "run": "2013-02-02-a1b2c3",
    "hosts": {
        "SM01": {"role": "management-server", "versions": {"binaries": OLD, "management_packs": OLD}},
        "DW01": {
            "role": "data-warehouse-server",
            "job_schedules": ["MPSyncJob"],
            "versions": {"binaries": OLD, "management_packs": OLD},
            "database_names": {"staging": {"server": "SQL02", "name": "DWStagingAndConfig"}},
        },
        "SQL01": {"role": "sql-server", "versions": {"databases": {"ServiceManager": OLD, "DWDataMart": OLD}}},
        "SQL02": {
            "role": "sql-server",
            "versions": {"databases": {"dwstagingandconfig": OLD}, "management_packs": OLD},
        },
    },
}


def amended(place: Path, server: str = "DW01", version: str = NEW, *databases: str) -> Any:
    file = write(DOCUMENT, place, place)
    out = place / "after.yaml"
    amend(file, server, version, databases, out, place, by="ann", at="2013-02-03T10:00:00Z")
    return documents.baseline(str(out), "")


def test_the_server_and_its_databases_wherever_they_are_have_the_new_version(tmp_path: Path) -> None:
    found = amended(tmp_path, "DW01", NEW, "DWDataMart")
    hosts, before = found["hosts"], json.loads(json.dumps(DOCUMENT["hosts"]))
    before["DW01"]["versions"] = {"binaries": NEW, "management_packs": NEW}
    before["SQL01"]["versions"]["databases"]["DWDataMart"] = NEW
    before["SQL02"]["versions"] = {"databases": {"dwstagingandconfig": NEW}, "management_packs": NEW}
    assert hosts == before
    assert found["recorded_at"] == DOCUMENT["recorded_at"]
    assert "amended at 2013-02-03T10:00:00Z by ann: the upgrade of DW01" in "\n".join(
        judged(tmp_path / "after.yaml", tmp_path)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("DW02", NEW), "knows no host DW02"),
        (("SM01", NEW), "no database of SM01"),
        (("DW01", "seven"), "seven is no version"),
        (("DW01", NEW, "Elsewhere"), "no version of elsewhere"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageMistake, match=message):
        amended(tmp_path, *arguments)
    assert not (tmp_path / "after.yaml").exists()


def test_no_file_is_overwritten_and_no_altered_one_is_amended(tmp_path: Path) -> None:
    amended(tmp_path)
    with pytest.raises(UsageMistake, match="is there already"):
        amended(tmp_path)
    file = write(DOCUMENT, tmp_path, tmp_path)
    file.write_text(file.read_text().replace("kim", "eve"))
    with pytest.raises(UsageMistake, match="changed after it was signed"):
        amend(file, "DW01", NEW, (), tmp_path / "b.yaml", tmp_path, by="ann", at="2013-02-03T10:00:00Z")
