"""One conversation with a framed PowerShell over any pipe: numbers frames, finds their answers among other output.

It knows nothing of WinRM or SSH. A frame counts as sent once its last piece, the one with the line end, was handed to
the pipe; until then nothing can have run, and ``NotSent`` says so.
"""

import contextlib
import secrets
from functools import cache
from importlib.resources import files

from engine.connections.deadline import Deadline
from engine.connections.pipe import Output, Pipe, PipeGone
from engine.model.command import Script
from engine.model.data import JsonMap, text_digest
from engine.model.errors import CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.frame import HANDSHAKE, answer_to_result, decode_answer, encode_frame, encode_text
from engine.model.result import CommandResult, ScriptError

PIECE_BYTES = 64 * 1024
"""Bytes of input in one message: as base64 in an envelope about 90 KiB, below the 150 KiB of the oldest WinRM."""

STRAY_BYTES = 256 * 1024
ANSWER_BYTES = 96 * 1024 * 1024
LAST_WORDS_S = 2.0
START_REMEDY = "run `powershell -NoProfile -Command 1` on the host; a policy or a broken installation may stop it"
_GLANCE_S = 0.3


class NotSent(Exception):
    """The frame did not reach the interpreter, so nothing ran."""


class HandshakeFailed(Exception):
    """The interpreter did not answer its first frame as it should."""


@cache
def interpreter_text() -> str:
    """The interpreter's own script."""
    return (files("engine") / "connections" / "interpreter.ps1").read_text(encoding="ascii")


@cache
def first_line() -> bytes:
    """The line that ``STAGE_0`` builds the interpreter from."""
    return encode_text(interpreter_text()).encode("ascii") + b"\n"


