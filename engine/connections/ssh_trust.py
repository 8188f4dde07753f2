"""Host keys: known ones are accepted, unknown and changed ones refused with fingerprints. None is learnt silently."""

import base64
import hashlib
from pathlib import Path

import paramiko

from engine.connections.ssh_settings import SSH_PORT, Hop
from engine.model.errors import AuthenticationFailed


def fingerprint(key: paramiko.PKey) -> str:
    """As OpenSSH prints it."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode("ascii").rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"


class RefuseUnknown(paramiko.MissingHostKeyPolicy):
    """Refuses a host whose key is not in the file."""

    def __init__(self, host: str, hop: Hop, known_hosts: Path) -> None:
        self._host = host
        self._hop = hop
        self._known_hosts = known_hosts

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Called by paramiko before any credential is sent."""
        port = "" if self._hop.port == SSH_PORT else f"-p {self._hop.port} "
        raise AuthenticationFailed(
            self._host,
            "the host's identity",
            f"the key of {self._hop} is not in {self._known_hosts}; it offers {fingerprint(key)}",
            remedy=f"compare the fingerprint with the host's own (ssh-keygen -lf on its console), then run: "
            f"ssh-keyscan {port}{self._hop.address} >> {self._known_hosts}",
        )


def changed(host: str, hop: Hop, known_hosts: Path, error: paramiko.BadHostKeyException) -> AuthenticationFailed:
    """The host shows another key than the one on file."""
    name = hop.address if hop.port == SSH_PORT else f"[{hop.address}]:{hop.port}"
    return AuthenticationFailed(
        host,
        "the host's identity",
        f"THE KEY OF {hop} HAS CHANGED: on file is {fingerprint(error.expected_key)}, it offers "
        f"{fingerprint(error.key)}. Another machine may be answering in its place; nothing was sent to it",
        remedy="find out why before anything else. Only if the host was set up anew: compare the fingerprint on its "
        f'console, then run: ssh-keygen -f {known_hosts} -R "{name}"',
    )
