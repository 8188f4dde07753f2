"""Use case: run a plan, and take a run up again. Wires journal, evidence, lanes, secrets, sinks and the person."""

import json
import secrets as randomness
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from engine import __version__
from engine.app import plan as planning
from engine.app import wiring
from engine.app.children import refuse_changed, to_be_run
from engine.app.clock import SystemClock
from engine.app.give_up import refuse_finished
from engine.app.nested import Caller, run_child
from engine.app.request import PlanRequest, RunRequest
from engine.app.run_source import (
    mapping,
    refuse_drift,
    refuse_nested,
    source_from_json,
    source_to_json,
)
from engine.conduct.apply import replay
from engine.conduct.conductor import Conductor
from engine.conduct.state import RunState, initial
from engine.connections import connect
from engine.execute.driver import Driver
from engine.execute.lanes import Lanes
from engine.execute.messages import Interrupts, Message, Stopped
from engine.model import event as ev
from engine.model.data import JsonValue
from engine.model.inventory import Inventory
from engine.model.plan import Plan
from engine.model.secret import Secret, SecretRef
from engine.planning.stamp import saved_plan
from engine.ports.edges import EventSink, Person
from engine.ports.journal import JournalStore, Lease, RunRecord
from engine.secrets import SecretBox, open_box

MakeSinks = Callable[[Plan], Sequence[EventSink]]
MakePerson = Callable[[Plan], Person]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run stands: its id, why it stopped, its folder; ``state_option`` is what a command about it must add.
    ``notes`` are troubles of the engine itself that did not touch the run, and what is to be known of the baseline that
    was given. ``baseline`` is the file of the one that the run recorded.
    """

    run_id: str
    stopped: Stopped
    folder: Path
    state_option: str = ""
    notes: tuple[str, ...] = ()
    baseline: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who listens and who answers; made for the plan at hand. ``interrupts`` is set by signal handlers."""

    sinks: MakeSinks
    person: MakePerson
    interrupts: Interrupts


def start(planned: planning.Planned, request: RunRequest, listeners: Listeners, source: PlanRequest) -> RunResult:
    """Run a plan from its beginning. Whatever can be refused is refused before the run exists."""
    from engine.planning.plan_json import plan_to_json

    clock = SystemClock()
    plan = planned.plan
    secret_params, box = _secrets(plan, planned.inventory)
    audience = Audience(sinks=tuple(listeners.sinks(plan)), person=listeners.person(plan))
    with closing(wiring.open_journal(wiring.make_folder(request.state), clock)) as journal:
        run_id = request.run_id or _new_id(clock.now())
        folder = wiring.make_folder(request.state / wiring.RUNS / run_id)
        stored: dict[str, JsonValue] = {"plan": plan_to_json(plan), "source": source_to_json(source, request)}
        wiring.write_text(folder / "plan.json", json.dumps(stored["plan"], indent=1) + "\n")
        record = RunRecord(
            run_id=run_id,
            runbook=plan.runbook,
            version=plan.version,
            plan_digest=plan.digest,
            operator=request.operator,
            status="running",
            started_at=clock.now(),
            ended_at=None,
            hosts=tuple(host for host in plan.hosts if host not in request.held),
            folder=str(folder),
        )
        lease = journal.create(record, stored, f"{request.operator} on {wiring.jump_host_name()}")
        bench = _Bench(journal=journal, lease=lease, folder=folder, inventory=planned.inventory, box=box, source=source)
        started = _started(plan, run_id, request, check=request.check)
        return _drive(bench, plan, initial(plan), started, request, listeners, audience, secret_params)


def resume(run_id: str, request: RunRequest, listeners: Listeners) -> RunResult:
    """Take a run up: fold its journal, look again at what was in flight, go on."""
    from engine.app import documents

    with closing(wiring.open_journal(wiring.known_folder(request.state))) as journal:
        record = journal.record(run_id)
        if request.parent is None:
            refuse_nested(journal, run_id, request.state)
        stored = journal.plan(run_id)
        plan = saved_plan(mapping(stored.get("plan")))
        source = source_from_json(mapping(stored.get("source")))
        if request.inventory:
            source = replace(source, inventory=request.inventory)
        state = replay(plan, journal.events(run_id))
        if state.finished is not None:
            refuse_finished(journal, run_id, state.finished, request.state)
        inventory = documents.inventory(source.inventory)
        refuse_drift(plan, inventory)
        for step in to_be_run(plan, state):
            refuse_changed(step, source)
        secret_params, box = _secrets(plan, inventory)
        audience = Audience(sinks=tuple(listeners.sinks(plan)), person=listeners.person(plan))
        lease = journal.claim(run_id, f"{request.operator} on {wiring.jump_host_name()}")
        state = replay(plan, journal.events(run_id))  # read again: until the claim another process may have gone on
        first: ev.RunStarted | ev.RunResumed
        if state.started is None:  # the process that made the run ended before the run began
            check = bool(mapping(stored.get("source")).get("check"))
            first = _started(plan, run_id, request, check=check)
        else:
            first = ev.RunResumed(at=_now(), epoch=lease.epoch, operator=request.operator, jump_host=_here())
        bench = _Bench(
            journal=journal, lease=lease, folder=Path(record.folder), inventory=inventory, box=box, source=source
        )
        return _drive(bench, plan, state, first, request, listeners, audience, secret_params)


