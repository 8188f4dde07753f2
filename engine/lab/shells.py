"""What stands behind a lab server's shell: one process for one command line, without the wire that carries it.

A command line that starts a PowerShell with the engine's ``STAGE_0`` becomes an emulated framed interpreter: its first
input line is swallowed, each later one is a frame that the host answers. Any other command line goes to the host's
``shell`` in one piece. All state lives in the event loop; only the host's own work runs in worker threads.
"""

import asyncio
import base64
import binascii
import fnmatch
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from engine.lab.faults import Faults
from engine.lab.host import LabHost
from engine.model.data import JsonMap
from engine.model.frame import STAGE_0, Frame, decode_frame, encode_answer

_T = TypeVar("_T")
_ENCODED = re.compile(
    r'^\s*"?(?:[^"\s]*[\\/])?(?:powershell|pwsh)(?:\.exe)?"?\s(?:.*\s)?[-/](?:e|ec|en[codedman]*)\s+"?([A-Za-z0-9+/=]+)"?\s*$',
    re.IGNORECASE | re.DOTALL,
)
_READS_INPUT = re.compile(r"(^|[\s/])(sh|bash|dash)\s+-s\b|\s-\s*$|^\s*(cat|sort|more)\s*$", re.IGNORECASE)
CONTROL_C_EXIT = 0xC000013A - (1 << 32)
"""The exit code of a Windows process that was ended by Ctrl+C or by its shell's end."""


