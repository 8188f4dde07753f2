"""The recovery map in docs is what the triage and the runbooks say today."""

from pathlib import Path
from xml.etree import ElementTree

from engine.app.recovery_map import recovery_map
from engine.reporting.recovery_map import MapRow, MapRunbook, MapStep, RecoveryMap, markdown
from engine.reporting.recovery_map_svg import svg

DOCS = Path(__file__).resolve().parents[3] / "docs"
REMEDY = "make it again: python -m engine.app.recovery_map docs"


def test_the_map_is_up_to_date() -> None:
    found = recovery_map()
    assert (DOCS / "recovery-map.md").read_text(encoding="utf-8") == markdown(found), REMEDY
    assert (DOCS / "recovery-map.svg").read_text(encoding="utf-8") == svg(found), REMEDY


LOOK = MapStep(id="look", name="Look", effect="observe", requires=())
DROP = MapStep(
    id="drop",
    name="Drop <it>",
    effect="permanent",
    requires=("backup-verified(a)", "backup-verified(b)", "approval(operator)", "odd-thing(x)"),
)
CALL = MapStep(id="call", name="Call", effect="reversible", requires=(), runs="check")


def runbook(name: str, *steps: MapStep) -> MapRunbook:
    return MapRunbook(name=name, title="Lose & win", steps=steps)


def words(found: RecoveryMap) -> str:
    return " ".join("".join(ElementTree.fromstring(svg(found)).itertext()).split())


def test_the_point_of_no_return_and_its_proofs_are_told() -> None:
    row = MapRow(id="D1", title="a < b", phases=("worst",), runbooks=("lose",))
    found = RecoveryMap(rows=(row,), runbooks=(runbook("lose", LOOK, DROP, CALL),))
    told = "backups read to their end, an approval, odd thing"
    text = markdown(found)
    assert f"Point of no return: Drop <it>. Before it stand: {told}." in text
    assert "| `drop` | Drop <it> | permanent | `backup-verified(a)`, `backup-verified(b)`, " in text
    assert "It runs [check](#check)." in text
    assert f"NO WAY BACK AFTER: Drop <it> before it stand: {told} runs check" in words(found)


def test_runbooks_stand_in_the_order_of_the_rows_and_the_others_in_bands() -> None:
    rows = (
        MapRow(id="D1", title="t", phases=("p",), runbooks=("late", "early")),
        MapRow(id="D2", title="t", phases=("p", "q"), runbooks=("late",)),
        MapRow(id="D3", title="t", phases=("p",), runbooks=(), next="Wait."),
    )
    names = ("check-backups", "early", "late", "readiness", "verify")
    found = RecoveryMap(rows=rows, runbooks=tuple(runbook(name, LOOK) for name in names))
    assert [one.name for one in found.led_to] == ["early", "late"]
    assert [one.name for one in found.before] == ["readiness", "check-backups"]
    assert [one.name for one in found.others] == ["verify"]
    assert "| D3 | t | p | Wait. |" in markdown(found)
    drawn = words(found)
    assert drawn.index("Before an upgrade") < drawn.index("readiness") < drawn.index("Run by others")
    assert svg(found).count('fill="none"') == 3
