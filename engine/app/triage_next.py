"""The commands of a triage's answer, as they are typed: with inventory, baseline and time as given."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.app import documents
from engine.app.request import PlanRequest, run_command
from engine.evidence.stamps import iso
from engine.model.errors import EngineError
from engine.model.triage import TriageResult, Upgrade

PLACEHOLDER = "INVENTORY"
STARTED = "upgrade_started_at"


def ready(
    result: TriageResult, *, inventory: str = PLACEHOLDER, baseline: str | None = None, state: Path | None = None
) -> TriageResult:
    """The answer with every run as it has to be typed."""

    def exact(sentence: str) -> str:
        command, placeholder, rest = sentence.partition(f" -i {PLACEHOLDER}")
        if not placeholder or rest or not command.startswith("runbook run "):
            return sentence
        name = command.removeprefix("runbook run ")
        params = _params(name, result.upgrade)
        source = PlanRequest(runbook=name, inventory=inventory, params=params, baseline=baseline)
        return run_command(source, state=state)

    ways = tuple(exact(one) for one in result.next)
    packed = inventory == PLACEHOLDER and result.baseline_file is not None and baseline is None
    if packed and any(one.startswith("runbook run ") for one in ways):
        ways = (f"Unpack {result.baseline_file}, and add --baseline FILE to the command.", *ways)
    return replace(result, next=ways)


def brought_baseline(result: TriageResult, paths: Sequence[str | Path]) -> str | None:
    """The file of the baseline that was brought, where it is one that a run can be given."""
    if result.baseline_file is None:
        return None
    for one in map(Path, paths):
        if one.is_file() and result.baseline_file in (one.as_posix(), one.name if len(paths) == 1 else ""):
            return str(one)
        for path in (one / result.baseline_file, one.parent / result.baseline_file):
            if one.is_dir() and path.is_file():
                return str(path)
    return None


def _params(name: str, upgrade: Upgrade) -> tuple[str, ...]:
    """The start of the upgrade, where the runbook asks for it and it is known."""
    if upgrade.started_at is None:
        return ()
    try:
        asked = STARTED in documents.runbook(name).spec.params
    except EngineError:
        return ()
    return (f"{STARTED}={iso(upgrade.started_at, upgrade.offset_s or 0)}",) if asked else ()
