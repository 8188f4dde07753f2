"""Use case: run a plan, and take a run up again. Wires journal, evidence, lanes, secrets, sinks and the person."""

import json
import secrets as randomness
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from engine import __version__
from engine.app import plan as planning
from engine.app import wiring
from engine.app.clock import SystemClock
from engine.app.request import PlanRequest, RunRequest
from engine.conduct.apply import replay
from engine.conduct.conductor import Conductor
from engine.conduct.state import RunState, initial
from engine.connections import connect
from engine.execute.driver import Driver
from engine.execute.lanes import Lanes
from engine.execute.messages import Interrupts, Message, Stopped
from engine.model import event as ev
from engine.model.command import RunRunbook
from engine.model.data import JsonMap, JsonValue
from engine.model.errors import PlanOutdated, UsageMistake
from engine.model.inventory import Inventory
from engine.model.plan import Plan
from engine.model.result import CommandResult
from engine.model.secret import Secret, SecretRef
from engine.ports.edges import EventSink, Person
from engine.ports.journal import JournalStore, Lease, RunRecord
from engine.secrets import SecretBox, open_box

MakeSinks = Callable[[Plan], Sequence[EventSink]]
MakePerson = Callable[[Plan], Person]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run stands: its id, why it stopped, its folder."""

    run_id: str
    stopped: Stopped
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who listens and who answers; made for the plan at hand. ``interrupts`` is set by signal handlers."""

    sinks: MakeSinks
    person: MakePerson
    interrupts: Interrupts


def start(planned: planning.Planned, request: RunRequest, listeners: Listeners, source: PlanRequest) -> RunResult:
    """Run a plan from its beginning."""
    from engine.planning.plan_json import plan_to_json

    clock = SystemClock()
    plan = planned.plan
    secret_params, box = _secrets(plan, request)
    journal = wiring.open_journal(wiring.make_folder(request.state), clock)
    run_id = _new_id(clock.now())
    folder = wiring.make_folder(request.state / "runs" / run_id)
    stored: dict[str, JsonValue] = {"plan": plan_to_json(plan), "source": _source(source)}
    (folder / "plan.json").write_text(json.dumps(stored["plan"], indent=1) + "\n", encoding="utf-8")
    record = RunRecord(
        run_id=run_id,
        runbook=plan.runbook,
        version=plan.version,
        plan_digest=plan.digest,
        operator=request.operator,
        status="running",
        started_at=clock.now(),
        ended_at=None,
        hosts=() if request.parent else plan.hosts,
        folder=str(folder),
    )
    lease = journal.create(record, stored, f"{request.operator} on {wiring.jump_host_name()}")
    started = ev.RunStarted(
        at=round(clock.now(), 3),
        run_id=run_id,
        plan_digest=plan.digest,
        runbook=plan.runbook,
        version=plan.version,
        title=plan.title,
        operator=request.operator,
        jump_host=wiring.jump_host_name(),
        engine_version=__version__,
        check=request.check,
        hosts=plan.hosts,
    )
    bench = _Bench(journal=journal, lease=lease, folder=folder, inventory=planned.inventory, box=box, source=source)
    return _drive(bench, plan, initial(plan), started, request, listeners, secret_params)


def resume(run_id: str, request: RunRequest, listeners: Listeners) -> RunResult:
    """Take a run up: fold its journal, look again at what was in flight, go on."""
    from engine.app import documents
    from engine.planning.stamp import saved_plan

    clock = SystemClock()
    journal = wiring.open_journal(request.state, clock)
    record = journal.record(run_id)
    stored = journal.plan(run_id)
    plan = saved_plan(_mapping(stored.get("plan")))
    source = _source_from(_mapping(stored.get("source")))
    if request.inventory:
        source = replace(source, inventory=request.inventory)
    inventory = documents.inventory(source.inventory)
    _refuse_drift(plan, inventory)
    state = replay(plan, journal.events(run_id))
    if state.finished is not None:
        raise UsageMistake(
            f"the run {run_id} is over: {state.finished.summary}", remedy=f"runbook report {run_id} tells what it did"
        )
    secret_params, box = _secrets(plan, request)
    owner = f"{request.operator} on {wiring.jump_host_name()}"
    lease = journal.claim(run_id, owner)
    resumed = ev.RunResumed(
        at=round(clock.now(), 3), epoch=lease.epoch, operator=request.operator, jump_host=wiring.jump_host_name()
    )
    bench = _Bench(
        journal=journal, lease=lease, folder=Path(record.folder), inventory=inventory, box=box, source=source
    )
    return _drive(bench, plan, state, resumed, request, listeners, secret_params)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """What a run works with."""

    journal: JournalStore
    lease: Lease
    folder: Path
    inventory: Inventory
    box: SecretBox
    source: PlanRequest


