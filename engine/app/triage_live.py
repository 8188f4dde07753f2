"""Use case: triage the live estate: collect an evidence folder by looks alone, then read it like any other.

What a host did not give is told beside what the folder lacks. One reader means one answer, whichever way evidence came.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.app import collect_files, documents
from engine.app.clock import SystemClock
from engine.app.collect import HostEvidence, collect
from engine.app.inventory import selected
from engine.app.triage import triage_evidence, triage_spec
from engine.model.errors import UsageMistake
from engine.model.triage import Missing, TriageResult

CHOICES = {"retry_button": ("yes", "no", "unknown"), "setup_running": ("yes", "no", "unknown")}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """Where to look and what a person knows. ``upgrade`` has ``from``, ``to``, ``started_at``, each optional."""

    inventory: str
    folder: Path
    limit: str | None = None
    baseline: str | None = None
    forks: int = 10
    answers: Mapping[str, str] = field(default_factory=dict)
    upgrade: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None


def fresh_folder(state: Path) -> Path:
    """A new folder for the evidence of this moment, in the state folder."""
    moment = datetime.fromtimestamp(SystemClock().now(), UTC).strftime("%Y-%m-%d_%H.%M.%S.%f")
    return state / "evidence" / moment


def triage_live(request: LiveRequest, say: Callable[[str], None]) -> TriageResult:
    """Collect into ``request.folder`` and judge what is there."""
    table = triage_spec(request.table)
    _answers(request.answers, ())  # what cannot be understood is told before any host is contacted
    inventory = documents.inventory(request.inventory)
    hosts = [inventory.hosts[name] for name in selected(inventory, request.limit)]
    baseline = documents.baseline(request.baseline, request.inventory)
    collect_files.refuse_used(request.folder)
    found = collect(hosts, request.forks, say)
    evidence = {
        "collected_at": datetime.fromtimestamp(SystemClock().now(), UTC).isoformat(timespec="seconds"),
        "answers": _answers(request.answers, found),
        **({"upgrade": dict(request.upgrade)} if request.upgrade else {}),
    }
    collect_files.write(request.folder, found, evidence, baseline)
    result = triage_evidence([request.folder], table)
    onward = tuple(sentence.replace("-i INVENTORY", f"-i {request.inventory}") for sentence in result.next)
    return replace(result, missing=tuple(_gaps(found)) + result.missing, next=onward)


def _gaps(found: Iterable[HostEvidence]) -> Iterable[Missing]:
    for host in found:
        yield from host.missing


def _answers(given: Mapping[str, str], found: Sequence[HostEvidence]) -> dict[str, Any]:
    """What a person said, and whether setup runs anywhere; unknown unless every server that may run setup told."""
    answers: dict[str, Any] = {}
    for name, value in given.items():
        if name == "exit_code":
            answers[name] = _whole(value)
        elif name == "prerequisite_page":
            answers[name] = [value]
        elif name not in CHOICES or value not in CHOICES[name]:
            known = ", ".join((*CHOICES, "exit_code", "prerequisite_page"))
            raise UsageMistake(f"`{name}={value}` answers nothing", remedy=f"known: {known}; yes, no or unknown")
        else:
            answers[name] = value
    if "setup_running" not in answers:
        looks = [one.setup_running for one in found if one.role != "sql-server"]
        quiet = bool(looks) and None not in looks
        answers["setup_running"] = "yes" if any(looks) else "no" if quiet else "unknown"
    return answers


def _whole(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise UsageMistake(f"`exit_code={value}` is no exit code", remedy="write a whole number, as -16") from None
