"""What an inventory says about an SSH connection. No IO."""

import re
from dataclasses import dataclass
from pathlib import Path

from engine.model.command import Dialect
from engine.model.errors import ConnectFailed
from engine.model.inventory import Host

SSH_PORT = 22
_HOP = re.compile(r"(?:(?P<user>[^@]+)@)?(?P<address>\[[^\]]+\]|[^:]+)(?::(?P<port>\d+))?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One machine on the way."""

    user: str | None
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings:
    """One host's SSH connection: ``jumps`` come before ``target``, in order."""

    target: Hop
    jumps: tuple[Hop, ...]
    known_hosts: Path
    private_key: Path | None
    dialect: Dialect
    persistent: bool


def read_settings(host: Host) -> SshSettings:
    """The settings; a hop that cannot be read is ``ConnectFailed``."""
    options = host.options
    key = options.get("private_key_file")
    default = Dialect.POWERSHELL if host.platform == "windows" else Dialect.POSIX
    shell = options.get("shell")
    return SshSettings(
        target=Hop(user=host.user, address=host.address, port=host.port or SSH_PORT),
        jumps=tuple(_hop(host, part) for part in _parts(options.get("proxy_jump"))),
        known_hosts=Path(str(options.get("known_hosts") or "~/.ssh/known_hosts")).expanduser(),
        private_key=Path(key).expanduser() if isinstance(key, str) and key else None,
        dialect={"powershell": Dialect.POWERSHELL, "cmd": Dialect.POWERSHELL, "posix": Dialect.POSIX}.get(
            str(shell), default
        ),
        persistent=options.get("persistent") is not False,
    )


def _parts(value: object) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else []
    return [str(item).strip() for item in items if str(item).strip()]


def _hop(host: Host, text: str) -> Hop:
    match = _HOP.match(text)
    if match is None:
        raise ConnectFailed(
            host.name,
            f"proxy jump {text!r}",
            "it is not of the form user@host:port",
            remedy="correct `runbook_proxy_jump`",
        )
    return Hop(
        user=match["user"] or host.user, address=match["address"].strip("[]"), port=int(match["port"] or SSH_PORT)
    )