class FramedSession:
    """The frames to one interpreter process; its scripts are cached there by digest."""

    def __init__(self, host: str, pipe: Pipe) -> None:
        self._host = host
        self._pipe = pipe
        self._nonce = secrets.token_hex(8)
        self._number = 0
        self._known: set[str] = set()
        self._unread = bytearray()
        self._searched = 0
        self._stray = bytearray()
        self._code_page: int | None = None
        self.ended = False

    def handshake(self, deadline: Deadline, *, end: bool = False) -> JsonMap:
        """Start the interpreter and learn what it is; ``HandshakeFailed`` says why that did not work."""
        try:
            self._send(first_line(), deadline)
            result = self._exchange(Script(name=HANDSHAKE, text=HANDSHAKE), deadline, end=end)
        except (ConnectionLost, CommandTimedOut, NotSent) as problem:
            reason = getattr(problem, "cause", str(problem))
            tail = self._last_words()
            reason = f"{reason}; it said: {tail}" if tail else reason
            if isinstance(problem.__cause__, PipeGone):
                # The way itself is gone: no other way of starting the process helps.
                raise ConnectFailed(self._host, "starting PowerShell", reason, remedy=START_REMEDY) from problem
            raise HandshakeFailed(reason) from problem
        if not result.ok or not isinstance(result.value, dict):
            reason = (
                result.errors[0].message if result.errors else "the answer to the first frame is not what it should be"
            )
            raise HandshakeFailed(reason)
        page = result.value.get("code_page")
        self._code_page = page if isinstance(page, int) else None
        return result.value

    def run(self, script: Script, deadline: Deadline) -> CommandResult:
        """Send a script and wait for its answer."""
        return self._exchange(script, deadline, end=False)

    def run_once(self, script: Script, deadline: Deadline) -> CommandResult:
        """Start the interpreter for this one script and close its input."""
        self._send(first_line(), deadline)
        return self._exchange(script, deadline, end=True)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()

    def _exchange(self, script: Script, deadline: Deadline, *, end: bool) -> CommandResult:
        digest = text_digest(script.text)
        self._number += 1
        self._send(self._frame(script, known=digest in self._known), deadline, end=end)
        answer = self._answer(script.name, deadline)
        if answer.get("unknown_script") is True and digest in self._known:
            self._known.discard(digest)
            return self._exchange(script, deadline, end=end)
        self._known.add(digest)
        if answer.get("ended") is True:
            return self._left_early(answer, deadline)
        return answer_to_result(answer, stray=self._take_stray(), duration_s=_seconds(answer))

    def _frame(self, script: Script, *, known: bool) -> bytes:
        line = encode_frame(
            nonce=self._nonce,
            number=self._number,
            name=_word(script.name),
            text=script.text,
            known=known,
            arguments=script.arguments,
        )
        return line.encode("ascii") + b"\n"

    def _send(self, line: bytes, deadline: Deadline, *, end: bool = False) -> None:
        pieces = [line[at : at + PIECE_BYTES] for at in range(0, len(line), PIECE_BYTES)]
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            if deadline.passed:
                raise NotSent("the time was used up before the whole command was sent")
            try:
                self._pipe.write(piece, deadline, end=end and last)
            except PipeGone as gone:
                if last and gone.delivered:
                    raise ConnectionLost(self._host, "sending a command", gone.cause) from gone
                raise NotSent(gone.cause) from gone

    def _answer(self, operation: str, deadline: Deadline) -> JsonMap:
        while True:
            line = self._next_line()
            if line is not None:
                answer = self._match(line, operation)
                if answer is not None:
                    return answer
                continue
            if deadline.passed:
                raise CommandTimedOut(self._host, operation, "no answer in the time allowed")
            self._take_in(self._read(operation, deadline), operation)

    def _read(self, operation: str, deadline: Deadline) -> Output:
        try:
            return self._pipe.read(deadline)
        except PipeGone as gone:
            if deadline.passed:
                raise CommandTimedOut(self._host, operation, gone.cause) from gone
            raise ConnectionLost(self._host, operation, gone.cause) from gone

    def _take_in(self, output: Output, operation: str) -> None:
        self._unread += output.stdout
        self._keep_stray(output.stderr)
        if len(self._unread) > ANSWER_BYTES:
            raise ConnectionLost(self._host, operation, f"the answer is larger than {ANSWER_BYTES} bytes")
        if output.ended and b"\n" not in self._unread:
            self._keep_stray(bytes(self._unread))
            code = "an unknown exit code" if output.exit_code is None else f"exit code {output.exit_code}"
            tail = self._take_stray().strip()[-500:]
            words = f"; its last words were: {tail}" if tail else ""
            raise ConnectionLost(self._host, operation, f"PowerShell ended with {code} before it answered{words}")

    def _next_line(self) -> bytes | None:
        at = self._unread.find(b"\n", self._searched)
        if at < 0:
            self._searched = len(self._unread)
            return None
        line = bytes(self._unread[:at]).rstrip(b"\r")
        del self._unread[: at + 1]
        self._searched = 0
        return line

    def _match(self, line: bytes, operation: str) -> JsonMap | None:
        text = line.decode("ascii", "replace")
        found = decode_answer(text, self._nonce)
        if found is not None and found[0] == self._number:
            return found[1]
        if text.startswith(f"{self._nonce} {self._number}"):
            raise ConnectionLost(self._host, operation, "the answer arrived damaged; the script has run")
        if line:
            self._keep_stray(line + b"\n")
        return None

    def _left_early(self, answer: JsonMap, deadline: Deadline) -> CommandResult:
        """The script ended the interpreter itself, by ``exit``: the exit code of the process is its verdict."""
        exit_code = self._exit_code(deadline.within(LAST_WORDS_S))
        self.close()
        self.ended = True
        result = answer_to_result(answer, stray=self._take_stray(), duration_s=_seconds(answer))
        said = "an unknown exit code" if exit_code is None else f"exit code {exit_code}"
        left = ScriptError(message=f"the script left by exit, with {said}", category="Exit")
        ok = exit_code == 0 and not result.errors
        return CommandResult(
            ok=ok,
            value=result.value,
            errors=result.errors if ok else (*result.errors, left),
            exit_code=exit_code,
            stray=result.stray,
            duration_s=result.duration_s,
        )

    def _exit_code(self, deadline: Deadline) -> int | None:
        with contextlib.suppress(PipeGone):
            self._pipe.write(b"", deadline, end=True)  # Windows PowerShell 2.0 stays until its input ends
        while not deadline.passed:
            try:
                output = self._pipe.read(deadline)
            except PipeGone:
                return None
            self._keep_stray(output.stderr)
            if output.ended:
                return output.exit_code
        return None

    def _last_words(self) -> str:
        """What a process that did not become an interpreter wrote, as the reason is often there."""
        deadline = Deadline.after(_GLANCE_S)
        with contextlib.suppress(PipeGone):
            while not deadline.passed:
                output = self._pipe.read(deadline)
                self._keep_stray(output.stdout + output.stderr)
                if output.ended:
                    break
        return self._take_stray().strip()[-500:]

    def _keep_stray(self, data: bytes) -> None:
        self._stray += data[: max(0, STRAY_BYTES - len(self._stray))]

    def _take_stray(self) -> str:
        data, self._stray = bytes(self._stray), bytearray()
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
        try:
            return data.decode(f"cp{self._code_page}", "replace")
        except LookupError:
            return data.decode("latin-1")


def _word(name: str) -> str:
    """A script's name as one word of ASCII: the fields of a frame are separated by blanks."""
    return (
        "".join(letter if letter.isascii() and letter.isprintable() and letter != " " else "_" for letter in name)
        or "_"
    )


def _seconds(answer: JsonMap) -> float:
    duration = answer.get("duration_s")
    return float(duration) if isinstance(duration, (int, float)) else 0.0
