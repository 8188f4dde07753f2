"""A run without hosts: the real driver, conductor and lanes over a small world that remembers what was done to it."""

import queue
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.conduct.apply import replay
from engine.conduct.conductor import Conductor
from engine.conduct.state import RunState, initial
from engine.execute.driver import Driver
from engine.execute.lanes import Lanes
from engine.execute.messages import Interrupts, Stopped
from engine.model import event as ev
from engine.model.command import Ask, Script
from engine.model.errors import ConnectionLost
from engine.model.origin import Origin
from engine.model.plan import ENGINE_HOST, BoundParam, Exits, Plan, PlannedStep
from engine.model.result import Change, CommandResult, EvidenceRef, Owed, Refuse, Unchanged, value_map
from engine.model.status import Effect, Rerun
from engine.ports.action import ActionInfo, RunsOn
from engine.ports.connection import ConnectionInfo
from engine.ports.edges import PersonAnswer
from engine.ports.journal import Lease, RunRecord

HERE = Origin("rehearsal", 1, 1)
OPEN = {"type": "object"}


class Killed(BaseException):
    """The process is gone; nothing after this line runs."""


class FakeClock:
    """Moves a little with every look, and by itself when there is nothing to wait for."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        self.at += 0.001
        return self.at

    def monotonic(self) -> float:
        return self.now()


@dataclass
class World:
    """What was done, where, how often; and what goes wrong: ``faults[(step, host)]`` is used up one a call."""

    done: set[tuple[str, str]] = field(default_factory=set)
    applied: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    looks: Counter[tuple[str, str]] = field(default_factory=Counter)

    def fault(self, key: tuple[str, str], moment: str) -> bool:
        waiting = self.faults.get(key, [])
        if waiting and waiting[0] == moment:
            waiting.pop(0)
            return True
        return False


class WorldConnection:
    """One host of the world."""

    info = ConnectionInfo(kind="world", endpoint="-", persistent=True)

    def __init__(self, world: World, host: str) -> None:
        self.world, self.host = world, host

    def open(self, timeout_s: float) -> None:
        pass

    def close(self) -> None:
        pass

    def run(self, script: Script, timeout_s: float) -> CommandResult:
        key = (str(script.arguments["step"]), self.host)
        if script.name == "look":
            self.world.looks[key] += 1
            if self.world.fault(key, "lost at look"):
                raise ConnectionLost(self.host, "look", "dropped")
            if self.world.fault(key, "broken look"):
                return CommandResult(ok=False)
            if self.world.fault(key, "bug"):
                raise ZeroDivisionError
            if self.world.fault(key, "refuse"):
                return CommandResult(ok=True, value={"done": False, "refuse": True})
            return CommandResult(ok=True, value={"done": key in self.world.done})
        if script.name == "drop":
            self.world.done.discard(key)
            if self.world.fault(key, "drop lost"):
                raise ConnectionLost(self.host, "drop", "dropped")
            return CommandResult(ok=True)
        if self.world.fault(key, "lost before"):
            raise ConnectionLost(self.host, "apply", "dropped")
        if self.world.fault(key, "error"):
            return CommandResult(ok=False)
        self.world.done.add(key)
        self.world.applied[key] += 1
        if self.world.fault(key, "lost after"):
            raise ConnectionLost(self.host, "apply", "dropped")
        return CommandResult(ok=True)

    def put(self, path: str, content: bytes, timeout_s: float) -> None:
        raise NotImplementedError

    def get(self, path: str, max_bytes: int, timeout_s: float) -> bytes:
        raise NotImplementedError


class WorldAction:
    """Looks whether the step was done on the host, and does it; or only looks."""

    def __init__(self, name: str, effect: Effect, rerun: Rerun = Rerun.PROBE, yields: tuple[str, ...] = ()) -> None:
        self.info = ActionInfo(
            name=name, summary=name, arguments=OPEN, result=OPEN, effect=effect, rerun=rerun, yields=yields
        )

    def observe(self, args: Mapping[str, Any], host: Any, seen: Sequence[CommandResult]) -> Script | None:
        return None if seen else Script(name="look", text="look", arguments={"step": args["step"]})

    def tolerates(self, args: Any, host: Any, failed: CommandResult) -> bool:
        return False

    def decide(self, args: Mapping[str, Any], host: Any, seen: Sequence[CommandResult]) -> Any:
        value = value_map(seen[0])
        if value.get("refuse"):
            return Refuse(why="not as wanted")
        if self.info.effect is Effect.OBSERVE:
            return Unchanged(why="looked", result={"done": value["done"]}, examined=1, proofs=self.info.yields)
        if value["done"]:
            return Unchanged(why="already done", result={"done": True}, examined=1, proofs=self.info.yields)
        script = Script(name="apply", text="apply", arguments={"step": args["step"]}, changing=True)
        return Change(why="to do", before="absent", after="done", commands=(script,), result={"done": True})

    def verify(self, args: Any, host: Any, before: Any, applied: Any, after: Sequence[CommandResult]) -> Any:
        return self.decide(args, host, after)


class StageAction(WorldAction):
    """Does what has to be taken away again, and says so before it begins."""

    def decide(self, args: Mapping[str, Any], host: Any, seen: Sequence[CommandResult]) -> Any:
        decision = super().decide(args, host, seen)
        if not isinstance(decision, Change):
            return decision
        return replace(decision, owes=(Owed(key="copy", what="drop the copy", how="Run it again."),))


class DropAction(WorldAction):
    """Takes away what step ``of`` left."""

    def observe(self, args: Mapping[str, Any], host: Any, seen: Sequence[CommandResult]) -> Script | None:
        return None if seen else Script(name="look", text="look", arguments={"step": args["of"]})

    def decide(self, args: Mapping[str, Any], host: Any, seen: Sequence[CommandResult]) -> Any:
        if not value_map(seen[0])["done"]:
            return Unchanged(why="nothing is left", examined=1, pays=("copy",))
        script = Script(name="drop", text="drop", arguments={"step": args["of"]}, changing=True)
        return Change(why="to drop", before="there", after="gone", commands=(script,))


class AskAction:
    """Asks the operator."""

    info = ActionInfo(
        name="ask", summary="ask", arguments=OPEN, result=OPEN, effect=Effect.OBSERVE, runs_on=RunsOn.OPERATOR
    )

    def observe(self, args: Any, host: Any, seen: Sequence[CommandResult]) -> Ask | None:
        return Ask(show="", question="how?", answers={"yes": "yes", "no": "no"})

    def tolerates(self, args: Any, host: Any, failed: CommandResult) -> bool:
        return False

    def decide(self, args: Any, host: Any, seen: Any) -> Any:
        return Unchanged(why="answered")

    def verify(self, args: Any, host: Any, before: Any, applied: Any, after: Any) -> Any:
        return Unchanged(why="answered")


ACTIONS = {
    "look": WorldAction("look", Effect.OBSERVE, Rerun.SAFE),
    "prove": WorldAction("prove", Effect.OBSERVE, Rerun.SAFE, yields=("proven",)),
    "change": WorldAction("change", Effect.REVERSIBLE),
    "destroy": WorldAction("destroy", Effect.PERMANENT, Rerun.PROBE),
    "once": WorldAction("once", Effect.PERMANENT, Rerun.NEVER),
    "stage": StageAction("stage", Effect.REVERSIBLE),
    "drop": DropAction("drop", Effect.REVERSIBLE),
    "ask": AskAction(),
}


def step(index: int, action: str, hosts: tuple[str, ...] = ("A",), **more: Any) -> PlannedStep:
    """A planned step called ``s<index>``."""
    info = ACTIONS[action].info
    operator = info.runs_on is RunsOn.OPERATOR
    values: dict[str, Any] = {
        "index": index,
        "id": f"s{index}",
        "name": f"step {index}",
        "action": action,
        "effect": info.effect,
        "rerun": info.rerun,
        "hosts": (ENGINE_HOST,) if operator else hosts,
        "origin": HERE,
        "timeout_s": 60.0,
        "exits": Exits(before=("retry",), after=("retry",)),
        "args": {"step": f"s{index}"},
        "yields": info.yields,
        "runs_on": info.runs_on.value,
        "facts": info.facts,
    }
    return PlannedStep(**{**values, **more})


def plan(*steps: PlannedStep, params: Mapping[str, Any] | None = None) -> Plan:
    """A plan of these steps."""
    hosts = tuple(dict.fromkeys(host for one in steps for host in one.hosts if host != ENGINE_HOST))
    return Plan(
        runbook="rehearsal",
        version="1.0.0",
        title="Rehearsal",
        file="rehearsal",
        engine_version="0",
        runbook_digest="0",
        inventory_file="-",
        inventory_digest="0",
        params=tuple(BoundParam(name=name, value=value, source="test") for name, value in (params or {}).items()),
        steps=steps,
        digest="d" * 64,
        hosts=hosts,
        host_platforms=dict.fromkeys(hosts, "windows"),
    )


class MemoryJournal:
    """Events of one run in a list; dies after ``kill_after`` appends, with the append on record or not."""

    def __init__(self, kill_after: int | None = None, *, recorded: bool = True) -> None:
        self.list: list[ev.RunEvent] = []
        self.kill_after, self.recorded = kill_after, recorded
        self.appends = 0

    def append(self, lease: Lease, events: Sequence[ev.RunEvent]) -> None:
        self.appends += 1
        dying = self.kill_after is not None and self.appends > self.kill_after
        if dying and not self.recorded:
            raise Killed
        self.list.extend(ev.event_from_json(ev.event_to_json(one)) for one in events)
        if dying:
            raise Killed

    def release(self, lease: Lease, *, keep_hosts: bool) -> None:
        pass

    def create(self, record: RunRecord, plan: Any, owner: str) -> Lease:
        raise NotImplementedError

    def claim(self, run_id: str, owner: str) -> Lease:
        raise NotImplementedError

    def events(self, run_id: str) -> Sequence[ev.RunEvent]:
        return self.list

    def plan(self, run_id: str) -> Any:
        raise NotImplementedError

    def record(self, run_id: str) -> RunRecord:
        raise NotImplementedError

    def runs(self) -> Sequence[RunRecord]:
        return ()

    def owed(self) -> Sequence[Any]:
        return ()

    def close(self) -> None:
        pass


class MemoryEvidence:
    """Evidence that is only counted."""

    def put(self, content: bytes, caption: str) -> EvidenceRef:
        return EvidenceRef(digest="e" * 64, caption=caption, size=len(content))

    def get(self, digest: str) -> bytes:
        return b""


class EagerQueue(queue.Queue[Any]):
    """With nothing in flight an empty queue lets the fake clock pass instead of waiting."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.in_flight = 0

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if self.in_flight == 0 and self.empty():
            self.clock.at += timeout or 0.0
            raise queue.Empty
        message = super().get(block, 30)
        if type(message).__name__ == "Result":
            self.in_flight -= 1
        return message


