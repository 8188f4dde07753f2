"""Use case: rehearse a runbook on the simulated estate, in lab time and without sockets, and compare the end.

The same plan, conductor, driver and journal as ``runbook run``; only clock, connections and people are the lab's.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path

from engine import __version__
from engine.app import plan as planning
from engine.app import wiring
from engine.app.children import request_of
from engine.app.lab import groups_of
from engine.app.nested import paid
from engine.app.request import PlanRequest
from engine.app.scenario_check import misses, owed_misses, unknown_steps
from engine.app.scenario_situation import arrange
from engine.app.scenario_time import LabLanes, LabStop, LabTime
from engine.conduct.conductor import Conductor
from engine.conduct.state import RunState, initial
from engine.execute.driver import Driver
from engine.execute.messages import Interrupts, Stopped
from engine.lab.direct import LabConnection
from engine.lab.estate import VARIANTS, Estate, build_estate, variant
from engine.lab.faults import Faults
from engine.language.scenario import NOBODY, TRUTH, ScenarioSpec
from engine.model import event as ev
from engine.model.command import RunRunbook
from engine.model.data import JsonMap
from engine.model.errors import DocumentsRejected, EngineError, UsageMistake
from engine.model.exit_code import ExitCode
from engine.model.plan import Plan
from engine.model.result import CommandResult
from engine.planning.plan_json import plan_to_json
from engine.ports.edges import PersonAnswer
from engine.ports.journal import JournalStore, OwedRecord, RunRecord

BY = "the rehearsal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """One run of a rehearsal: its plan and how it stood at the end."""

    plan: Plan
    state: RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """What came of one scenario; it passed if nothing was missed. ``runs`` has the run and those that it asked for."""

    spec: ScenarioSpec
    exit_code: int
    summary: str
    missed: tuple[str, ...]
    runs: tuple[Rehearsed, ...]
    owed: tuple[OwedRecord, ...]
    lab_s: float


def rehearse(spec: ScenarioSpec) -> ScenarioResult:
    """Run one scenario to its end, and say what was not as expected."""
    stage = _stage(spec)
    started = stage.estate.clock.now()
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=_memory()) as name:
        try:
            stopped = stage.play(Path(name))
        except DocumentsRejected as rejected:
            first = next(one.message for one in rejected.diagnostics if one.severity == "error")
            stopped = Stopped(exit_code=int(rejected.exit_code), reason=first)
        except EngineError as failure:
            stopped = Stopped(exit_code=int(failure.exit_code), reason=failure.message)
    runs = tuple(stage.runs)
    last = runs[-1].state if runs else None
    return ScenarioResult(
        spec=spec,
        exit_code=stopped.exit_code,
        summary=stopped.reason,
        missed=(
            *misses(spec.expect, stopped, last, stage.estate, stage.contacted),
            *owed_misses(spec.expect, stage.owed),
            *unknown_steps(spec, [one.plan for one in runs]),
        ),
        runs=runs,
        owed=stage.owed,
        lab_s=stage.estate.clock.now() - started,
    )


def _memory() -> str | None:
    """A folder in memory where the system has one: what a rehearsal writes is gone a moment later anyway."""
    folder = Path("/dev/shm")  # noqa: S108 - a fresh folder of our own is made in it
    return str(folder) if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) else None


def _stage(spec: ScenarioSpec) -> "Stage":
    if spec.estate not in VARIANTS:
        message = f"{spec.file}: the lab knows no estate {spec.estate}"
        raise UsageMistake(message, remedy=f"one of: {', '.join(VARIANTS)}")
    try:
        estate = build_estate(variant(spec.estate, **spec.changes))
    except TypeError as unknown:
        raise UsageMistake(f"{spec.file}: an estate has no such setting: {unknown}") from unknown
    stage = Stage(spec=spec, estate=estate)
    known = {one.name for one in fields(Faults)}
    arrange(estate, spec.situation, spec.file)
    arrange(estate, spec.faults, spec.file)
    for host, troubles in spec.faults.items():
        stage.faults[host].change({key: value for key, value in troubles.items() if key in known})
        estate.machines[host].returns_from_reboot = bool(troubles.get("returns_from_reboot", True))
    return stage


@dataclass(slots=True, kw_only=True)
class Stage:
    """An estate with its faults, and the people of one scenario."""

    spec: ScenarioSpec
    estate: Estate
    faults: Mapping[str, Faults] = field(init=False)
    contacted: set[str] = field(default_factory=set)
    runs: list[Rehearsed] = field(default_factory=list)
    owed: tuple[OwedRecord, ...] = ()

    def __post_init__(self) -> None:
        self.faults = {name: Faults() for name in self.estate.machines}

    def play(self, folder: Path) -> Stopped:
        """Plan and run the scenario's runbook."""
        inventory, baseline = folder / "inventory.yaml", folder / "baseline.yaml"
        inventory.write_text(json.dumps(_inventory(self.estate)), encoding="utf-8")
        if self.spec.baseline:
            baseline.write_text(json.dumps(self.estate.baseline_document()), encoding="utf-8")
        runbook = Path(self.spec.file).parent / self.spec.runbook
        source = PlanRequest(
            runbook=str(runbook),
            inventory=str(inventory),
            params=(json.dumps(dict(self.spec.params)),),
        )
        with closing(wiring.open_journal(folder)) as journal:
            stopped = self._run(planning.make(source).plan, journal, folder, "rehearsal")
            self.owed = tuple(journal.owed())
            return stopped

    def _run(self, plan: Plan, journal: JournalStore, folder: Path, run_id: str) -> Stopped:
        clock = LabTime(self.estate.clock)
        record = RunRecord(
            run_id=run_id,
            runbook=plan.runbook,
            version=plan.version,
            plan_digest=plan.digest,
            operator=BY,
            status="running",
            started_at=clock.now(),
            ended_at=None,
            hosts=plan.hosts if run_id == "rehearsal" else (),
            folder=str(folder),
        )
        driver = Driver(
            conductor=Conductor(plan=plan, forks=1),
            state=initial(plan),
            actions=wiring.catalogue().actions,
            journal=journal,
            lease=journal.create(record, {"plan": plan_to_json(plan)}, BY),
            evidence=wiring.evidence_store(wiring.make_folder(folder / run_id)),
            lanes=LabLanes(self._connect, self.estate.clock),
            sinks=(),
            person=ScenarioPerson(self.spec, self.estate),
            clock=clock,
            mask=lambda value: value,
            mask_bytes=lambda content: content,
            run_child=lambda command: self._child(command, journal, folder),
            continue_command="runbook answer rehearsal {what}",
            interrupts=Interrupts(stop=LabStop(self.estate.clock)),
        )
        stopped = driver.begin(_started(plan, run_id, clock.now(), check=self.spec.check))
        self.runs.append(Rehearsed(plan=plan, state=driver.state))
        return stopped

    def _connect(self, host: str) -> LabConnection:
        self.contacted.add(host)
        return LabConnection(self.estate.machines[host], self.faults[host])

    def _child(self, command: RunRunbook, journal: JournalStore, folder: Path) -> CommandResult:
        """Another runbook of the same folder, as a run of its own."""
        asked = PlanRequest(
            runbook=str(Path(self.spec.file).parent / self.spec.runbook), inventory=str(folder / "inventory.yaml")
        )
        source = request_of(asked, command.runbook, command.params, command.limit)
        run_id = f"rehearsal.{command.caller}"
        stopped = self._run(planning.make(source).plan, journal, folder, run_id)
        seen_done = list(paid(journal.events(run_id)))
        value: JsonMap = {"run_id": run_id, "status": stopped.reason, "exit_code": stopped.exit_code, "paid": seen_done}
        if stopped.exit_code in (ExitCode.WAITING_FOR_PERSON, ExitCode.IN_DOUBT):
            value = {**value, "unfinished": dict(stopped.answers)}
        return CommandResult(ok=True, value=value)


