"""The recovery map in docs is what the triage and the runbooks say today."""

from pathlib import Path
from xml.etree import ElementTree

from engine.app.recovery_map import recovery_map
from engine.reporting.recovery_map import MapRow, MapRunbook, MapStep, RecoveryMap, markdown, svg

DOCS = Path(__file__).resolve().parents[3] / "docs"
REMEDY = "make it again: python -m engine.app.recovery_map docs"


def test_the_map_is_up_to_date() -> None:
    found = recovery_map()
    assert (DOCS / "recovery-map.md").read_text(encoding="utf-8") == markdown(found), REMEDY
    assert (DOCS / "recovery-map.svg").read_text(encoding="utf-8") == svg(found), REMEDY


def test_the_point_of_no_return_and_its_proofs_are_told() -> None:
    look = MapStep(id="look", name="Look", effect="observe", requires=())
    drop = MapStep(id="drop", name="Drop <it>", effect="permanent", requires=("backup(estate)",))
    runbook = MapRunbook(name="lose", title="Lose & win", steps=(look, drop))
    row = MapRow(id="D1", title="a < b", phase="worst", runbook="lose")
    found = RecoveryMap(rows=(row,), runbooks=(runbook,))
    assert "Point of no return: drop (Drop <it>)" in markdown(found)
    assert "| `drop` | Drop <it> | permanent | `backup(estate)` |" in markdown(found)
    words = "".join(ElementTree.fromstring(svg(found)).itertext())
    assert "drop: backup(estate)" in words
