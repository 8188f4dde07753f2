"""One SSH transport to a host, through any jumps. The socket is opened here, with TCP_NODELAY: paramiko's own has
Nagle's algorithm waiting for delayed acknowledgements, 44 ms a command.
"""

import contextlib
import socket
from collections.abc import Callable

import paramiko

from engine.connections.deadline import Deadline
from engine.connections.ssh_errors import connect_problem
from engine.connections.ssh_key import agent_answers, chosen_key
from engine.connections.ssh_settings import Hop, SshSettings
from engine.connections.ssh_transport import LogonTransport
from engine.connections.ssh_trust import RefuseUnknown
from engine.model.errors import ConnectFailed, ConnectionProblem
from engine.model.secret import Secret

CONNECT_S = 20.0
KEEPALIVE_S = 15


class SshWire:
    """The clients of the jumps and of the target, opened in order and closed in reverse."""

    def __init__(self, host: str, settings: SshSettings, open_password: Callable[[], Secret | None]) -> None:
        self._host = host
        self._settings = settings
        self._open_password = open_password
        self._clients: list[paramiko.SSHClient] = []

    @property
    def connected(self) -> bool:
        """True while the transport to the target is up."""
        transport = self._clients[-1].get_transport() if self._clients else None
        return transport is not None and transport.is_active()

    def connect(self, deadline: Deadline) -> None:
        """Connect, verify every host key on the way, authenticate."""
        if self.connected:
            return
        self.close()
        try:
            for hop in (*self._settings.jumps, self._settings.target):
                self._connect_hop(hop, deadline)
        except BaseException:
            self.close()
            raise

    def channel(self, deadline: Deadline) -> paramiko.Channel:
        """A fresh channel to the target, over a fresh connection if the old one is gone."""
        for fresh in (False, True):
            self.connect(deadline)
            transport = self._clients[-1].get_transport()
            try:
                if transport is not None:
                    return transport.open_session(timeout=max(1.0, min(CONNECT_S, deadline.remaining())))
            except (paramiko.SSHException, OSError, EOFError) as error:
                if fresh or self.connected:
                    raise ConnectFailed(self._host, "opening a channel", str(error) or "the host closed it") from error
                self.close()
        raise ConnectFailed(self._host, "opening a channel", "the connection closed at once")

    def sftp(self, deadline: Deadline) -> paramiko.SFTPClient:
        """A file channel; ``paramiko.SSHException`` if the host has none."""
        channel = self.channel(deadline)
        channel.settimeout(max(1.0, deadline.remaining()))
        channel.invoke_subsystem("sftp")
        return paramiko.SFTPClient(channel)

    def close(self) -> None:
        """Close all clients, the nearest last."""
        while self._clients:
            with contextlib.suppress(Exception):
                self._clients.pop().close()

    def _connect_hop(self, hop: Hop, deadline: Deadline) -> None:
        target = hop is self._settings.target
        limit = max(0.5, min(CONNECT_S, deadline.remaining()))
        # The password is the target's: no machine on the way gets to see it.
        password = self._open_password() if target else None
        offered = password is not None
        try:
            with chosen_key(self._host, self._settings.private_key) as key:
                client = self._logged_on(hop, limit, password, key)
        except Exception as error:
            raise self._problem(hop, error, password=offered) from error
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(KEEPALIVE_S)

    def _logged_on(
        self, hop: Hop, limit: float, password: Secret | None, key: paramiko.PKey | None
    ) -> paramiko.SSHClient:
        search = password is None and key is None
        sock = self._socket(hop, limit)
        client = paramiko.SSHClient()
        self._clients.append(client)
        try:
            self._trust(client, hop)
            client.connect(
                hop.address,
                port=hop.port,
                username=hop.user,
                password=None if password is None else password.reveal(),
                pkey=key,
                sock=sock,
                timeout=limit,
                banner_timeout=limit,
                auth_timeout=limit,
                transport_factory=LogonTransport,
                allow_agent=search and agent_answers(),
                look_for_keys=search,
            )
        except Exception:
            with contextlib.suppress(Exception):
                sock.close()
            raise
        return client

    def _trust(self, client: paramiko.SSHClient, hop: Hop) -> None:
        client.set_missing_host_key_policy(RefuseUnknown(self._host, hop, self._settings.known_hosts))
        with contextlib.suppress(FileNotFoundError):
            client.load_host_keys(str(self._settings.known_hosts))

    def _socket(self, hop: Hop, limit: float) -> "socket.socket | paramiko.Channel":
        before = self._clients[-1].get_transport() if self._clients else None
        try:
            if before is not None:
                return before.open_channel("direct-tcpip", (hop.address, hop.port), ("127.0.0.1", 0), timeout=limit)
            sock = socket.create_connection((hop.address, hop.port), timeout=limit)
        except (paramiko.SSHException, OSError) as error:
            raise self._problem(hop, error) from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _problem(self, hop: Hop, error: Exception, *, password: bool = False) -> ConnectionProblem:
        return connect_problem(self._host, hop, error, self._settings, password=password)