def _drive(
    bench: _Bench,
    plan: Plan,
    state: RunState,
    first: ev.RunStarted | ev.RunResumed,
    request: RunRequest,
    listeners: Listeners,
    secret_params: Mapping[str, Secret],
) -> RunResult:
    run_id = bench.lease.run_id
    sinks = tuple(listeners.sinks(plan))
    lanes: Lanes[Message] = Lanes(lambda name: connect(bench.inventory.hosts[name], bench.box.open), request.forks)
    driver = Driver(
        conductor=Conductor(plan=plan, forks=request.forks, secret_params=secret_params),
        state=state,
        actions=wiring.catalogue().actions,
        journal=bench.journal,
        lease=bench.lease,
        evidence=wiring.evidence_store(bench.folder),
        lanes=lanes,
        sinks=sinks,
        person=listeners.person(plan),
        clock=SystemClock(),
        mask=bench.box.masker.value,
        mask_bytes=bench.box.masker.data,
        run_child=lambda command: _child(command, bench, request, listeners),
        continue_command=_continue(run_id, request),
        interrupts=listeners.interrupts,
    )
    try:
        stopped = driver.begin(first)
    finally:
        for sink in sinks:
            sink.close()
    from engine.app.report import write_files

    write_files(bench.journal, run_id)
    bench.journal.close()
    return RunResult(run_id=run_id, stopped=stopped, folder=bench.folder)


def _continue(run_id: str, request: RunRequest) -> str:
    state = "" if str(request.state) == ".runbook" else f" --state {request.state}"
    return f"runbook answer {run_id} {{what}}{state}"


def _child(command: RunRunbook, bench: _Bench, request: RunRequest, listeners: Listeners) -> CommandResult:
    """Run another runbook of the same folder on the same inventory; this run keeps the hosts."""
    from engine.model.packaged import root

    beside = Path(bench.source.runbook).parent / f"{command.runbook}.yaml"
    path = beside if beside.exists() else next(iter(sorted(root("runbooks").glob(f"*/{command.runbook}.yaml"))), beside)
    source = replace(
        bench.source,
        runbook=str(path),
        params=(json.dumps(dict(command.params)),) if command.params else (),
        tags=None,
        start_at=None,
    )
    planned = planning.make(source)
    result = start(planned, replace(request, parent=bench.lease.run_id), listeners, source)
    value: dict[str, JsonValue] = {
        "run_id": result.run_id,
        "status": result.stopped.reason,
        "exit_code": result.stopped.exit_code,
    }
    return CommandResult(ok=True, value=value)


def _secrets(plan: Plan, request: RunRequest) -> tuple[Mapping[str, Secret], SecretBox]:
    """Open the plan's secret inputs from the references that were given, never from values."""
    box = open_box()
    opened: dict[str, Secret] = {}
    for param in plan.params:
        if param.secret:
            reference = str(request.extra.get(param.name) or param.source)
            scheme, _, name = reference.partition(":")
            opened[param.name] = box.open(SecretRef(scheme, name))
    return opened, box


def _refuse_drift(plan: Plan, inventory: Inventory) -> None:
    from engine.planning.stamp import inventory_digest

    missing = [name for name in plan.hosts if name not in inventory.hosts]
    if missing or inventory_digest(inventory, plan.hosts) != plan.inventory_digest:
        what = f"{', '.join(missing)} left the inventory" if missing else "the hosts' entries changed"
        raise PlanOutdated(
            f"{inventory.file} is not what the run was planned for: {what}",
            remedy="put the inventory back as it was, or start a new run",
        )


def _new_id(now: float) -> str:
    day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    return f"{day}-{randomness.token_hex(3)}"


def _source(source: PlanRequest) -> dict[str, JsonValue]:
    absolute = {"runbook": str(Path(source.runbook).absolute()), "inventory": str(Path(source.inventory).absolute())}
    return {"params": list(source.params), "baseline": source.baseline, "limit": source.limit, **absolute}


def _source_from(data: JsonMap) -> PlanRequest:
    params = data.get("params")
    return PlanRequest(
        runbook=str(data.get("runbook", "")),
        inventory=str(data.get("inventory", "")),
        params=tuple(str(one) for one in params) if isinstance(params, (list, tuple)) else (),
        baseline=str(data["baseline"]) if data.get("baseline") else None,
        limit=str(data["limit"]) if data.get("limit") else None,
    )


def _mapping(value: JsonValue) -> JsonMap:
    return value if isinstance(value, Mapping) else {}
