"""Use cases around a baseline: write the one that a run recorded, signed, and judge one that somebody gives.

A document whose signature does not fit its content is refused; one without a signature was written by hand and is
taken, with a note. Whose key it was is told by its fingerprint.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from engine.app import documents
from engine.app.baseline_amend import told
from engine.app.baseline_signing import check, own_fingerprint, signed
from engine.app.wiring import write_text
from engine.language.load import load_baseline
from engine.model.data import JsonMap, JsonValue
from engine.model.diagnostic import has_errors
from engine.model.event import RunEvent, StepRunEnded
from engine.model.plan import Plan
from engine.model.report import ReportBaseline
from engine.model.status import Status

ACTION = "service_manager.baseline"
FILE = "baseline.yaml"
_SHOWN = 16


def recorded(plan: Plan, events: Iterable[RunEvent], run_id: str, operator: str) -> JsonMap | None:
    """The baseline that the run recorded last, with when, by whom and in which run; None if it recorded none."""
    steps = {one.id for one in plan.steps if one.action == ACTION}
    ended = [one for one in events if isinstance(one, StepRunEnded) and one.step in steps and one.status is Status.OK]
    if not ended or not isinstance(ended[-1].result.get("document"), Mapping):
        return None
    document = ended[-1].result["document"]
    assert isinstance(document, Mapping)
    return {**document, "recorded_at": _iso(ended[-1].at), "recorded_by": operator, "run": run_id}


def write(document: JsonMap, folder: Path, state: Path) -> Path:
    """Sign the document and write it into the run's folder, whole or not at all. It is valid, or nothing is written."""
    text = json.dumps(signed(document, state, str(document["recorded_at"])), indent=1) + "\n"
    path = folder / FILE
    _, found = load_baseline(text, str(path))
    if has_errors(found):
        raise AssertionError(f"the action {ACTION} made a document that is no baseline: {found[0].message}")
    fresh = folder / f".{FILE}"
    write_text(fresh, text)
    fresh.replace(path)
    return path


def notes(document: JsonValue, state: Path) -> tuple[str, ...]:
    """What a person has to know about a baseline that was taken: that nobody signed it, or that a stranger did."""
    if not isinstance(document, Mapping):
        return ()
    if "signature" not in document:
        return ("the baseline has no signature: it is taken as somebody wrote it",)
    found = check(document)
    own = own_fingerprint(state)
    if found is None or found.fingerprint == own:
        return ()
    return (f"the baseline was signed by another jump host, with the key {found.fingerprint[:_SHOWN]}",)


def used(document: JsonValue, file: str) -> ReportBaseline | None:
    """The baseline of a plan, for the report; None where the plan has none."""
    if not isinstance(document, Mapping):
        return None
    found = check(document)
    return ReportBaseline(
        file=file,
        recorded_at=_text(document, "recorded_at"),
        recorded_by=_text(document, "recorded_by"),
        signed_at=found.signed_at if found and found.fits else None,
        signed_by=found.fingerprint if found and found.fits else None,
    )


def _text(document: JsonMap, name: str) -> str | None:
    return str(document[name]) if name in document else None


def judged(path: Path, state: Path) -> tuple[str, ...]:
    """What is to be said of a baseline's file: who signed it, of what it speaks. Refused if it was changed."""
    document = documents.baseline(str(path), "")
    assert isinstance(document, Mapping)
    found = check(document)
    hosts = document["hosts"]
    assert isinstance(hosts, Mapping)
    lines = [f"{path} describes {len(hosts)} host{'' if len(hosts) == 1 else 's'}: {', '.join(sorted(hosts))}"]
    if "recorded_at" in document:
        lines.append(f"recorded at {document['recorded_at']} by {document.get('recorded_by', 'nobody that it names')}")
    lines.extend(told(document))
    if found is not None:
        lines.append(f"signed at {found.signed_at} with the key {found.fingerprint}, and unchanged since")
    return (*lines, *notes(document, state))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