class Output(NamedTuple):
    """What a process gave since the last look; ``exit_code`` is None while more may come."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a process needs: its host, the host's faults, threads for the host's work, and a way to cut connections."""

    host: LabHost
    faults: Faults
    threads: Executor
    cut_off: Callable[[], None]
    alive: Callable[[], bool]
    """Asked in a worker thread: is the host up, and in the boot that its connections were made in?"""
    down: Callable[[], None]
    """Told when it is not: nothing listens until the host is looked at again."""

    async def work(self, function: Callable[..., _T], *arguments: object) -> _T:
        """Do the host's work in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)

    async def before_frame(self, name: str) -> None:
        """Let the faults that wait for a frame happen; the frame runs in any case."""
        if self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        if self.faults.drop_on_frame and fnmatch.fnmatchcase(name, self.faults.drop_on_frame):
            self.faults.drop_on_frame = ""
            self.cut_off()

    def outgoing(self, answer: bytes) -> bytes:
        """An answer line as it leaves the host: whole, or as a broken code page or a torn buffer leaves it."""
        if self.faults.garble_answers <= 0:
            return answer
        self.faults.garble_answers -= 1
        return answer[: len(answer) // 2] + b"?\x7f?" + answer[len(answer) * 3 // 4 :]


def encoded_script(command_line: str) -> str | None:
    """The script of a PowerShell command line that ends in ``-EncodedCommand X``, or None."""
    match = _ENCODED.match(command_line)
    if match is None:
        return None
    try:
        return base64.b64decode(match[1], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return None


def script_reads_input(script: str) -> bool:
    """True for PowerShell scripts that mention their input."""
    return any(word in script.casefold() for word in ("$input", "[console]::in", "[console]::openstandardinput"))


def reads_input(command_line: str) -> bool:
    """True for command lines that read their input to its end before they do anything."""
    script = encoded_script(command_line)
    return script_reads_input(script) if script is not None else _READS_INPUT.search(command_line) is not None


class Process:
    """The output side that every kind of process shares; lives in the event loop."""

    def __init__(self) -> None:
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._exit_code: int | None = None
        self._changed = asyncio.Event()
        self._job: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """True once nothing more will be written."""
        return self._exit_code is not None

    def start(self) -> None:
        """Begin to work."""
        self._job = asyncio.get_running_loop().create_task(self._guarded())

    async def _guarded(self) -> None:
        try:
            code = await self._run()
        except asyncio.CancelledError:
            code = CONTROL_C_EXIT
        except Exception as bug:  # noqa: BLE001 - a bug behind one shell must be seen by its client and end nothing else
            self.write_error(f"The lab could not run this command: {type(bug).__name__}: {bug}\n".encode())
            code = 1
        self.finish(code)

    async def _run(self) -> int:
        raise NotImplementedError

    def feed(self, data: bytes, *, end: bool) -> None:
        """Give input; ``end`` closes it."""
        raise NotImplementedError

    def no_input(self) -> None:
        """Whoever asks for output has given no input so far. Only a one-shot command takes that as the end of it."""

    def write(self, data: bytes) -> None:
        """Add to standard output."""
        self._stdout += data
        self._changed.set()

    def write_error(self, data: bytes) -> None:
        """Add to standard error."""
        self._stderr += data
        self._changed.set()

    def finish(self, code: int) -> None:
        """Set the exit code, once."""
        if self._exit_code is None:
            self._exit_code = code
        self._changed.set()

    def kill(self) -> None:
        """End it; work that a thread has begun goes on, but nobody hears of it."""
        self.finish(CONTROL_C_EXIT)
        if self._job is not None:
            self._job.cancel()

    async def output(self, timeout_s: float | None, max_bytes: int) -> Output | None:
        """What there is to read, waiting for it; None if there was nothing in time."""
        while not (self._stdout or self._stderr or self.ended):
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), timeout_s)
            except TimeoutError:
                return None
        # Let a process that ends right after its output end first, so that both travel in one answer.
        await asyncio.sleep(0)
        stdout = bytes(self._stdout[:max_bytes])
        del self._stdout[:max_bytes]
        stderr = bytes(self._stderr[: max_bytes - len(stdout)])
        del self._stderr[: len(stderr)]
        return Output(stdout, stderr, None if self._stdout or self._stderr else self._exit_code)


class OneShot(Process):
    """A plain command line: the host gets it with its whole input and answers once."""

    def __init__(self, around: Surroundings, command_line: str) -> None:
        super().__init__()
        self._around = around
        self._command_line = command_line
        self._stdin = bytearray()
        self._fed = False
        self._complete = asyncio.Event()

    async def _run(self) -> int:
        await self._complete.wait()
        code, stdout, stderr = await self._around.work(self._around.host.shell, self._command_line, bytes(self._stdin))
        self.write_error(stderr)
        self.write(stdout)
        return code

    def feed(self, data: bytes, *, end: bool) -> None:
        self._fed = True
        self._stdin += data
        if end:
            self._complete.set()

    def no_input(self) -> None:
        if not self._fed:
            self._complete.set()


class FramedInterpreter(Process):
    """The emulation of the engine's persistent PowerShell: lines in, answer lines out, in order."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__()
        self._around = around
        self._partial = bytearray()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._scripts: dict[str, str] = {}

    def feed(self, data: bytes, *, end: bool) -> None:
        self._partial += data
        *whole, rest = bytes(self._partial).split(b"\n")
        self._partial = bytearray(rest)
        for line in whole:
            self._lines.put_nowait(line.decode("ascii", "replace").strip("\r"))
        if end:
            self._lines.put_nowait(None)

    async def _run(self) -> int:
        if await self._lines.get() is None:
            return 0
        while (line := await self._lines.get()) is not None:
            if line.strip():
                await self._serve(line)
        return 0

    async def _serve(self, line: str) -> None:
        try:
            frame = decode_frame(line)
        except (ValueError, TypeError) as problem:
            self.write_error(f"A line was no frame: {problem}\r\n".encode())
            return
        await self._around.before_frame(frame.name)
        given = await self._answer(frame)
        if given is None:
            self._around.down()
            return
        answer = encode_answer(frame.nonce, frame.number, given)
        self.write(self._around.outgoing(answer.encode("ascii")) + b"\r\n")

    async def _answer(self, frame: Frame) -> JsonMap | None:
        text = self._scripts.setdefault(frame.digest, frame.text) if frame.text is not None else None
        if text is None:
            text = self._scripts.get(frame.digest)
        if text is None:
            return failure(f"script {frame.name} was never sent", "ObjectNotFound")
        started = time.monotonic()
        try:
            answer = await self._around.work(self._ask, frame, text)
        except Exception as bug:  # noqa: BLE001 - the step that met the bug reports it, the other hosts go on
            answer = failure(
                f"The lab's machine could not answer {frame.name}: {type(bug).__name__}: {bug}", "LabDefect"
            )
        if answer is None:
            return None
        return {"errors": [], "exit_code": None, "duration_s": round(time.monotonic() - started, 4), **answer}

    def _ask(self, frame: Frame, text: str) -> JsonMap | None:
        """In a worker thread: None if the host went down before or while it answered."""
        if not self._around.alive():
            return None
        answer = self._around.host.answer(frame, text)
        return answer if self._around.alive() else None


def failure(message: str, category: str) -> JsonMap:
    """An answer that is not ok, with one error."""
    error: JsonMap = {"message": message, "category": category, "position": "", "types": ["System.Exception"]}
    return {"ok": False, "value": None, "errors": [error], "exit_code": None}


Spawn = Callable[[Surroundings, str, Mapping[str, str]], Awaitable[Process]]
"""Makes an unstarted process for a command line and the shell's environment variables."""


async def emulated(around: Surroundings, command_line: str, environment: Mapping[str, str]) -> Process:
    """The framed interpreter for ``STAGE_0``, the host's own shell for everything else."""
    del environment  # the machine's model has its own
    if encoded_script(command_line) == STAGE_0:
        return FramedInterpreter(around)
    return OneShot(around, command_line)