class CountingLanes(Lanes[Any]):
    def __init__(self, world: World, clock: FakeClock, forks: int) -> None:
        super().__init__(lambda host: WorldConnection(world, host), forks)
        self.results = EagerQueue(clock)

    def start(self, host: str, work: Callable[[], Any]) -> None:
        self.results.in_flight += 1
        super().start(host, work)


@dataclass
class Person:
    """Answers from lists; None when they are used up."""

    answers: list[str] = field(default_factory=list)
    approvals: list[str] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    def question(self, asked: ev.QuestionAsked) -> PersonAnswer | None:
        self.asked.append(asked)
        return PersonAnswer(answer=self.answers.pop(0), by="tester") if self.answers else None

    def approval(self, asked: ev.ApprovalAsked) -> PersonAnswer | None:
        self.asked.append(asked)
        return PersonAnswer(answer=self.approvals.pop(0), by="tester") if self.approvals else None


@dataclass
class Rehearsal:
    """A run's outcome."""

    stopped: Stopped | None
    state: RunState
    events: list[ev.RunEvent]
    world: World
    person: Person

    def statuses(self) -> dict[str, str]:
        return {str(key): one.status.value for key, one in self.state.step_runs.items()}

    def kinds(self) -> list[str]:
        return [one.kind for one in self.events]


