"""One lane per host: its connection, used by one worker at a time, on a bounded pool of threads."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from engine.ports.connection import Connection

T = TypeVar("T")


class Lanes(Generic[T]):
    """Starts work on hosts and puts what comes of it in ``results``. Connections are kept for the run."""

    def __init__(self, connect: Callable[[str], Connection], forks: int) -> None:
        self._connect = connect
        self._pool = ThreadPoolExecutor(max_workers=forks, thread_name_prefix="lane")
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._connections: dict[str, Connection] = {}
        self.results: queue.Queue[T] = queue.Queue()
        self.is_ended = False

    def start(self, host: str, work: Callable[[], T]) -> None:
        """Run ``work`` in a worker once the host's lane is free; its value goes to ``results``."""
        self._pool.submit(self._in_lane, host, work)

    def _in_lane(self, host: str, work: Callable[[], T]) -> None:
        with self._lock(host):
            self.results.put(work())

    def _lock(self, host: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(host, threading.Lock())

    def connection(self, host: str) -> Connection:
        """The host's connection; it opens itself at its first use."""
        with self._guard:
            if host not in self._connections:
                self._connections[host] = self._connect(host)
            return self._connections[host]

    def close_idle(self) -> None:
        """Close every connection: a shell does not outlive a pause for a person. The next use opens again."""
        with self._guard:
            connections = list(self._connections.values())
        if connections:
            with ThreadPoolExecutor(max_workers=len(connections)) as pool:
                list(pool.map(lambda one: one.close(), connections))

    def end(self, *, wait: bool) -> None:
        """No more work; ``wait`` for what is in flight and close the connections. Without it nobody takes results."""
        self.is_ended = not wait
        self._pool.shutdown(wait=wait, cancel_futures=True)
        if wait:
            self.close_idle()
