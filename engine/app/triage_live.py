"""Use case: triage the live estate: collect an evidence folder by looks alone, then read it like any other.

What a host did not give is kept in the folder. One reader means one answer, now and whenever the folder is read again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.app import documents
from engine.app.clock import SystemClock
from engine.app.collect import collect
from engine.app.inventory import selected
from engine.app.triage import triage_evidence, triage_spec
from engine.app.triage_next import ready
from engine.app.triage_told import told, with_looks
from engine.app.wiring import STATE_FOLDER, state_option
from engine.evidence.writer import make_ready, refuse_names, write_evidence
from engine.model.command_line import command_line
from engine.model.triage import TriageResult


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
    state: Path = Path(STATE_FOLDER)


def fresh_folder(state: Path) -> Path:
    """A new folder for the evidence of this moment, in the state folder."""
    moment = datetime.fromtimestamp(SystemClock().now(), UTC).strftime("%Y-%m-%d_%H.%M.%S.%f")
    return state / "evidence" / moment


def triage_live(request: LiveRequest, say: Callable[[str], None]) -> TriageResult:
    """Collect into ``request.folder`` and judge what is there; all that was asked for is checked before that."""
    table = triage_spec(request.table)
    known = told(request.upgrade, request.answers)
    inventory = documents.inventory(request.inventory)
    hosts = [inventory.hosts[name] for name in selected(inventory, request.limit)]
    refuse_names(one.name for one in hosts)
    # One that was altered is written into the folder as it is: whoever reads it there, now or later, is told.
    baseline = documents.baseline(request.baseline, request.inventory, altered=True)
    make_ready(request.folder)
    found = collect(hosts, request.forks, say)
    write_evidence(
        request.folder,
        [one.evidence() for one in found],
        collected_at=SystemClock().now(),
        upgrade=known.upgrade,
        answers=with_looks(known.answers, found),
        baseline=baseline,
    )
    result = triage_evidence([request.folder], table)
    return ready(result, inventory=request.inventory, baseline=request.baseline, state=request.state)


def triage_command(request: LiveRequest) -> str:
    """The command that asks the same, to be typed as it stands; its evidence goes into a folder of its own."""
    known = request.upgrade
    options = [("-i", request.inventory), ("-l", request.limit), ("--baseline", request.baseline)]
    options += [("--answer", f"{name}={value}") for name, value in request.answers.items()]
    options += [("--from", known.get("from")), ("--to", known.get("to")), ("--started-at", known.get("started_at"))]
    options += [("--table", request.table)]
    words = [word for name, value in options if value for word in (name, value)]
    return command_line("runbook", "triage", *words) + state_option(request.state)
