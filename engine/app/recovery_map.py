"""Use case: the map of all recovery ways, read from the triage's table and the runbooks beside it.

``python -m engine.app.recovery_map FOLDER`` writes ``recovery-map.md`` and ``recovery-map.svg``.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from engine.app import documents
from engine.app.children import ACTION
from engine.app.triage import triage_spec
from engine.app.wiring import catalogue
from engine.model.packaged import root
from engine.model.runbook import RunbookSpec, StepSpec
from engine.model.status import Effect
from engine.model.triage import AllOf, Row
from engine.planning.effects import nature
from engine.planning.waypoints import required
from engine.reporting.recovery_map import MapRow, MapRunbook, MapStep, RecoveryMap, markdown
from engine.reporting.recovery_map_svg import svg


def recovery_map() -> RecoveryMap:
    """The shipped triage and runbooks as a map."""
    triage = triage_spec()
    by_id: dict[str, list[Row]] = {}
    for row in triage.rows:
        by_id.setdefault(row.id, []).append(row)
    rows = tuple(_row(name, group, triage.phases) for name, group in by_id.items())
    folder = root("runbooks") / "service-manager"
    files = sorted(path for path in folder.glob("*.yaml") if path.name != "triage.yaml")
    names = tuple(path.stem for path in files)
    return RecoveryMap(rows=rows, runbooks=tuple(_runbook(documents.runbook(str(path)).spec, names) for path in files))


def _row(name: str, group: Sequence[Row], phases: Mapping[str, str]) -> MapRow:
    """The cases of one row of the table together; what to do next is that of the case which always holds, if any."""
    usual = next((one for one in group if one.when == AllOf(parts=())), group[0])
    return MapRow(
        id=name,
        title=group[0].title,
        phases=tuple(dict.fromkeys(phases.get(one.verdict, one.verdict) for one in group)),
        runbooks=tuple(dict.fromkeys(Path(one.runbook).stem for one in group if one.runbook)),
        next=" ".join(usual.next.split()),
    )


def _runbook(spec: RunbookSpec, names: Sequence[str]) -> MapRunbook:
    words = {one.strip(".,:;") for one in spec.purpose.split()}
    named = tuple(name for name in names if name in words and name != spec.name)
    return MapRunbook(name=spec.name, title=spec.title, steps=tuple(_steps(spec)), named=named)


def _steps(spec: RunbookSpec) -> Iterator[MapStep]:
    for step in spec.steps:
        yield MapStep(
            id=step.id,
            name=step.name,
            effect=_effect(step).value,
            requires=tuple(str(one) for one in required(step, catalogue().actions[step.action].info)),
            runs=name if step.action == ACTION and isinstance(name := step.args.get("name"), str) else None,
        )


def _effect(step: StepSpec) -> Effect:
    return nature(step, catalogue().actions[step.action].info).effect


def write(folder: Path) -> None:
    """Both files, into a folder that is there."""
    found = recovery_map()
    (folder / "recovery-map.md").write_text(markdown(found), encoding="utf-8")
    (folder / "recovery-map.svg").write_text(svg(found), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
