"""The SSH side of one lab host: password and key authentication, and ``exec`` of the same processes as WinRM's shell.

No shell session, no file transfer and no forwarding: what the engine does not use is refused.
"""

import asyncio
import hmac
import socket
from collections.abc import Callable, Mapping, Sequence

import asyncssh

from engine.lab.shells import Process, Spawn, Surroundings, reads_input

_CHUNK = 65536


class SshDoor:
    """One host's SSH service; ``listener`` is made anew whenever the host comes back."""

    def __init__(
        self,
        *,
        around: Surroundings,
        spawn: Spawn,
        key: asyncssh.SSHKey,
        authorized_keys: Mapping[str, Sequence[str]],
        allowed: Callable[[], bool],
        version: str,
    ) -> None:
        self._version = version
        self._around = around
        self._spawn = spawn
        self._key = key
        self._allowed = allowed
        self._authorized = {
            user.casefold(): [asyncssh.import_public_key(line).public_data for line in lines]
            for user, lines in authorized_keys.items()
        }
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.processes: set[Process] = set()

    async def listen(self, sock: socket.socket) -> asyncssh.SSHAcceptor:
        """Serve on a listening socket; the caller closes the result."""
        return await asyncssh.listen(
            sock=sock,
            server_factory=lambda: _Session(self),
            server_host_keys=[self._key],
            process_factory=self._serve,
            encoding=None,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            server_version=self._version,
            tcp_keepalive=False,
        )

    def cut_off(self) -> None:
        """Close every connection at once; the processes behind them end as their channels do."""
        for connection in list(self.connections):
            connection.abort()

    def end_all(self) -> None:
        """The host went down: every process is gone."""
        for process in list(self.processes):
            process.kill()

    def accepts(self, user: str, password: str) -> bool:
        """Judge a password."""
        expected = None if self._around.faults.wrong_password else self._around.host.password_of(user)
        return expected is not None and hmac.compare_digest(expected.encode(), password.encode())

    def accepts_key(self, user: str, key: asyncssh.SSHKey) -> bool:
        """Judge a public key; its owner must have an account."""
        if self._around.faults.wrong_password or self._around.host.password_of(user) is None:
            return False
        return key.public_data in self._authorized.get(user.casefold(), [])

    async def judge(self, accepts: Callable[..., bool], *credential: object) -> bool:
        """Judge a credential in a worker thread: the host may be busy."""
        return await self._around.work(accepts, *credential)

    def allowed(self) -> bool:
        """Whether the host serves anybody now."""
        return self._allowed()

    async def _serve(self, channel: "asyncssh.SSHServerProcess[bytes]") -> None:
        if channel.command is None:
            channel.stderr.write(b"The lab serves commands, not sessions.\r\n")
            channel.exit(1)
            return
        process = await self._spawn(self._around, channel.command, dict(channel.env))
        process.start()
        self.processes.add(process)
        if self._around.faults.fires("drop_after_commands"):
            self._around.cut_off()
        if not reads_input(channel.command):
            process.no_input()
        reader = asyncio.get_running_loop().create_task(self._pump_input(channel, process))
        try:
            await _pump_output(channel, process)
        finally:
            reader.cancel()
            process.kill()
            self.processes.discard(process)

    async def _pump_input(self, channel: "asyncssh.SSHServerProcess[bytes]", process: Process) -> None:
        while True:
            data = await channel.stdin.read(_CHUNK)
            process.feed(data, end=not data)
            if not data:
                return
            # One piece that ends a line counts as one input: an engine writes a frame and waits.
            if data.endswith(b"\n") and self._around.faults.fires("drop_after_sends"):
                await asyncio.sleep(0)
                self._around.cut_off()


async def _pump_output(channel: "asyncssh.SSHServerProcess[bytes]", process: Process) -> None:
    while True:
        output = await process.output(None, _CHUNK)
        if output is None:
            continue
        if output.stdout:
            channel.stdout.write(output.stdout)
        if output.stderr:
            channel.stderr.write(output.stderr)
        await channel.stdout.drain()
        if output.exit_code is not None:
            channel.exit(output.exit_code & 0xFFFFFFFF)
            return


class _Session(asyncssh.SSHServer):
    """One connection's authentication."""

    def __init__(self, door: SshDoor) -> None:
        self._door = door
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._door.connections.add(conn)
        if not self._door.allowed():
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._door.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        return await self._door.judge(self._door.accepts, username, password)

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return await self._door.judge(self._door.accepts_key, username, key)
