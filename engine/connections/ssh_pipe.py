"""One command on an SSH channel, as a pipe."""

import contextlib
import select
import time

import paramiko

from engine.connections.deadline import Deadline
from engine.connections.pipe import Output, PipeGone

READ_BYTES = 64 * 1024
_EXIT_CODE_S = 5.0
_GIVE_S = 0.2


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
        """Whatever there is on both streams, or the end with its exit code."""
        channel = self._channel
        while True:
            stdout = channel.recv(READ_BYTES) if channel.recv_ready() else b""
            stderr = channel.recv_stderr(READ_BYTES) if channel.recv_stderr_ready() else b""
            if stdout or stderr:
                return Output(stdout=stdout, stderr=stderr)
            if channel.exit_status_ready() and (channel.eof_received or channel.closed):
                return self._end()
            if channel.closed or channel.eof_received or not self._alive():
                return self._last(deadline)
            if deadline.passed:
                return Output()
            self._wait(min(_GIVE_S, deadline.remaining()))

    def close(self) -> None:
        """Close the channel; the host ends the command."""
        with contextlib.suppress(Exception):
            self._channel.close()

    def _alive(self) -> bool:
        transport = self._channel.get_transport()
        return transport is not None and transport.is_active()

    def _wait(self, seconds: float) -> None:
        # The channel's descriptor becomes readable with output and at its end; the interval covers the standard error.
        select.select([self._channel], [], [], seconds)

    def _end(self) -> Output:
        if self._channel.recv_ready() or self._channel.recv_stderr_ready():
            return Output(stdout=self._drain(stderr=False), stderr=self._drain(stderr=True))
        code = self._channel.recv_exit_status()
        return Output(ended=True, exit_code=code if code >= 0 else None)

    def _drain(self, *, stderr: bool) -> bytes:
        channel = self._channel
        if stderr:
            return channel.recv_stderr(READ_BYTES) if channel.recv_stderr_ready() else b""
        return channel.recv(READ_BYTES) if channel.recv_ready() else b""

    def _last(self, deadline: Deadline) -> Output:
        """The output has ended: the exit code follows, unless the connection broke."""
        until = deadline.within(_EXIT_CODE_S)
        while not self._channel.exit_status_ready() and self._alive() and not until.passed and not self._channel.closed:
            time.sleep(0.005)
        if not self._channel.exit_status_ready():
            raise PipeGone("the connection was closed")
        return self._end()
