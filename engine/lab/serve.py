"""All servers of a lab, in one thread with one event loop: WinRM over HTTP and HTTPS, and SSH, on loopback addresses.

A host that is not reachable, or refuses, does not listen, and what was connected to it is cut off; a host that has
booted again has lost every shell. Nothing is ever bound outside 127.0.0.0/8.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, Protocol

import asyncssh

from engine.lab.faults import Faults
from engine.lab.host import LabHost
from engine.lab.shells import Spawn, Surroundings, emulated
from engine.lab.shells_pwsh import real_powershell
from engine.lab.ssh_server import SshDoor
from engine.lab.tls import LabAuthority
from engine.lab.winrm_http import WinrmDoor
from engine.lab.winrm_service import WinrmService
from engine.model.data import JsonMap
from engine.model.errors import UsageMistake

_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
_WATCH_S = 0.05
_MAX_THREADS = 64
_SSH_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedHost:
    """A machine and where it listens. A port of 0 takes any free one, None leaves that server out.

    ``names`` go into the certificate beside the host's own name and address. ``ssh_keys`` are public keys in OpenSSH
    form, by user. ``interpreter`` says what stands behind a PowerShell command line.
    """

    host: LabHost
    address: str
    winrm_port: int | None = 5985
    https_port: int | None = 5986
    ssh_port: int | None = None
    names: tuple[str, ...] = ()
    ssh_keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    interpreter: Literal["emulated", "pwsh"] = "emulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a host listens in truth; None where it has no such server."""

    name: str
    address: str
    winrm_port: int | None
    https_port: int | None
    ssh_port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """All hosts by name, and what a client needs to trust them. ``ssh_host_key`` is one OpenSSH public key for all."""

    hosts: Mapping[str, Endpoint]
    ca_pem: str
    ssh_host_key: str

    def known_hosts(self) -> str:
        """The lines of an OpenSSH ``known_hosts`` file for every host with SSH."""
        return "".join(
            f"{_known_name(one.address, one.ssh_port)} {self.ssh_host_key}\n"
            for one in self.hosts.values()
            if one.ssh_port is not None
        )


class _Listener(Protocol):
    def close(self) -> None:
        """Stop to listen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _LabKeys:
    authority: LabAuthority = field(default_factory=LabAuthority)
    ssh_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))


class _Station:
    """One host's doors, open or shut as the host is."""

    def __init__(self, served: ServedHost, *, threads: ThreadPoolExecutor, spawn: Spawn, keys: _LabKeys) -> None:
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
        self._service = WinrmService(self._around, spawn)
        self._http = self._door(secure=False)
        self._https = self._door(secure=True)
        self._ssh = SshDoor(
            around=self._around, spawn=spawn, key=keys.ssh_key, authorized_keys=served.ssh_keys, allowed=self.allowed
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
        return WinrmDoor(around=self._around, service=self._service, secure=secure, allowed=self.allowed)

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


class LabServers:
    """Serves machines until ``stop``. ``start`` and ``stop`` are called from any thread but the servers' own."""

    def __init__(self) -> None:
        self._keys = _LabKeys()
        self._threads = ThreadPoolExecutor(max_workers=_MAX_THREADS, thread_name_prefix="lab-host")
        self._watcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lab-watch")
        self._refreshing = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stations: dict[str, _Station] = {}
        self._watch: asyncio.Task[None] | None = None

    def start(self, hosts: Sequence[ServedHost]) -> Endpoints:
        """Bring all servers up; ``UsageMistake`` for an address outside loopback or a name given twice."""
        if self._thread is not None:
            raise UsageMistake("This lab is already up.")
        _check(hosts)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab-servers", daemon=True)
        self._thread.start()
        try:
            self._call(self._start(hosts))
        except BaseException:
            self.stop()
            raise
        return self.endpoints()

    def stop(self) -> None:
        """End all servers and processes; may be called twice."""
        if self._thread is None or self._loop is None:
            return
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._thread = None
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._watcher.shutdown(wait=False, cancel_futures=True)

    def endpoints(self) -> Endpoints:
        """Where everything listens."""
        return Endpoints(
            hosts={name: station.endpoint for name, station in self._stations.items()},
            ca_pem=self._keys.authority.certificate_pem,
            ssh_host_key=self._keys.ssh_key.export_public_key("openssh").decode("ascii").strip(),
        )

    def faults(self, host: str) -> Faults:
        """The faults of a host, to read or to set; what closes doors takes effect within a moment."""
        try:
            return self._stations[host].faults
        except KeyError:
            known = ", ".join(self._stations) or "none"
            raise UsageMistake(f"The lab has no host named {host}.", remedy=f"Its hosts are: {known}.") from None

    def set_faults(self, host: str, changes: JsonMap) -> None:
        """Change faults by name; in effect when this returns."""
        try:
            self.faults(host).change(changes)
        except ValueError as problem:
            raise UsageMistake(str(problem)) from None
        self._call(self._refresh())

    def refresh(self) -> None:
        """Look at every host now instead of at the next watch; for tests and for a clock that was moved."""
        self._call(self._refresh())

    def _call(self, work: Coroutine[None, None, None]) -> None:
        if self._loop is None:
            work.close()
            raise UsageMistake("This lab is not up.")
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self, hosts: Sequence[ServedHost]) -> None:
        for served in hosts:
            spawn = emulated if served.interpreter == "emulated" else real_powershell()
            self._stations[served.host.name] = _Station(served, threads=self._threads, spawn=spawn, keys=self._keys)
        await self._refresh()
        self._watch = asyncio.get_running_loop().create_task(self._watching())

    async def _refresh(self) -> None:
        stations = list(self._stations.values())
        async with self._refreshing:
            loop = asyncio.get_running_loop()
            seen = await loop.run_in_executor(self._watcher, lambda: [station.look() for station in stations])
            for station, state in zip(stations, seen, strict=True):
                await station.refresh(state)

    async def _watching(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            with contextlib.suppress(UsageMistake):  # somebody took a port while its host was down: try again
                await self._refresh()

    async def _stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        for station in self._stations.values():
            await station.close()
        # Processes and connections end a turn of the loop after they were told to.
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:
            _, still = await asyncio.wait(left, timeout=1.0)
            for task in still:
                task.cancel()
            await asyncio.gather(*still, return_exceptions=True)


def _check(hosts: Sequence[ServedHost]) -> None:
    names = [served.host.name for served in hosts]
    for served in hosts:
        try:
            inside = ipaddress.ip_address(served.address) in _LOOPBACK
        except ValueError:
            inside = False
        if not inside:
            raise UsageMistake(
                f"The lab does not serve {served.host.name} on {served.address}.",
                remedy="Give it an address of 127.0.0.0/8: a lab is never seen from outside.",
            )
        if names.count(served.host.name) > 1:
            raise UsageMistake(f"The lab was given two hosts named {served.host.name}.")


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


def _known_name(address: str, port: int | None) -> str:
    return address if port == _SSH_PORT else f"[{address}]:{port}"