def rehearse(
    the_plan: Plan,
    *,
    world: World | None = None,
    person: Person | None = None,
    clock: FakeClock | None = None,
    check: bool = False,
    forks: int = 10,
    kill_after: int | None = None,
    recorded: bool = True,
    before: Sequence[ev.RunEvent] = (),
    interrupts: Interrupts | None = None,
) -> Rehearsal:
    """Run the plan, or take it up after the events ``before``; a kill leaves ``stopped`` None."""
    world, person, clock = world or World(), person or Person(), clock or FakeClock()
    journal = MemoryJournal(kill_after, recorded=recorded)
    journal.list.extend(before)
    state = replay(the_plan, before) if before else initial(the_plan)
    first: ev.RunStarted | ev.RunResumed
    if state.started is not None:
        first = ev.RunResumed(at=clock.now(), epoch=state.epoch + 1, operator="tester", jump_host="here")
    else:
        first = ev.RunStarted(
            at=clock.now(),
            run_id="run",
            plan_digest=the_plan.digest,
            runbook=the_plan.runbook,
            version="1.0.0",
            title="Rehearsal",
            operator="tester",
            jump_host="here",
            engine_version="0",
            check=check,
            hosts=the_plan.hosts,
        )
    driver = Driver(
        conductor=Conductor(plan=the_plan, forks=forks),
        state=state,
        actions=ACTIONS,
        journal=journal,
        lease=Lease(run_id="run", epoch=1, owner="tester"),
        evidence=MemoryEvidence(),
        lanes=CountingLanes(world, clock, forks),
        sinks=(),
        person=person,
        clock=clock,
        mask=lambda value: value,
        mask_bytes=lambda content: content,
        run_child=lambda command: CommandResult(ok=True),
        continue_command="runbook answer run {what}",
        interrupts=interrupts or Interrupts(),
    )
    try:
        stopped: Stopped | None = driver.begin(first)
    except Killed:
        stopped = None
        driver.lanes._pool.shutdown(wait=True)
    return Rehearsal(stopped=stopped, state=driver.state, events=journal.list, world=world, person=person)