def _started(plan: Plan, run_id: str, request: RunRequest, *, check: bool) -> ev.RunStarted:
    return ev.RunStarted(
        at=_now(),
        run_id=run_id,
        plan_digest=plan.digest,
        runbook=plan.runbook,
        version=plan.version,
        title=plan.title,
        operator=request.operator,
        jump_host=_here(),
        engine_version=__version__,
        check=check,
        hosts=plan.hosts,
    )


def _now() -> float:
    return round(SystemClock().now(), 3)


def _here() -> str:
    return wiring.jump_host_name()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who listens to this run and who answers, made before the run exists: a wrong answer flag is refused in time."""

    sinks: tuple[EventSink, ...]
    person: Person


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
    audience: Audience,
    secret_params: Mapping[str, Secret],
) -> RunResult:
    run_id = bench.lease.run_id
    caller = Caller(
        journal=bench.journal,
        run_id=run_id,
        plan=plan,
        source=bench.source,
        request=request,
        begin=lambda planned, asked, source: start(planned, asked, listeners, source).stopped,
        go_on=lambda child, asked: resume(child, asked, listeners).stopped,
    )
    lanes: Lanes[Message] = Lanes(lambda name: connect(bench.inventory.hosts[name], bench.box.open), request.forks)
    driver = Driver(
        conductor=Conductor(plan=plan, forks=request.forks, secret_params=secret_params),
        state=state,
        actions=wiring.catalogue().actions,
        journal=bench.journal,
        lease=bench.lease,
        evidence=wiring.evidence_store(bench.folder),
        lanes=lanes,
        sinks=audience.sinks,
        person=audience.person,
        clock=SystemClock(),
        mask=bench.box.masker.value,
        mask_bytes=bench.box.masker.data,
        run_child=lambda command: run_child(command, caller),
        continue_command=_continue(request.root or run_id, request),
        resume_command=f"runbook resume {request.root or run_id}{wiring.state_option(request.state)}",
        interrupts=listeners.interrupts,
    )
    try:
        stopped = driver.begin(first)
    finally:
        for sink in audience.sinks:
            with suppress(OSError):  # its stream may be gone
                sink.close()
    from engine.app.report import write_files

    write_files(bench.journal, run_id)
    noted, written = _baseline(bench, plan, request)
    return RunResult(
        run_id=run_id,
        stopped=stopped,
        folder=bench.folder,
        state_option=wiring.state_option(request.state),
        notes=(*driver.deaf, *noted),
        baseline=written,
    )


def _baseline(bench: _Bench, plan: Plan, request: RunRequest) -> tuple[tuple[str, ...], Path | None]:
    """What is to be said of the baseline that was given, and the file of the one that the run recorded."""
    from engine.app import baseline

    run_id = bench.lease.run_id
    found = baseline.recorded(plan, bench.journal.events(run_id), run_id, request.operator)
    written = None if found is None else baseline.write(found, bench.folder, request.state)
    return (() if request.parent else baseline.notes(plan.baseline, request.state)), written


def _continue(run_id: str, request: RunRequest) -> str:
    return f"runbook answer {run_id} {{what}}{wiring.state_option(request.state)}"


def _secrets(plan: Plan, inventory: Inventory) -> tuple[Mapping[str, Secret], SecretBox]:
    """Open everything the run will need, before it begins: inputs by their references, and the hosts' passwords.

    So a missing variable costs nothing, and a person is asked before the progress display starts.
    """
    box = open_box()
    opened: dict[str, Secret] = {}
    for param in plan.params:
        if param.secret:
            scheme, _, name = param.source.partition(":")
            opened[param.name] = box.open(SecretRef(scheme, name))
    for name in plan.hosts:
        password = inventory.hosts[name].password
        if password is not None:
            box.open(password)
    return opened, box


def _new_id(now: float) -> str:
    day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    return f"{day}-{randomness.token_hex(3)}"
