"""One PowerShell per host and run, or one per command where that does not work; the same for every transport."""

from engine.connections.deadline import Deadline
from engine.connections.framing import START_REMEDY, FramedSession, HandshakeFailed, NotSent
from engine.connections.pipe import StartPipe
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.errors import ConnectFailed, ConnectionProblem
from engine.model.frame import STAGE_0, encoded_command
from engine.model.result import CommandResult

OPTIONS = "-NoProfile -NonInteractive -ExecutionPolicy Bypass -InputFormat Text -OutputFormat Text"
ARGUMENTS: tuple[str, ...] = (*OPTIONS.split(" "), "-EncodedCommand", encoded_command(STAGE_0))
COMMAND_LINE = " ".join(("powershell", *ARGUMENTS))
"""About 1,100 characters of letters, digits and dashes: every shell takes it as it is, far below cmd's 8,191."""

HANDSHAKE_S = 30.0


class PowerShell:
    """The interpreter on one host. ``start`` gives a fresh process; ``persistent`` false asks for one a command."""

    def __init__(
        self, host: str, start: StartPipe, *, persistent: bool = True, handshake_s: float = HANDSHAKE_S
    ) -> None:
        self._host = host
        self._start = start
        self._handshake_s = handshake_s
        self._session: FramedSession | None = None
        self.persistent = persistent
        self.note = "" if persistent else "one process a command, as the inventory asks"
        self.facts: JsonMap = {}

    @property
    def interpreter(self) -> str:
        """What answered the handshake, as ``PowerShell 2.0``; empty before."""
        version = self.facts.get("version")
        return f"PowerShell {version}" if version else ""

    def open(self, deadline: Deadline) -> None:
        """Start the interpreter; fall back to one process a command if its handshake fails."""
        if self.persistent and self._session is None:
            self._open_session(deadline)
        if not self.persistent and not self.facts:
            self.facts = self._shake_hands_once(deadline)

    def run(self, script: Script, deadline: Deadline) -> CommandResult:
        """Run a script. A frame that was surely not sent is sent once more, to a fresh interpreter."""
        try:
            return self._run(script, deadline)
        except NotSent:
            self.close()
        try:
            return self._run(script, deadline)
        except NotSent as problem:
            self.close()
            raise ConnectFailed(self._host, script.name, str(problem)) from problem

    def close(self) -> None:
        """End the process, if one runs."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _run(self, script: Script, deadline: Deadline) -> CommandResult:
        self.open(deadline)
        if self._session is None:
            return self._run_once(script, deadline)
        try:
            result = self._session.run(script, deadline)
        except ConnectionProblem:
            self.close()
            raise
        if self._session.ended:
            self.close()
        return result

    def _open_session(self, deadline: Deadline) -> None:
        session = FramedSession(self._host, self._start(deadline))
        try:
            # Leave time for the other way, should this one fail.
            self.facts = session.handshake(deadline.within(min(self._handshake_s, deadline.remaining() * 0.7)))
        except HandshakeFailed as failed:
            session.close()
            self.persistent = False
            self.note = f"one process a command, because the interpreter's handshake failed: {failed}"
        except BaseException:
            session.close()
            raise
        else:
            self._session = session

    def _shake_hands_once(self, deadline: Deadline) -> JsonMap:
        session = FramedSession(self._host, self._start(deadline))
        try:
            return session.handshake(deadline, end=True)
        except HandshakeFailed as failed:
            raise ConnectFailed(
                self._host,
                "starting PowerShell",
                str(failed),
                remedy=START_REMEDY,
            ) from failed
        finally:
            session.close()

    def _run_once(self, script: Script, deadline: Deadline) -> CommandResult:
        session = FramedSession(self._host, self._start(deadline))
        try:
            return session.run_once(script, deadline)
        finally:
            session.close()
