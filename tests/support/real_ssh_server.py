"""An SSH server on a loopback address that runs commands for real, with SFTP and forwarding."""

import asyncio
import contextlib
import os
import shlex
import signal
import threading
from collections.abc import Sequence

import asyncssh

USER = "operator"
PASSWORD = "Gr\u00fcn:Licht 7"


class _Door(asyncssh.SSHServer):
    def __init__(self, keys: Sequence[str], seen: list[str], tries: int | None, connections: list) -> None:
        self.left = tries
        self.connections = connections
        self.connection: asyncssh.SSHServerConnection | None = None
        self.keys = [asyncssh.import_public_key(one) for one in keys]
        self.seen = seen

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.seen.append("connection")
        self.connection = conn
        self.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self.seen.append("password")
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return bool(self.keys)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        accepted = username == USER and key in self.keys
        if self.left is not None and not accepted:
            self.left -= 1
            if self.left == 0 and self.connection is not None:  # as OpenSSH does after MaxAuthTries
                self.connection.disconnect(asyncssh.DISC_PROTOCOL_ERROR, "Too many authentication failures")
        return accepted

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        self.seen.append(f"forward {dest_host}:{dest_port}")
        return True


class RealSshServer:
    """``pwsh`` runs where a command line names powershell. ``seen`` lists what reached the server; ``tries`` is how
    many keys may be refused before it hangs up.
    """

    def __init__(
        self,
        address: str,
        *,
        keys: Sequence[str] = (),
        pwsh: str | None = None,
        sftp: bool = True,
        tries: int | None = None,
    ) -> None:
        self.address = address
        self.seen: list[str] = []
        self.commands: list[str] = []
        self._keys = keys
        self._tries = tries
        self._connections: list[asyncssh.SSHServerConnection] = []
        self._pwsh = pwsh
        self._sftp = sftp
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._processes: set[asyncio.subprocess.Process] = set()
        self._acceptor = self._wait(self._listen())
        self.port = int(self._acceptor.get_port())

    def known_hosts(self, key: asyncssh.SSHKey | None = None) -> str:
        public = (key or self._host_key).export_public_key().decode().strip()
        return f"[{self.address}]:{self.port} {public}\n"

    def cut(self) -> None:
        """Break every connection without a word."""
        self._loop.call_soon_threadsafe(lambda: [one.abort() for one in self._connections])

    def stop(self) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _close(self) -> None:
        self._acceptor.close()
        for one in self._connections:
            one.abort()
        for process in list(self._processes):
            if process.returncode is None:
                _end(process)
                await process.wait()
        await asyncio.sleep(0.05)
        rest = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for one in rest:
            one.cancel()
        if rest:
            _, left = await asyncio.wait(rest, timeout=2)
            assert not left, left

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            self.address,
            0,
            server_factory=lambda: _Door(self._keys, self.seen, self._tries, self._connections),
            server_host_keys=[self._host_key],
            process_factory=self._run,
            sftp_factory=asyncssh.SFTPServer if self._sftp else None,
            encoding=None,
        )

    async def _run(self, process: asyncssh.SSHServerProcess) -> None:
        command = process.command or ""
        self.commands.append(command)
        words = shlex.split(command)
        if words and words[0] == "powershell":
            words[0] = str(self._pwsh)
        child = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(os.environ),
            start_new_session=True,
        )
        self._processes.add(child)
        feeder = asyncio.ensure_future(self._feed(process, child))
        try:
            await asyncio.gather(_copy(child.stdout, process.stdout), _copy(child.stderr, process.stderr))
            code = await child.wait()
            process.exit(code)
        except (OSError, asyncssh.Error):
            pass  # the connection was cut
        finally:
            feeder.cancel()
            if child.returncode is None:
                _end(child)
                await child.wait()
            self._processes.discard(child)

    async def _feed(self, process: asyncssh.SSHServerProcess, child: asyncio.subprocess.Process) -> None:
        try:
            while data := await process.stdin.read(65536):
                child.stdin.write(data)
                await child.stdin.drain()
            child.stdin.close()
        except (OSError, asyncssh.Error):
            # The client is gone: so is the process.
            if child.returncode is None:
                _end(child)


async def _copy(source: asyncio.StreamReader, target: asyncssh.SSHWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()


def _end(child: asyncio.subprocess.Process) -> None:
    """With its children, which would hold its output open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
