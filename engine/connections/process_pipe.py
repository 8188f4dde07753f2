"""A process on this machine as a pipe."""

import contextlib
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import IO

from engine.connections.deadline import Deadline
from engine.connections.pipe import Output, PipeGone

READ_BYTES = 64 * 1024
GRACE_S = 2.0


class ProcessPipe:
    """Runs ``command``; two threads bring its output into a queue, because pipes cannot be polled on Windows."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the command is the engine's own
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if environment is None else dict(environment),
            bufsize=0,
            start_new_session=True,
        )
        self._pieces: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._open_streams = 2
        self._threads = [self._reader("stdout", self._process.stdout), self._reader("stderr", self._process.stderr)]

    @property
    def process_id(self) -> int:
        """The operating system's number of the process."""
        return self._process.pid

    def write(self, data: bytes, deadline: Deadline, *, end: bool = False) -> None:  # noqa: ARG002 - the port's shape
        """Write all of ``data``."""
        stdin = self._process.stdin
        if stdin is None or stdin.closed:
            raise PipeGone("the process' input is closed", delivered=False)
        try:
            view = memoryview(data)
            while view:
                view = view[stdin.write(view) or 0 :]
            if end:
                stdin.close()
        except OSError as error:
            raise PipeGone(f"the process does not read its input ({error.strerror})") from error

    def read(self, deadline: Deadline) -> Output:
        """The next piece of output."""
        if self._open_streams == 0:
            return self._end(deadline)
        try:
            name, data = self._pieces.get(timeout=deadline.remaining())
        except queue.Empty:
            return Output()
        if not data:
            self._open_streams -= 1
            return self._end(deadline) if self._open_streams == 0 else Output()
        return Output(stdout=data) if name == "stdout" else Output(stderr=data)

    def close(self) -> None:
        """Close the input, then kill the process if it does not end by itself."""
        stdin = self._process.stdin
        with contextlib.suppress(OSError):
            if stdin is not None:
                stdin.close()
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        for thread in self._threads:
            thread.join(GRACE_S)

    def _end(self, deadline: Deadline) -> Output:
        try:
            return Output(ended=True, exit_code=self._process.wait(max(deadline.remaining(), 0.05)))
        except subprocess.TimeoutExpired:
            return Output()

    def _reader(self, name: str, stream: IO[bytes] | None) -> threading.Thread:
        thread = threading.Thread(target=self._pump, args=(name, stream), daemon=True)
        thread.start()
        return thread

    def _pump(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            while data := stream.read(READ_BYTES):
                self._pieces.put((name, data))
        self._pieces.put((name, b""))
