"""One host's doors, open or shut as the host is: WinRM over HTTP and HTTPS, and SSH, around one set of faults.

Everything but ``look`` and what a door judges runs in the servers' event loop.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, Protocol

import asyncssh

from engine.lab.faults import Faults
from engine.lab.host import LabHost
from engine.lab.shells import Spawn, Surroundings
from engine.lab.shells_pwsh import powershell_for
from engine.lab.ssh_server import SshDoor
from engine.lab.tls import LabAuthority
from engine.lab.winrm_auth import KerberosAccounts
from engine.lab.winrm_http import WinrmDoor
from engine.lab.winrm_service import WinrmService
from engine.model.errors import UsageMistake


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificates:
    """Whose certificates a host trusts (in PEM form), and which account stands for which user principal name.
    ``required`` refuses a client that shows none.
    """

    authorities: str
    users: Mapping[str, str]
    required: bool = False

    def ask(self, context: ssl.SSLContext) -> None:
        """Let a server ask for one."""
        context.load_verify_locations(cadata=self.authorities)
        context.verify_mode = ssl.CERT_REQUIRED if self.required else ssl.CERT_OPTIONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedHost:
    """A machine and where it listens. A port of 0 takes any free one, None leaves that server out.

    ``names`` go into the certificate beside the host's own name and address. ``ssh_keys`` are public keys in OpenSSH
    form, by user. ``interpreter`` says what stands behind a PowerShell command line. ``client_certificates`` makes
    the HTTPS listener ask for one; ``tickets`` makes the host take part in Kerberos.
    """

    host: LabHost
    address: str
    winrm_port: int | None = 5985
    https_port: int | None = 5986
    ssh_port: int | None = None
    names: tuple[str, ...] = ()
    ssh_keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    interpreter: Literal["emulated", "pwsh"] = "emulated"
    client_certificates: ClientCertificates | None = None
    tickets: KerberosAccounts | None = None
    ssh_version: str = "OpenSSH_for_Windows_9.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a host listens in truth; None where it has no such server."""

    name: str
    address: str
    winrm_port: int | None
    https_port: int | None
    ssh_port: int | None


class _Listener(Protocol):
    def close(self) -> None:
        """Stop to listen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabKeys:
    """What the lab proves its identity with: one authority for all certificates, one SSH host key for all hosts."""

    authority: LabAuthority = field(default_factory=LabAuthority)
    ssh_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))


class Station:
    """One host's doors, open or shut as the host is."""

    def __init__(self, served: ServedHost, *, threads: ThreadPoolExecutor, spawn: Spawn, keys: LabKeys) -> None:
        self.served = served
        self.faults = Faults()
        self._keys = keys
        self._around = Surroundings(
            host=served.host,
            faults=self.faults,
            threads=threads,
            cut_off=self.cut_off,
            alive=self._alive,
            down=self._shut,
        )
        self._service = WinrmService(self._around, spawn, powershell=powershell_for(served.host, served.interpreter))
        self._http = self._door(secure=False)
        self._https = self._door(secure=True)
        self._ssh = SshDoor(
            around=self._around,
            spawn=spawn,
            key=keys.ssh_key,
            authorized_keys=served.ssh_keys,
            allowed=self.allowed,
            version=served.ssh_version,
        )
        names = (served.host.name, served.host.name.lower(), *served.names)
        self._names = tuple(dict.fromkeys(names))
        self._tls: ssl.SSLContext | None = None
        self._expired = False
        self._boot = served.host.boot_number()
        self._up = True
        self._listeners: list[_Listener] = []
        self._told: set[str] = set()
        self._ports: dict[str, int | None] = {
            "winrm": served.winrm_port,
            "https": served.https_port,
            "ssh": served.ssh_port,
        }

    def _door(self, *, secure: bool) -> WinrmDoor:
        asked = self.served.client_certificates
        return WinrmDoor(
            around=self._around,
            service=self._service,
            secure=secure,
            allowed=self.allowed,
            certificate_users=asked.users if asked is not None else None,
            tickets=self.served.tickets,
        )

    @property
    def endpoint(self) -> Endpoint:
        ports = self._ports
        return Endpoint(
            name=self.served.host.name,
            address=self.served.address,
            winrm_port=ports["winrm"],
            https_port=ports["https"],
            ssh_port=ports["ssh"],
        )

    def allowed(self) -> bool:
        """True while the host served anybody at the last look."""
        return self._up and not self.faults.refuse

    def look(self) -> tuple[bool, int]:
        """Reachable, and the boot's number. Not for the loop: the host may hold its lock while it works."""
        return self.served.host.reachable(), self.served.host.boot_number()

    def _alive(self) -> bool:
        return self.look() == (True, self._boot)

    def cut_off(self) -> None:
        for door in (self._http, self._https, self._ssh):
            door.cut_off()

    async def refresh(self, seen: tuple[bool, int]) -> None:
        """Bring the doors in line with what a look has seen, and with the faults."""
        self._up, boot = seen
        if boot != self._boot:
            self._boot = boot
            self._shut()
            self._end_all()
        if not self._up:
            self._end_all()
        if not self.allowed():
            self._shut()
        elif not self._listeners:
            await self._open()
        if self._tls is not None and self.faults.expired_certificate != self._expired:
            self._expired = self.faults.expired_certificate
            self._keys.authority.certify(self._tls, self._names, self.served.address, expired=self._expired)

    def _end_all(self) -> None:
        self._service.end_all()
        self._ssh.end_all()

    def _shut(self) -> None:
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()
        self.cut_off()

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        if (sock := self._bind("winrm")) is not None:
            self._listeners.append(await loop.create_server(self._http, sock=sock))
        if (sock := self._bind("https")) is not None:
            if self._tls is None:
                self._tls = self._keys.authority.context(self._names, self.served.address)
                if self.served.client_certificates is not None:
                    self.served.client_certificates.ask(self._tls)
            self._listeners.append(await loop.create_server(self._https, sock=sock, ssl=self._tls))
        if (sock := self._bind("ssh")) is not None:
            self._listeners.append(await self._ssh.listen(sock))

    def _bind(self, kind: str) -> socket.socket | None:
        """A socket on the wanted port. The first time, a free one where that is taken; later clients know the port."""
        port = self._ports[kind]
        if port is None:
            return None
        sock = _bound(self.served.address, port)
        if sock is None and kind not in self._told:
            sock = _bound(self.served.address, 0)
        if sock is None:
            self._shut()
            raise UsageMistake(f"No port of {self.served.address} can be bound for {self.served.host.name}.")
        self._ports[kind] = int(sock.getsockname()[1])
        self._told.add(kind)
        return sock

    async def close(self) -> None:
        self._shut()
        self._end_all()
        await self._http.close()
        await self._https.close()


def _bound(address: str, port: int) -> socket.socket | None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # on Windows the option would let two servers share a port
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen(128)
    except OSError:
        sock.close()
        return None
    return sock
