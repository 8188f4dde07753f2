"""What a worker is given to perform one attempt: its connection, its bounds, and the way to ask for the record."""

from dataclasses import dataclass

from engine.conduct.effects import Arguments
from engine.execute.bounds import Bounds
from engine.execute.lanes import Lanes
from engine.execute.messages import Intent, Interrupts, Message, Report
from engine.execute.perform import StepPerformer
from engine.execute.perform_command import CommandPerformer, RunChild
from engine.model.errors import EngineError
from engine.model.inventory import HostView
from engine.model.plan import ENGINE_HOST, PlannedStep, StepRunId
from engine.model.result import Change
from engine.ports.action import Action
from engine.ports.edges import Clock

LOOK_UP_S = 1.0
"""How often a worker that waits for the record looks whether the run was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What all workers of a run share."""

    lanes: Lanes[Message]
    interrupts: Interrupts
    clock: Clock
    run_child: RunChild

    def performer(
        self, step: PlannedStep, action: Action, host: HostView, attempt: int, arguments: Arguments
    ) -> StepPerformer:
        """The performer of one attempt of ``step`` on ``host``."""
        run_id = StepRunId(step.id, host.name)
        bounds = Bounds(clock=self.clock, host=host.name, step=step.id, stop=self.interrupts.stop)

        def intend(change: Change, commands: tuple[str, ...]) -> None:
            self._ask_for_record(Intent(id=run_id, attempt=attempt, change=change, commands=commands))

        def report(text: str, fraction: float | None = None) -> None:
            self.lanes.results.put(Report(id=run_id, text=text, fraction=fraction))

        commands = CommandPerformer(
            connection=None if host.name == ENGINE_HOST else self.lanes.connection(host.name),
            bounds=bounds,
            run_child=self.run_child,
            report=report,
            caller=f"{step.id}.{attempt}",
        )
        return StepPerformer(
            step=step, action=action, args=arguments, host=host, commands=commands, intend=intend, bounds=bounds
        )

    def _ask_for_record(self, intent: Intent) -> None:
        """In the worker: hand the intent over and wait until it is on record."""
        self.lanes.results.put(intent)
        while not intent.acknowledged.wait(LOOK_UP_S):
            if self.lanes.is_ended or self.interrupts.stop.is_set():
                raise EngineError("the run was stopped before the change was sent")
        if intent.refused:
            raise EngineError("the intent could not be put on record, so nothing was sent") from intent.refused[0]
