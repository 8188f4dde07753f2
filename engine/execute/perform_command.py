"""One command on one host: which call of the connection it is, and how a reboot is waited for."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.execute.bounds import Bounds
from engine.execute.detached import DetachedPerformer, Report
from engine.model.boot import is_same_boot
from engine.model.command import Ask, Command, Detached, Download, Reboot, RunRunbook, Script, Upload
from engine.model.errors import AuthenticationFailed, CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.result import CommandResult, value_map
from engine.ports.connection import Connection

LOOK_EVERY_S = 2.0
RECONNECT_S = 15.0
MAX_REFUSALS = 3

RunChild = Callable[[RunRunbook], CommandResult]


@dataclass(slots=True, kw_only=True)
class CommandPerformer:
    """Performs commands over one connection (None for steps of the engine itself)."""

    connection: Connection | None
    bounds: Bounds
    run_child: RunChild
    report: Report
    caller: str = ""
    refused: int = 0

    def run(self, command: Command) -> CommandResult:
        """The command's result, or one of the four connection exceptions."""
        match command:
            case Script():
                return self._wire().run(command, self.bounds.remaining_s())
            case Upload():
                self._wire().put(command.path, command.content, self.bounds.remaining_s())
                return CommandResult(ok=True)
            case Download():
                content = self._wire().get(command.path, command.max_bytes, self.bounds.remaining_s())
                return CommandResult(ok=True, content=content)
            case Reboot():
                return self._reboot(command)
            case Detached():
                return DetachedPerformer(connection=self._wire(), bounds=self.bounds, report=self.report).run(command)
            case RunRunbook():
                return self.run_child(replace(command, caller=self.caller))
            case Ask():
                raise AssertionError("the driver asks, not a worker")

    def reconnect(self) -> None:
        """Drop what is left of the connection and open a new one."""
        self._wire().close()
        self._wire().open(min(RECONNECT_S, self.bounds.remaining_s()))

    def _wire(self) -> Connection:
        if self.connection is None:
            raise AssertionError("a step of the engine itself has no host to send to")
        return self.connection

    def _reboot(self, command: Reboot) -> CommandResult:
        """The port being open says nothing: only another boot identity proves that the machine came back anew."""
        try:
            result = self._wire().run(command.script, self.bounds.remaining_s())
        except ConnectionLost:
            result = CommandResult(ok=True)
        if not result.ok:
            return result
        seen = "the restart was sent"
        while True:
            self.report(f"waiting for the reboot: {seen}", None)
            try:
                self.bounds.pause(LOOK_EVERY_S)
                boot, seen = self._boot_identity(command)
            except CommandTimedOut as late:
                # whether it never went down or never came back decides what a person does next
                cause, remedy = f"{late.cause}; {seen}", "look at the machine itself, at its console if need be"
                raise CommandTimedOut(late.host, late.operation, cause, remedy=remedy) from late
            if boot is not None:
                return CommandResult(ok=True, value={"boot_id": boot})

    def _boot_identity(self, command: Reboot) -> tuple[str | None, str]:
        """The new boot's identity, or None and what was seen instead."""
        try:
            self._wire().close()
            self._wire().open(min(RECONNECT_S, self.bounds.remaining_s()))
            result = self._wire().run(command.probe, min(RECONNECT_S, self.bounds.remaining_s()))
        except (ConnectFailed, ConnectionLost):
            return None, "it does not answer"
        except CommandTimedOut:
            self.bounds.remaining_s()  # raises if it is the step's own time that is used up
            return None, "it takes connections and does not answer"
        except AuthenticationFailed as refused:
            # a domain controller may not answer yet, but every further try counts toward a lock-out
            self.refused += 1
            if self.refused >= MAX_REFUSALS:
                raise
            return None, refused.message
        boot = value_map(result).get("boot_id")
        if not result.ok or not isinstance(boot, str):
            return None, "it answers, and does not tell since when it is up"
        return (None if is_same_boot(boot, command.before) else boot), f"it is still up since {boot}"
