"""Use case: the way to every host, tried as a run would use it: open, one look, close. Nothing is changed there."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from engine.app.doctor import Health
from engine.app.doctor_certificate import days_left
from engine.app.look import LookRefused, look
from engine.connections import connect
from engine.model.command import Dialect, Script
from engine.model.errors import EngineError
from engine.model.inventory import Host
from engine.model.result import value_map
from engine.ports.connection import Connection, OpenSecret
from engine.ports.edges import Clock

TIMEOUT_S = 30.0
SKEW_S, FEW_DAYS = 300.0, 30
POSIX_LOOK = """\
uname -sr
cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime
date -u +%s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostHealth:
    """What is known of the way to one host. Times are seconds; ``skew_s`` is how far its clock is ahead of ours,
    measured to half of the time the look took.
    """

    host: str
    health: Health
    connection: str
    endpoint: str
    says: str
    remedy: str | None = None
    mode: str = ""
    interpreter: str = ""
    system: str = ""
    boot_id: str = ""
    skew_s: float | None = None
    certificate_days: int | None = None
    open_s: float | None = None
    look_s: float | None = None
    notes: tuple[str, ...] = ()


def examine(
    hosts: list[Host],
    open_secret: OpenSecret,
    clock: Clock,
    *,
    forks: int,
    tell: Callable[[HostHealth], None],
    mask: Callable[[str], str] = str,
) -> tuple[HostHealth, ...]:
    """Every host, at most ``forks`` at once; ``tell`` hears of each in the given order, as soon as it is known.
    ``mask`` hides secrets in what the hosts said.
    """
    with ThreadPoolExecutor(max_workers=max(1, min(forks, len(hosts) or 1))) as pool:
        found = []
        for one in pool.map(lambda host: _hidden(_examine(host, open_secret, clock), mask), hosts):
            tell(one)
            found.append(one)
    return tuple(found)


def _hidden(one: HostHealth, mask: Callable[[str], str]) -> HostHealth:
    return replace(
        one,
        says=mask(one.says),
        remedy=one.remedy and mask(one.remedy),
        interpreter=mask(one.interpreter),
        system=mask(one.system),
        boot_id=mask(one.boot_id),
        notes=tuple(map(mask, one.notes)),
    )


def _examine(host: Host, open_secret: OpenSecret, clock: Clock) -> HostHealth:
    endpoint = f"{host.address}:{host.port}" if host.port else host.address
    known = HostHealth(
        host=host.name, health=Health.OK, connection=host.connection, endpoint=endpoint, says="", mode="not open"
    )
    connection: Connection | None = None
    try:
        connection = connect(host, open_secret)
        return _reached(known, host, connection, clock)
    except EngineError as failure:
        return replace(known, health=Health.FAILED, says=failure.message, remedy=failure.remedy)
    except LookRefused as refused:
        return replace(known, health=Health.FAILED, says=f"it answers, but a look fails: {refused}")
    finally:
        if connection is not None:
            connection.close()


def _reached(known: HostHealth, host: Host, connection: Connection, clock: Clock) -> HostHealth:
    begun = clock.monotonic()
    connection.open(TIMEOUT_S)
    opened = clock.monotonic()
    sent = clock.now()
    seen = (
        _posix(connection) if host.platform == "posix" else look(connection, host.name, "windows.host", {}, TIMEOUT_S)
    )
    middle = (sent + clock.now()) / 2
    info = connection.info
    return _judged(
        replace(
            known,
            endpoint=info.endpoint,
            mode="one interpreter" if info.persistent else "a process per command",
            interpreter=_interpreter(seen, info.interpreter),
            system=str(seen.get("os_caption", "")),
            boot_id=str(seen.get("boot_id", "")),
            skew_s=None if _time(seen) is None else round((_time(seen) or 0.0) - middle, 1),
            certificate_days=days_left(info.endpoint, clock.now()),
            open_s=round(opened - begun, 3),
            look_s=round(clock.monotonic() - opened, 3),
            notes=(info.note,) if info.note else (),
        )
    )


def _judged(known: HostHealth) -> HostHealth:
    """Reached; what a person should mend before a recovery is a warning."""
    found: list[tuple[str, str]] = []
    if known.skew_s is not None and abs(known.skew_s) > SKEW_S:
        ahead = "ahead of" if known.skew_s > 0 else "behind"
        found.append(
            (
                f"its clock is {abs(known.skew_s) / 60:.0f} min {ahead} this machine's",
                "set the clocks: logs are matched by time",
            )
        )
    if known.certificate_days is not None and known.certificate_days < FEW_DAYS:
        found.append(
            (f"its certificate ends in {known.certificate_days} days", "renew the certificate of the WinRM listener")
        )
    if not found:
        return replace(known, says="reached")
    return replace(
        known,
        health=Health.WARNING,
        says="; ".join(one for one, _ in found),
        remedy="; ".join(remedy for _, remedy in found),
    )


def _interpreter(seen: Any, interpreter: str) -> str:
    version = str(seen.get("powershell_version", ""))
    return f"PowerShell {version}" if version else interpreter


def _posix(connection: Connection) -> dict[str, Any]:
    script = Script(name="doctor.sh", text=POSIX_LOOK, dialect=Dialect.POSIX)
    result = connection.run(script, TIMEOUT_S)
    lines = str(value_map(result).get("stdout", "")).splitlines()
    if not result.ok or len(lines) < 3:  # noqa: PLR2004 - system, boot, time
        raise LookRefused(result.errors[0].message if result.errors else "the shell gave no answer that could be read")
    return {"os_caption": lines[0], "boot_id": lines[1], "epoch": lines[2]}


def _time(seen: Any) -> float | None:
    try:
        if "epoch" in seen:
            return float(seen["epoch"])
        return datetime.strptime(str(seen["clock"]), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except (KeyError, ValueError):
        return None