def _started(plan: Plan, run_id: str, at: float, *, check: bool) -> ev.RunStarted:
    return ev.RunStarted(
        at=round(at, 3),
        run_id=run_id,
        plan_digest=plan.digest,
        runbook=plan.runbook,
        version=plan.version,
        title=plan.title,
        operator=BY,
        jump_host="lab",
        engine_version=__version__,
        check=check,
        hosts=plan.hosts,
    )


def _inventory(estate: Estate) -> JsonMap:
    def known(name: str) -> JsonMap:
        sql = estate.machines[name].sql
        return {"sql_instance": sql.name} if sql is not None and sql.name else {}

    groups = {group: {"hosts": {name: known(name) for name in names}} for group, names in groups_of(estate).items()}
    return {"all": {"vars": {"ansible_connection": "winrm"}, "children": groups}}


class ScenarioPerson:
    """Does and says what the scenario lets people do and say; ``truth`` comes of doing the work on the estate."""

    def __init__(self, spec: ScenarioSpec, estate: Estate) -> None:
        self._spec, self._estate = spec, estate

    def question(self, asked: ev.QuestionAsked) -> PersonAnswer | None:
        """The scenario's answer to this step."""
        arrange(self._estate, self._spec.does.get(asked.step, {}), f"{self._spec.file}: {asked.step}")
        told = self._answer(asked)
        arrange(self._estate, self._spec.then.get(asked.step, {}), f"{self._spec.file}: {asked.step}")
        return told

    def _answer(self, asked: ev.QuestionAsked) -> PersonAnswer | None:
        told = self._spec.answers.get(asked.step, TRUTH)
        if told == TRUTH:
            found = self._estate.operator_answer(f"{asked.show} {asked.question}", asked.answers)
            return None if found is None else PersonAnswer(answer=found, by=BY)
        return None if told == NOBODY else PersonAnswer(answer=told, by=BY)

    def approval(self, asked: ev.ApprovalAsked) -> PersonAnswer | None:
        """The scenario's word on this step."""
        told = self._spec.approval(asked.step)
        return None if told == NOBODY else PersonAnswer(answer=told, by=BY, reason="the scenario says so")
