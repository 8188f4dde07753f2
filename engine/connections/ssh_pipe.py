"""One command on an SSH channel, as a pipe."""

import contextlib
import time

import paramiko

from engine.connections.deadline import Deadline
from engine.connections.pipe import Output, PipeGone

READ_BYTES = 64 * 1024
_INTERVAL_S = 0.2
_PAUSE_S = 0.005


class SshPipe:
    """The channel after its command was started."""

    def __init__(self, channel: paramiko.Channel, command: str) -> None:
        self._channel = channel
        self._channel.set_combine_stderr(False)
        self._channel.exec_command(command)

    def write(self, data: bytes, deadline: Deadline, *, end: bool = False) -> None:
        """Write all; the window of the far side sets the pace."""
        if self._channel.closed or self._channel.exit_status_ready():
            raise PipeGone("the command has ended", delivered=False)
        try:
            self._channel.settimeout(max(0.1, deadline.remaining()))
            self._channel.sendall(data)
            if end:
                self._channel.shutdown_write()
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise PipeGone(
                f"the connection was closed ({error})" if str(error) else "the connection was closed"
            ) from error

    def read(self, deadline: Deadline) -> Output:
        """Whatever comes next on either stream, or the end with its exit code."""
        channel = self._channel
        while True:
            if channel.recv_stderr_ready():
                return Output(stderr=channel.recv_stderr(READ_BYTES))
            if deadline.passed and not channel.recv_ready():
                return Output()
            # Output wakes this up at once; the interval is for the standard error, which has no such call.
            channel.settimeout(max(0.001, min(_INTERVAL_S, deadline.remaining())))
            try:
                stdout = channel.recv(READ_BYTES)
            except TimeoutError:
                continue
            return Output(stdout=stdout) if stdout else self._end(deadline)

    def close(self) -> None:
        """Close the channel; the host ends the command."""
        with contextlib.suppress(Exception):
            self._channel.close()

    def _end(self, deadline: Deadline) -> Output:
        """The output has ended: the exit code follows, unless the connection broke."""
        channel = self._channel
        while not (channel.exit_status_ready() or channel.recv_stderr_ready() or deadline.passed):
            time.sleep(_PAUSE_S)
        if channel.recv_stderr_ready():
            return Output(stderr=channel.recv_stderr(READ_BYTES))
        if not channel.exit_status_ready():
            return Output()
        code = channel.recv_exit_status()
        if code < 0 and not channel.get_transport().is_active():
            raise PipeGone("the connection was closed")
        return Output(ended=True, exit_code=code if code >= 0 else None)
