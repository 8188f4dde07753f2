"""The contract of the record: append-only events under a lease with a fencing epoch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.model.data import JsonMap
from engine.model.event import RunEvent
from engine.model.result import EvidenceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to append to one run. Every append checks ``epoch``; a newer epoch elsewhere ends this one."""

    run_id: str
    epoch: int
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as ``runbook runs`` lists it. ``status`` is a ``RunStatus`` value; times are epoch seconds."""

    run_id: str
    runbook: str
    version: str
    plan_digest: str
    operator: str
    status: str
    started_at: float
    ended_at: float | None
    hosts: tuple[str, ...]
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedRecord:
    """What a change of a run left to be done on a host and nobody has seen done; ``since`` is epoch seconds."""

    run_id: str
    host: str
    key: str
    what: str
    how: str
    since: float


class JournalStore(Protocol):
    """Where runs live. Raises ``StorageFailed``, ``JournalDamaged``, ``HostLocked``; passes ``tests/contract``."""

    def create(self, record: RunRecord, plan: JsonMap, owner: str) -> Lease:
        """Add a run and hold its hosts; ``HostLocked`` names the run and the owner that hold one of them."""

    def claim(self, run_id: str, owner: str) -> Lease:
        """Take a run up under a new epoch, with its hosts; ``HostLocked`` if a living process still holds the run."""

    def append(self, lease: Lease, events: Sequence[RunEvent]) -> None:
        """Commit events durably, in order, chained; ``StorageFailed`` if the lease is not the newest."""

    def events(self, run_id: str) -> Iterable[RunEvent]:
        """All events of a run in order, the chain verified."""

    def plan(self, run_id: str) -> JsonMap:
        """The plan as stored at ``create``."""

    def record(self, run_id: str) -> RunRecord:
        """One run; ``UsageMistake`` with the nearest ids if there is none."""

    def runs(self) -> Sequence[RunRecord]:
        """All runs, newest first."""

    def owed(self) -> Sequence[OwedRecord]:
        """What is still owed, of all runs, oldest first. ``append`` keeps this account."""

    def is_alive(self, run_id: str) -> bool:
        """True if a living process holds the run now."""

    def release(self, lease: Lease, *, keep_hosts: bool) -> None:
        """Give the run up; ``keep_hosts`` keeps its hosts locked (a parked run)."""

    def close(self) -> None:
        """Release files."""


class EvidenceStore(Protocol):
    """Content-addressed files of one run."""

    def put(self, content: bytes, caption: str) -> EvidenceRef:
        """Store once, synced; the same content gives the same name."""

    def get(self, digest: str) -> bytes:
        """The content; ``JournalDamaged`` if it no longer has that digest."""
