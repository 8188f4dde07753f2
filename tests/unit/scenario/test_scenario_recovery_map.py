"""The recovery map in docs is what the triage and the runbooks say today."""

import re
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
    assert f"**Point of no return: Drop <it>.** Before it stand: {told}." in text
    assert "| `drop` | Drop <it> | permanent | `backup-verified(a)`, `backup-verified(b)`, " in text
    assert "It runs [check](#check)." in text
    assert "  * [lose](#lose): Lose & win (no way back after: Drop <it>)" in text
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
    assert drawn.index("Before an upgrade") < drawn.index("readiness") < drawn.index("In place of these")
    assert svg(found).count('fill="none"') == 3
    assert svg(found).count("stroke-dasharray") == 2, "of a row that leads to several, and of no other"


def test_what_a_purpose_speaks_of_is_pointed_to() -> None:
    row = MapRow(id="D1", title="t", phases=("p",), runbooks=("long",))
    long = MapRunbook(name="long", title="t", steps=(LOOK, CALL), named=("check", "short"))
    found = RecoveryMap(rows=(row,), runbooks=(long, runbook("short", LOOK)))
    assert "See also [short](#short)." in markdown(found)
    assert "runs check see also short" in words(found)
    shipped = {one.name: one.see for one in recovery_map().runbooks}
    assert shipped["management-server-recovery"] == ("promote-management-server",)
    assert shipped["database-recovery"] == ("undo-database-recovery",)
    assert shipped["warehouse-database-recovery"] == ("undo-warehouse-database-recovery",)


def test_a_row_without_a_runbook_says_what_to_do_in_both() -> None:
    row = MapRow(id="D9", title="nothing known", phases=("undetermined",), runbooks=())
    found = RecoveryMap(rows=(row,), runbooks=())
    todo = "Collect more evidence, then run the triage again."
    assert f"| undetermined | {todo} |" in markdown(found)
    assert todo in words(found)
    assert "## After a failed upgrade" not in markdown(found), "no heading over nothing"


def test_every_box_keeps_within_the_sheet() -> None:
    picture = ElementTree.fromstring(svg(recovery_map()))
    wide, high = (int(picture.attrib[one]) for one in ("width", "height"))
    boxes = [one.attrib for one in picture.iter("{http://www.w3.org/2000/svg}rect") if "x" in one.attrib]
    assert len(boxes) > len(recovery_map().runbooks)
    assert all(int(one["x"]) + int(one["width"]) <= wide for one in boxes)
    assert all(int(one["y"]) + int(one["height"]) <= high for one in boxes)
    assert wide > high, "it is printed across"


def test_every_link_of_the_page_leads_to_a_heading_of_it() -> None:
    text = markdown(recovery_map())
    headings = {
        line.lstrip("# ").lower().replace(",", "").replace(" ", "-") for line in text.split("\n") if "##" in line
    }
    assert set(re.findall(r"\(#([^)]+)\)", text)) <= headings
