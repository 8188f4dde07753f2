"""All servers of a lab, in one thread with one event loop: WinRM over HTTP and HTTPS, and SSH, on loopback addresses.

A host that is not reachable, or refuses, does not listen, and what was connected to it is cut off; a host that has
booted again has lost every shell. Nothing is ever bound outside 127.0.0.0/8.
"""

import asyncio
import contextlib
import ipaddress
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from engine.lab.faults import Faults
from engine.lab.serve_station import ClientCertificates, Endpoint, LabKeys, ServedHost, Station
from engine.lab.shells_pwsh import spawn_for
from engine.lab.winrm_auth import KerberosAccounts
from engine.model.data import JsonMap
from engine.model.errors import UsageMistake

__all__ = ["ClientCertificates", "Endpoint", "Endpoints", "KerberosAccounts", "LabServers", "ServedHost"]

_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
_WATCH_S = 0.05
_MAX_THREADS = 64
_SSH_PORT = 22


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


class LabServers:
    """Serves machines until ``stop``. ``start`` and ``stop`` are called from any thread but the servers' own."""

    def __init__(self) -> None:
        self._keys = LabKeys()
        self._threads = ThreadPoolExecutor(max_workers=_MAX_THREADS, thread_name_prefix="lab-host")
        self._watcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lab-watch")
        self._refreshing = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stations: dict[str, Station] = {}
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
            spawn = spawn_for(served.host, served.interpreter)
            self._stations[served.host.name] = Station(served, threads=self._threads, spawn=spawn, keys=self._keys)
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


def _known_name(address: str, port: int | None) -> str:
    return address if port == _SSH_PORT else f"[{address}]:{port}"
